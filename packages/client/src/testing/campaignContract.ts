// What every Driftline that keeps campaigns must do, in process or over HTTP, as tests to run on any of them.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, describe, it } from "node:test";
import type { Driftline } from "../api.ts";
import { tarOfDirectory } from "../tar.ts";
import { rejection } from "./contract.ts";

/** A catalogue without campaigns, and with one bundle for the family's nominal conditions. */
export interface CampaignSubject {
  driftline: Driftline;
  family: string;
  bundle: string;
  /** The bundle as a directory. */
  directory: string;
  close(): Promise<void>;
}

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
const csv = (...rows: string[]) => ["tag,first_run,last_run,drift_velocity [cm/us]", ...rows].join("\n");

/** Declares the tests, which build on each other; `make` is called once. */
export function campaignContract(name: string, make: () => Promise<CampaignSubject>): void {
  describe(`${name} keeps campaigns`, { timeout: 60_000 }, () => {
    let subject: CampaignSubject;
    let driftline: Driftline;
    let campaigns: Driftline["campaigns"];
    before(async () => {
      subject = await make();
      driftline = subject.driftline;
      campaigns = driftline.campaigns;
    });
    after(() => subject?.close());

    it("imports a table of runs whole, or says by lines what is wrong", async () => {
      assert.deepEqual(await campaigns.tags(), []);
      const content = csv("mc,1,99,5.5", "mc,200,299,55e-1");
      const [first] = await campaigns.importRuns({ file: "runs.csv", content });
      assert.deepEqual(first, {
        tag: "mc",
        changed: true,
        ranges: 2,
        added: 2,
        gaps: [{ firstRun: 100, lastRun: 199, after: 2, before: 3 }],
      });
      const [again] = await campaigns.importRuns({ file: "runs.csv", content });
      assert.deepEqual([again.changed, again.added], [false, 0]);
      const wrong = await rejection(
        campaigns.importRuns({ file: "runs.csv", content: csv("mc,300,310,5.5", "mc,305,320,9999") }),
      );
      assert.equal(wrong.code, "invalid_data");
      assert.match(wrong.message, /runs\.csv:3: /);
      const { ranges, frozen } = await campaigns.tag("mc");
      assert.deepEqual([ranges.length, frozen], [2, false]);
      const [replaced] = await campaigns.importRuns({
        file: "runs.json",
        content: JSON.stringify([
          { tag: "mc", firstRun: 1, lastRun: 99, conditions: { drift_velocity: "5.5 cm/us" } },
          { tag: "mc", firstRun: 100, lastRun: 199, conditions: { drift_velocity: "55 mm/us" } },
        ]),
        replace: true,
      });
      assert.deepEqual([replaced.ranges, replaced.gaps], [2, []]);
      const unknown = await rejection(campaigns.tag("mcc"));
      assert.equal(unknown.code, "unknown_tag");
      assert.match(unknown.remedy ?? "", /mc/);
    });

    it("resolves runs, now and at a time", async () => {
      const at = (run: number, asOf: string | null = null) =>
        campaigns.resolveRun(subject.family, { tag: "mc", run, accept: "exact", asOf });
      const found = await at(150);
      assert.ok(found.found);
      assert.equal(found.model.bundle, subject.bundle);
      assert.equal((await at(150, "2020-01-01T00:00:00.000Z")).found, false);
      assert.equal((await rejection(at(5000))).code, "unknown_run");
      await campaigns.importRuns({ file: "runs.csv", content: csv("other,1,9,6.2") });
      const missed = await campaigns.resolveRun(subject.family, {
        tag: "other",
        run: 1,
        accept: "exact",
        asOf: null,
      });
      assert.ok(!missed.found && missed.nearest.length > 0);
    });

    it("freezes a tag once and for all", async () => {
      await campaigns.freeze("mc");
      await campaigns.freeze("mc");
      const refused = campaigns.importRuns({ file: "runs.csv", content: csv("mc,1000,1001,5.5") });
      assert.equal((await rejection(refused)).code, "frozen_tag");
      assert.equal((await rejection(campaigns.freeze("nothing"))).code, "unknown_tag");
      const tags = await campaigns.tags();
      assert.deepEqual(
        tags.map(({ tag, frozen }) => [tag, frozen]),
        [
          ["mc", true],
          ["other", false],
        ],
      );
    });

    it("locks a tag, or names what is missing and what to make", async () => {
      const lock = await campaigns.lock({ tag: "mc", families: [subject.family] });
      assert.deepEqual(
        lock.ranges.map(({ firstRun, bundle }) => [firstRun, bundle]),
        [
          [1, subject.bundle],
          [100, subject.bundle],
        ],
      );
      const registered = await Array.fromAsync(campaigns.locks("mc"));
      assert.deepEqual(
        registered.map(({ digest, bundles }) => [digest, bundles]),
        [[lock.digest, [subject.bundle]]],
      );
      assert.deepEqual(await Array.fromAsync(campaigns.locks("other")), []);
      const missing = await rejection(campaigns.lock({ tag: "other", families: [subject.family] }));
      assert.equal(missing.code, "no_model");
      const { missing: models } = missing.data as { missing: { conditions: Record<string, string> }[] };
      assert.equal(models[0].conditions.drift_velocity, "6.2");
      assert.equal((await rejection(campaigns.lock({ tag: "nothing" }))).code, "unknown_tag");
    });

    it("registers samples once, and lists them", async () => {
      const sample = (n: number) => ({
        file: `/data/sample-${n}.safetensors`,
        sha256: sha256(String(n)),
        size: n,
        bundle: subject.bundle,
        lock: null,
        tag: n % 2 === 0 ? "mc" : null,
        provenance: { source: "model", seed: String(n) },
      });
      for (let n = 0; n < 5; n++) assert.equal(await campaigns.registerSample(sample(n)), true);
      assert.equal(await campaigns.registerSample(sample(3)), false);
      const all = await Array.fromAsync(campaigns.samples());
      assert.deepEqual(
        all.map(({ createdAt: _, ...rest }) => rest),
        [0, 1, 2, 3, 4].map(sample),
      );
      assert.equal((await Array.fromAsync(campaigns.samples("mc"))).length, 3);
    });

    it("names a model by the key that it serves, whole or begun", async () => {
      const { key } = await driftline.model(subject.bundle);
      assert.equal((await driftline.model(key)).bundle, subject.bundle);
      assert.equal((await driftline.model(key.slice(0, 13))).bundle, subject.bundle);
      assert.equal((await rejection(driftline.model(`k1-${"0".repeat(64)}`))).code, "unknown_model");
    });

    it("takes a bundle that it has as what it is: there", async () => {
      const { tar } = await tarOfDirectory(subject.directory);
      const { model, job } = await driftline.push(tar);
      assert.deepEqual([model?.bundle, model?.serving, job], [subject.bundle, true, null]);
    });

    it("recalls what used a model and retires it for good", async () => {
      const recalled = await campaigns.recall(subject.bundle.slice(0, 10));
      assert.deepEqual(
        [recalled.bundle, recalled.retired, recalled.locks.length, recalled.samples.length],
        [subject.bundle, null, 1, 5],
      );
      const retired = await campaigns.retire(subject.bundle, "gain map was wrong");
      assert.deepEqual(
        [retired.bundle, retired.serving, retired.retired, retired.locks, retired.samples],
        [subject.bundle, false, "gain map was wrong", 1, 5],
      );
      const again = await campaigns.retire(subject.bundle, "another reason");
      assert.equal(again.retired, "gain map was wrong");
      assert.equal((await campaigns.recall(subject.bundle)).retired, "gain map was wrong");
      assert.equal((await driftline.resolve(subject.family, {})).found, false);
      assert.equal((await rejection(campaigns.retire("0".repeat(64), "no"))).code, "unknown_model");
      const { tar } = await tarOfDirectory(subject.directory);
      const refused = await rejection(driftline.push(tar));
      assert.equal(refused.code, "refused");
      assert.equal(refused.data?.retired, "gain map was wrong");
    });
  });
}
