// What every Driftline must do, in process or over HTTP, as tests to run on any of them.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import {
  type Driftline,
  type EnsureRequest,
  familySummary,
  hit,
  type JobEvent,
  job as jobSchema,
  miss,
  model as modelSchema,
  type ResolveRequest,
} from "../api.ts";
import { DriftlineError } from "../error.ts";
import { pull } from "../pull.ts";
import { verifyBundle } from "../verify.ts";

/** A catalogue with one published bundle, and questions about it. */
export interface ContractSubject {
  driftline: Driftline;
  family: string;
  /** Answered exactly by `bundle`. */
  published: ResolveRequest;
  bundle: string;
  /** Inside the bundle's measured domain, but not its own conditions. */
  near: ResolveRequest;
  /** Outside every bundle's domain. */
  missing: ResolveRequest;
  /** A name that is a condition of the family, with a value out of its range. */
  outOfRange: Record<string, string>;
  /** Makes a job that publishes within seconds, after several events. */
  making?: EnsureRequest;
  /** Makes a job that goes on until it is cancelled (or for long). */
  endless?: EnsureRequest;
  /** A recipe that was refused before. */
  refused?: EnsureRequest;
  close(): Promise<void>;
}

export async function rejection(promise: Promise<unknown>): Promise<DriftlineError> {
  const error = await promise.then(
    (value) => assert.fail(`should have failed; gave ${JSON.stringify(value)?.slice(0, 200)}`),
    (cause) => cause,
  );
  assert.ok(error instanceof DriftlineError, error?.stack);
  return error;
}

