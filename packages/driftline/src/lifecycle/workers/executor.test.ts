// Worker processes that are killed, stalled, deaf or stopped: what becomes of their job, how fast, and of their trainer.

import assert from "node:assert/strict";
import { readlinkSync } from "node:fs";
import { chmod, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Job } from "@driftline/client/api";
import { loadConfiguration } from "../../config/configuration.ts";
import { scratchDirectory, scriptedTrainer } from "../../training/testing.ts";
import { makeTestJob, testFamilies } from "../testing.ts";
import { startExecutor } from "./executor.ts";

const skip = process.platform === "linux" ? false : "needs /proc";

/** A trainer that is none of Driftline's: it ignores SIGTERM and the end of its input. */
const deaf = `signal.signal(signal.SIGTERM, signal.SIG_IGN)
say("up")
time.sleep(300)`;

async function open(t: TestContext) {
  // Removed after the executor is closed: hooks run in the order in which they were given.
  const dataDirectory = await mkdtemp(join(tmpdir(), "driftline-executor-"));
  const job = await makeTestJob(dataDirectory);
  const { sources } = await scriptedTrainer(t, deaf);
  const trainerDirectory = await scratchDirectory(t);
  await rename(sources, join(trainerDirectory, "src"));
  await writeFile(join(trainerDirectory, "requirements.lock"), "");
  const python = join(trainerDirectory, "python");
  await writeFile(python, '#!/bin/sh\nexec python3 "$@"\n');
  await chmod(python, 0o755);
  const environment = { ...process.env, DRIFTLINE_DATA_DIR: dataDirectory, DRIFTLINE_FAMILIES: testFamilies };
  const config = { ...loadConfiguration({ environment }), trainerDirectory, python };
  const executor = startExecutor(config, job.store);
  t.after(async () => {
    await executor.close();
    await job.close();
    await rm(dataDirectory, { recursive: true });
  });
  await trainerIsUp(job.directory);
  return { ...job, executor, worker: await workerOf(job.directory) };
}

async function trainerIsUp(directory: string): Promise<void> {
  for (;;) {
    const log = await readFile(join(directory, "worker.log"), "utf8").catch(() => "");
    if (log.includes('"event": "up"')) return;
    await sleep(20);
  }
}

/** The child of this process whose standard output is the job's log. */
async function workerOf(directory: string): Promise<number> {
  const children = await readFile(`/proc/${process.pid}/task/${process.pid}/children`, "utf8");
  const found = children
    .trim()
    .split(" ")
    .map(Number)
    .find((pid) => readlinkSync(`/proc/${pid}/fd/1`) === join(directory, "worker.log"));
  assert.ok(found);
  return found;
}

async function until(
  job: { store: { get(id: string): Promise<Job> }; id: string },
  wanted: (job: Job) => boolean,
) {
  for (;;) {
    const found = await job.store.get(job.id);
    if (wanted(found)) return found;
    await sleep(20);
  }
}

test("a worker that is killed: its trainer ends with it, and the job is tried again", { skip }, async (t) => {
  const job = await open(t);
  process.kill(job.worker, "SIGKILL");
  const left = await until(job, ({ state }) => state === "queued");
  assert.match(left.retry?.reason ?? "", /the worker process was ended by SIGKILL.*memory ran out/);
  assert.deepEqual(job.processes(), []);
  const again = await until(job, ({ state }) => state === "running");
  assert.equal(again.attempt, 2);
});

test("a worker that hears nothing: its job is cancelled within two seconds", { skip }, async (t) => {
  const job = await open(t);
  process.kill(job.worker, "SIGSTOP");
  const asked = performance.now();
  await job.store.cancel(job.id);
  await until(job, ({ state }) => state === "cancelled");
  const took = performance.now() - asked;
  assert.ok(took < 2000, `${took} ms`);
  assert.deepEqual(job.processes(), []);
  while ((await readdir(job.directory)).length > 1) await sleep(20);
  assert.deepEqual(await readdir(job.directory), ["worker.log"], "nothing of the attempt is left");
});

test("a worker that stalls past its lease is ended, and the job is tried again", { skip }, async (t) => {
  const job = await open(t);
  process.kill(job.worker, "SIGSTOP");
  const left = await until(job, ({ state }) => state === "queued");
  assert.equal(left.retry?.number, 1);
  assert.deepEqual(job.processes(), []);
});

test("closing ends worker and trainer within ten seconds and counts as no failure", { skip }, async (t) => {
  const job = await open(t);
  const asked = performance.now();
  await job.executor.close();
  const took = performance.now() - asked;
  assert.ok(took < 10_000, `${took} ms`);
  assert.deepEqual(job.processes(), []);
  const { state, retry } = await job.store.get(job.id);
  assert.deepEqual([state, retry], ["queued", null]);
  assert.deepEqual(
    (await readdir(job.directory)).sort(),
    ["attempt-1", "worker.log"],
    "its checkpoint is kept",
  );
});
