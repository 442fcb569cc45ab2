// Jobs on a real database: single flight, leases, fencing, take-over, cancel.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { openDatabase } from "../../catalogue/database.ts";
import { DriftlineError } from "../../errors/registry.ts";
import type { Question } from "../../family/family.ts";
import { type Recipe, recipeHash } from "../recipe.ts";
import { isDead, thisProcess } from "./holder.ts";
import { jobStore, type Plan } from "./jobStore.ts";
import { leaseMs } from "./leases.ts";
import { stageResults } from "./stageResults.ts";
import { type JobTables, jobMigrations } from "./tables.ts";

async function openStore(t: TestContext) {
  const directory = await mkdtemp(join(tmpdir(), "driftline-jobs-"));
  const database = await openDatabase<JobTables>(directory, jobMigrations);
  t.after(async () => {
    await database.close();
    await rm(directory, { recursive: true });
  });
  return { ...jobStore(database), results: stageResults(database) };
}

/** `recipe` makes recipes differ; with `parent` it was chosen among models, and with null there was none. */
function plan(recipe: string, parent?: string | null): Plan {
  const question: Question = {
    family: "test.family",
    familyVersion: 1,
    conditions: {},
    software: {},
    defaulted: [],
    canonical: "{}",
    key: "k1-0",
  };
  const made = { key: "k1-0", data: { source: "simulator" }, recipe, parent: parent ?? null };
  const planned = made as unknown as Recipe;
  const warmStart = parent === undefined ? null : { parent, distance: null, reason: "a test" };
  return { question, recipe: planned, recipeHash: recipeHash(planned), files: [], warmStart };
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error: unknown = await promise.then(
    () => assert.fail("it should have failed"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof DriftlineError, String(error));
  return error.code;
}

test("many callers at once get one job for a recipe", async (t) => {
  const store = await openStore(t);
  const answers = await Promise.all(Array.from({ length: 32 }, () => store.createOrJoin(plan("r1-a"))));
  assert.equal(new Set(answers.map(({ job }) => job.id)).size, 1);
  assert.equal(answers.filter(({ created }) => created).length, 1);
  assert.notEqual((await store.createOrJoin(plan("r1-b"))).job.id, answers[0].job.id);
});

test("jobs are listed newest first, from any of them on, and counted by state", async (t) => {
  const store = await openStore(t);
  const made: string[] = [];
  for (let i = 0; i < 230; i++) made.push((await store.createOrJoin(plan(`r1-${i}`))).job.id);
  await store.cancel(made[17]);
  const ids = async (after?: string) => (await Array.fromAsync(store.list({ after }))).map(({ id }) => id);
  const all = await ids();
  assert.deepEqual(all.toSorted(), made.toSorted());
  for (const i of [0, 99, 100, 228, 229]) assert.deepEqual(await ids(all[i]), all.slice(i + 1));
  assert.equal(await codeOf(store.list({ after: "none" }).next()), "unknown_job");
  assert.deepEqual(
    await store.counts(),
    new Map([
      ["cancelled", 1],
      ["queued", 229],
    ]),
  );
  assert.deepEqual(
    (await store.ofRecipe(plan("r1-5").recipe, false)).map(({ id }) => id),
    [made[5]],
  );
});

test("where a parent is to be chosen, a job that is the same but for its parent is joined", async (t) => {
  const store = await openStore(t);
  const { job } = await store.createOrJoin(plan("a", "bundle 1"));
  assert.deepEqual(job.warmStart, { parent: "bundle 1", distance: null, reason: "a test" });
  assert.equal((await store.createOrJoin(plan("a", "bundle 2"))).job.id, job.id);
  assert.equal((await store.createOrJoin(plan("a", null))).job.id, job.id);
  assert.notEqual((await store.createOrJoin(plan("b", "bundle 1"))).job.id, job.id);
  const cold = await store.createOrJoin(plan("a"));
  assert.deepEqual([cold.created, cold.job.warmStart], [true, null]);
  assert.notEqual(cold.job.recipeHash, job.recipeHash);
  const ids = async (anyParent: boolean) =>
    (await store.ofRecipe(plan("a").recipe, anyParent)).map(({ id }) => id);
  assert.deepEqual(await ids(false), [cold.job.id]);
  assert.deepEqual((await ids(true)).sort(), [cold.job.id, job.id].sort());
});

test("one process holds a job; what it writes under its token is kept, and ends the lease", async (t) => {
  const store = await openStore(t);
  const { job } = await store.createOrJoin(plan("r1-a"));
  const claimed = await store.claim(job.id, thisProcess());
  assert.ok(claimed);
  assert.equal(await store.claim(job.id, thisProcess()), null);
  assert.deepEqual(await store.claimable(), []);
  await store.record(
    job.id,
    claimed.fence,
    { stage: { name: "train", state: "running", fraction: 0.5 } },
    { type: "progress" },
  );
  await store.record(job.id, claimed.fence, { state: "published", bundle: "b" }, { type: "state" });
  const ended = await store.get(job.id);
  assert.equal(ended.state, "published");
  assert.equal(ended.bundle, "b");
  assert.equal(ended.stages.find(({ name }) => name === "train")?.fraction, 0.5);
  assert.deepEqual(
    (await store.events(job.id, 0)).map(({ seq, type, state }) => [seq, type, state]),
    [
      [1, "progress", "running"],
      [2, "state", "published"],
    ],
  );
  assert.equal((await store.createOrJoin(plan("r1-a"))).created, true, "an ended job is not joined");
});

test("a lease that ran out is taken over, and the old holder can write nothing more", async (t) => {
  const store = await openStore(t);
  const { job } = await store.createOrJoin(plan("r1-a"));
  const first = await store.claim(job.id, thisProcess());
  assert.ok(first);
  t.mock.timers.enable({ apis: ["Date"], now: Date.now() + leaseMs + 1 });
  const second = await store.claim(job.id, thisProcess());
  assert.ok(second);
  assert.ok(second.fence > first.fence);
  assert.equal(second.job.attempt, 2);
  assert.deepEqual(await store.renew(job.id, first.fence), { held: false, cancelRequested: false });
  assert.equal(
    await codeOf(store.record(job.id, first.fence, { state: "published" }, { type: "state" })),
    "lease_lost",
  );
  assert.equal((await store.get(job.id)).state, "running");
});

test("renewing keeps the lease", async (t) => {
  const store = await openStore(t);
  const { job } = await store.createOrJoin(plan("r1-a"));
  const claimed = await store.claim(job.id, thisProcess());
  assert.ok(claimed);
  const now = Date.now();
  t.mock.timers.enable({ apis: ["Date"], now });
  for (let passed = 0; passed < 3 * leaseMs; passed += leaseMs / 2) {
    t.mock.timers.setTime(now + passed);
    assert.equal((await store.renew(job.id, claimed.fence)).held, true);
    assert.equal(await store.claim(job.id, thisProcess()), null);
  }
});

test("the job of a dead process of this host is free at once", async (t) => {
  const store = await openStore(t);
  const { job } = await store.createOrJoin(plan("r1-a"));
  const child = spawn("sleep", ["60"]);
  const holder = { ...thisProcess(), pid: child.pid ?? 0, start: "1" };
  assert.equal(isDead(holder), true, "another start time means another process");
  assert.ok(await store.claim(job.id, { ...thisProcess() }));
  assert.equal(isDead(thisProcess()), false);
  child.kill("SIGKILL");
  await new Promise((resolve) => child.once("exit", resolve));
  const { job: other } = await store.createOrJoin(plan("r1-b"));
  assert.ok(await store.claim(other.id, holder));
  assert.ok(await store.claim(other.id, thisProcess()), "taken over without waiting for the lease to end");
});

test("cancel ends a waiting job at once, and is told to the holder of a running one", async (t) => {
  const store = await openStore(t);
  const waiting = (await store.createOrJoin(plan("r1-a"))).job;
  assert.equal((await store.cancel(waiting.id)).state, "cancelled");
  const running = (await store.createOrJoin(plan("r1-b"))).job;
  const claimed = await store.claim(running.id, thisProcess());
  assert.ok(claimed);
  assert.equal((await store.cancel(running.id)).state, "running");
  assert.deepEqual(await store.renew(running.id, claimed.fence), { held: true, cancelRequested: true });
  assert.equal(await codeOf(store.cancel("no-such-job")), "unknown_job");
});

test("a job given back waits for the next worker, with its stages' records", async (t) => {
  const store = await openStore(t);
  const { job } = await store.createOrJoin(plan("r1-a"));
  const claimed = await store.claim(job.id, thisProcess());
  assert.ok(claimed);
  await store.giveBack(job.id, claimed.fence);
  assert.equal((await store.get(job.id)).state, "queued");
  assert.deepEqual(await store.claimable(), [job.id]);
});

test("the first record of a stage stays", async (t) => {
  const { results } = await openStore(t);
  const result = {
    output: { model: "x" },
    figures: { steps: 3 },
    seconds: 1.5,
    finishedAt: "2026-01-01T00:00:00Z",
  };
  await results.record("train", "in", result);
  await results.record("train", "in", { ...result, output: { model: "y" } });
  assert.deepEqual(await results.find("train", "in"), result);
  assert.equal(await results.find("train", "other"), null);
});