/** Declares the tests; `make` is called once. */
export function driftlineContract(name: string, make: () => Promise<ContractSubject>): void {
  describe(`${name} follows the contract of Driftline`, { timeout: 120_000 }, () => {
    let subject: ContractSubject;
    let driftline: Driftline;
    let directory: string;
    before(async () => {
      subject = await make();
      driftline = subject.driftline;
      directory = await mkdtemp(join(tmpdir(), "driftline-contract-"));
    });
    after(async () => {
      await subject?.close();
      if (directory !== undefined) await rm(directory, { recursive: true });
    });

    it("lists families with the number of models that serve", async () => {
      const families = familySummary.array().parse(await driftline.families());
      const family = families.find((each) => each.name === subject.family);
      assert.ok(family, `no family ${subject.family}`);
      assert.ok(family.models >= 1);
    });

    it("answers from the catalogue", async () => {
      const answer = hit.parse(await driftline.resolve(subject.family, subject.published));
      assert.equal(answer.model.bundle, subject.bundle);
      assert.equal(answer.match, "exact");
      assert.equal(answer.distance, 0);
      assert.equal(answer.question.key, answer.model.key);
      const hash = createHash("sha256").update(answer.question.canonical).digest("hex");
      assert.equal(answer.question.key, `k1-${hash}`);
    });

    it("explains a miss with the nearest models", async () => {
      const answer = miss.parse(await driftline.resolve(subject.family, subject.missing));
      assert.notEqual(answer.reason, "");
      const near = answer.nearest.find(({ model }) => model.bundle === subject.bundle);
      assert.ok(near, "the published bundle is not among the nearest");
      assert.ok(near.differences.some(({ fits, reason }) => !fits && reason !== ""));
    });

    it("answers compatible only to those who accept it", async () => {
      assert.equal((await driftline.resolve(subject.family, subject.near)).found, false);
      const request = { ...subject.near, accept: "compatible" as const };
      const answer = hit.parse(await driftline.resolve(subject.family, request));
      assert.equal(answer.match, "compatible");
      assert.equal(answer.model.bundle, subject.bundle);
      assert.ok(answer.distance > 0 && answer.distance <= 1, `distance ${answer.distance}`);
    });

    it("refuses what it does not know, with field and remedy", async () => {
      const family = await rejection(driftline.resolve("no.such", {}));
      assert.equal(family.code, "unknown_family");
      assert.match(family.remedy ?? "", new RegExp(subject.family.replace(".", "\\.")));
      const condition = await rejection(driftline.resolve(subject.family, { conditions: { no_such: "1" } }));
      assert.equal(condition.code, "unknown_condition");
      assert.match(condition.field ?? "", /no_such/);
      const range = await rejection(driftline.resolve(subject.family, { conditions: subject.outOfRange }));
      assert.equal(range.code, "out_of_range");
      assert.match(range.field ?? "", new RegExp(Object.keys(subject.outOfRange)[0]));
      for (const error of [family, condition, range]) assert.ok(error.remedy, `${error.code} has no remedy`);
      assert.equal((await rejection(driftline.ensure("no.such", {}))).code, "unknown_family");
    });

    it("ensures what is there without a job", async () => {
      const answer = await driftline.ensure(subject.family, subject.published);
      assert.equal(answer.model?.model.bundle, subject.bundle);
      assert.equal(answer.job, null);
    });

    it("names models by digest and by prefix", async () => {
      const models = modelSchema
        .array()
        .parse(await Array.fromAsync(driftline.models({ family: subject.family })));
      assert.ok(models.some(({ bundle }) => bundle === subject.bundle));
      assert.deepEqual(await Array.fromAsync(driftline.models({ family: "no.such" })), []);
      assert.equal((await driftline.model(subject.bundle)).bundle, subject.bundle);
      assert.equal((await driftline.model(subject.bundle.slice(0, 8))).bundle, subject.bundle);
      assert.equal((await rejection(driftline.model("0".repeat(64)))).code, "unknown_model");
      assert.equal((await rejection(driftline.manifest("0".repeat(64)))).code, "unknown_model");
      assert.equal((await rejection(driftline.file(subject.bundle, "no-such-file"))).code, "unknown_file");
    });

    it("gives the bytes of a bundle", async () => {
      const verified = await pull(driftline, subject.bundle, join(directory, "bundle"));
      assert.equal(verified.digest, subject.bundle);
      assert.equal((await verifyBundle(join(directory, "bundle"))).digest, subject.bundle);
    });

    it("knows no job that was not made", async () => {
      assert.equal((await rejection(driftline.job("999999"))).code, "unknown_job");
      assert.equal((await rejection(driftline.cancel("999999"))).code, "unknown_job");
      const first = driftline.events("999999")[Symbol.asyncIterator]().next();
      assert.equal((await rejection(first)).code, "unknown_job");
    });

    it("makes a model, tells of it as it happens, and again from any event", async (t) => {
      if (subject.making === undefined) return t.skip("nothing to make");
      const { job } = await driftline.ensure(subject.family, subject.making);
      assert.ok(job, "the model is there already");
      jobSchema.parse(job);
      const events: JobEvent[] = [];
      for await (const event of driftline.events(job.id)) events.push(event);
      assert.ok(events.length >= 3, `${events.length} events`);
      assert.ok(
        events.every(({ seq }, i) => i === 0 || seq > events[i - 1].seq),
        "seq does not grow",
      );
      const ended = await driftline.job(job.id);
      assert.equal(ended.state, "published");
      const { bundle } = ended;
      assert.ok(bundle);
      const middle = events[Math.floor(events.length / 2)].seq;
      const rest: JobEvent[] = [];
      for await (const event of driftline.events(job.id, { after: middle })) rest.push(event);
      assert.deepEqual(
        rest,
        events.filter(({ seq }) => seq > middle),
      );
      assert.ok((await Array.fromAsync(driftline.jobs())).some(({ id }) => id === job.id));
    });

    it("cancels a job, and stops telling when asked to", async (t) => {
      if (subject.endless === undefined) return t.skip("nothing that goes on");
      const { job } = await driftline.ensure(subject.family, subject.endless);
      assert.ok(job);
      const again = await driftline.ensure(subject.family, subject.endless);
      assert.equal(again.job?.id, job.id, "one recipe has one job at a time");
      const signal = AbortSignal.timeout(100);
      for await (const event of driftline.events(job.id, { signal })) assert.ok(event.seq > 0);
      assert.ok(signal.aborted, "the events ended before the job");
      await driftline.cancel(job.id);
      for await (const _ of driftline.events(job.id));
      assert.equal((await driftline.job(job.id)).state, "cancelled");
    });

    it("answers a refused recipe with its verdict", async (t) => {
      if (subject.refused === undefined) return t.skip("nothing was refused");
      const error = await rejection(driftline.ensure(subject.family, subject.refused));
      assert.equal(error.code, "refused");
      assert.ok(error.data, "the error carries no verdict");
      const { gates } = error.data.verdict as { gates: { passed: boolean }[] };
      assert.ok(gates.some(({ passed }) => !passed));
      assert.ok(error.remedy);
    });
  });
}
