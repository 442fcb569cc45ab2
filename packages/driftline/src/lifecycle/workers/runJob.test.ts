// One attempt after another at a real job with scripted trainers: checkpoints, tries, cancel, stop, what is left behind.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, readFile, realpath, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { markVariable } from "../../training/processes.ts";
import { scratchDirectory, scriptedTrainer } from "../../training/testing.ts";
import { thisProcess } from "../jobs/holder.ts";
import { leaseMs } from "../jobs/leases.ts";
import { makeTestJob } from "../testing.ts";
import { removeAbandoned } from "./attempts.ts";

const skip = process.platform === "linux" ? false : "needs /proc";

async function open(t: TestContext) {
  const dataDirectory = await scratchDirectory(t);
  const job = await makeTestJob(dataDirectory);
  t.after(() => job.close());
  return { ...job, jobs: join(dataDirectory, "jobs") };
}

/** Waits until the trainer has said that it is up, in the job's log. */
async function trainerIsUp(directory: string): Promise<void> {
  for (;;) {
    const log = await readFile(join(directory, "worker.log"), "utf8").catch(() => "");
    if (log.includes('"event": "up"')) return;
    await sleep(20);
  }
}

test("a trainer that is killed is tried again and goes on from its checkpoint", async (t) => {
  const job = await open(t);
  const script = `
if os.path.exists("checkpoint"):
    say("error", message="went on from " + open("checkpoint").read(), remedy="none"); sys.exit(1)
open("checkpoint", "w").write("step 7")
open("result.json", "w").write("{}")
os.kill(os.getpid(), signal.SIGKILL)`;
  const trainer = await scriptedTrainer(t, script);
  const first = await job.run(trainer);
  assert.equal(first.state, "queued");
  assert.match(first.retry?.reason ?? "", /The trainer was ended by SIGKILL/);
  t.mock.timers.enable({ apis: ["Date"], now: Date.parse(first.retry?.at ?? "") });
  const second = await job.run(trainer);
  assert.equal(second.state, "failed");
  assert.match(second.error?.detail ?? "", /went on from step 7/);
  assert.equal(second.attempt, 2);
  assert.deepEqual(await readdir(job.directory), ["worker.log"]);
});

test("what a dead attempt left running is ended before the next begins", { skip }, async (t) => {
  const job = await open(t);
  const mark = `${await realpath(job.jobs)}/${job.id}/attempt-1/some/`;
  const left = spawn("sleep", ["300"], { env: { ...process.env, [markVariable]: mark }, detached: true });
  const other = spawn("sleep", ["300"], { detached: true });
  t.after(() => other.kill("SIGKILL"));
  const ended = once(left, "exit");
  while (job.processes().length === 0) await sleep(5);
  assert.ok(await job.store.claim(job.id, { ...thisProcess(), start: "another" }));
  const last = await job.run(await scriptedTrainer(t, "sys.exit(1)"));
  assert.equal(last.attempt, 2);
  assert.deepEqual(await ended, [null, "SIGKILL"]);
  assert.equal(other.exitCode ?? other.signalCode, null, "another's process lives");
});

test("stopping gives the trainer time for its checkpoint, and the next attempt finds it", async (t) => {
  const job = await open(t);
  const script = `
def stop(*_):
    time.sleep(1.5)
    open("checkpoint", "w").write("saved")
    sys.exit(143)
signal.signal(signal.SIGTERM, stop)
if os.path.exists("checkpoint"):
    say("error", message="found it " + open("checkpoint").read(), remedy="none"); sys.exit(1)
say("up")
time.sleep(60)`;
  const trainer = await scriptedTrainer(t, script);
  const stop = new AbortController();
  const running = job.run(trainer, stop.signal);
  await trainerIsUp(job.directory);
  stop.abort();
  const left = await running;
  assert.equal(left.state, "queued");
  assert.equal(left.retry, null, "it is no failure");
  assert.match((await job.run(trainer)).error?.detail ?? "", /found it saved/);
});

test("a trainer that fills the disk is ended, what it wrote is gone, and the job tried again", async (t) => {
  const disk = await scratchDirectory(t);
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=64m", "tmpfs", disk]);
  if (mounted.status !== 0) return t.skip("a small disk can only be made by root");
  const endless = `
with open("junk", "wb") as file:
    while True:
        try:
            file.write(b"1" * 2**20)
            file.flush()
        except OSError:
            pass
        time.sleep(0.01)`;
  const honest = `
try:
    with open("junk", "wb") as file:
        while True:
            file.write(b"1" * 2**20)
except OSError as error:
    say("error", message=str(error), remedy="make room"); sys.exit(75)`;
  try {
    for (const [name, script, says] of [
      ["endless", endless, /it was ended because it filled the disk/],
      ["honest", honest, /No space left on device/],
    ] as const) {
      const job = await makeTestJob(join(disk, name));
      const left = await job.run(await scriptedTrainer(t, script));
      assert.equal(left.state, "queued");
      assert.match(left.retry?.reason ?? "", says);
      assert.deepEqual(await readdir(job.directory), ["worker.log"]);
      await job.close();
    }
  } finally {
    spawnSync("umount", ["-l", disk]);
  }
});

test("a job that is cancelled while it trains ends within two seconds", async (t) => {
  const job = await open(t);
  const script = `signal.signal(signal.SIGTERM, signal.SIG_IGN); say("up"); time.sleep(60)`;
  const running = job.run(await scriptedTrainer(t, script));
  await trainerIsUp(job.directory);
  const asked = performance.now();
  await job.store.cancel(job.id);
  const ended = await running;
  const took = performance.now() - asked;
  assert.equal(ended.state, "cancelled");
  assert.ok(took < 2000, `${took} ms`);
  assert.deepEqual(job.processes(), []);
  assert.deepEqual(await readdir(job.directory), ["worker.log"]);
});

test("what the trainer refuses ends the job as the asker's mistake, at once", async (t) => {
  const job = await open(t);
  const script = `say("error", message="no such thing", field="hyperparameters.x", remedy="y"); sys.exit(2)`;
  const ended = await job.run(await scriptedTrainer(t, script));
  assert.equal(ended.state, "failed");
  assert.deepEqual([ended.error?.code, ended.error?.status], ["invalid_training", 400]);
  assert.equal(ended.error?.field, "hyperparameters.x");
});

test("what a trainer says of its progress cannot break who shows it", async (t) => {
  const job = await open(t);
  const script = `
for fields in ({"step": 5, "steps": 1}, {"step": -3, "steps": 10}, {"step": "x", "steps": []}, {"step": 1, "steps": 0}):
    say("epoch", secondsLeft=-1e300, metrics={"\\u001b[2J" + "n" * 1000: 1.0, "x": "y"}, **fields)
    time.sleep(0.6)
say("log", message="\\u001b[2J" + "words " * 1000)
time.sleep(0.6)
say("log", message={"no": "text"})
sys.exit(1)`;
  await job.run(await scriptedTrainer(t, script));
  const told = (await job.store.events(job.id, 0)).filter(
    ({ type, stage }) => type === "progress" && stage === "train",
  );
  assert.ok(told.length >= 4, "each is told");
  for (const { fraction, secondsLeft, message } of told) {
    assert.ok(fraction === null || (fraction >= 0 && fraction <= 1), String(fraction));
    assert.equal(secondsLeft, null);
    assert.ok(message === null || (message.length <= 200 && !message.includes("\u001b")), String(message));
  }
});

test("a job whose workers keep dying fails with a clear message", async (t) => {
  const job = await open(t);
  t.mock.timers.enable({ apis: ["Date"], now: Date.now() });
  for (let i = 0; i < 4; i++) {
    assert.ok(await job.store.claim(job.id, { host: "elsewhere", boot: "", pid: 1, start: "" }));
    t.mock.timers.setTime(Date.now() + leaseMs + 1);
  }
  const ended = await job.run(await scriptedTrainer(t, "pass"));
  assert.equal(ended.state, "failed");
  assert.match(ended.error?.detail ?? "", /its worker died or stalled, 4 times in a row/);
  assert.match(ended.error?.remedy ?? "", /worker\.log/);
});

test("attempts of jobs that have ended, and jobs of long ago, are removed", async (t) => {
  const job = await open(t);
  const stray = join(job.jobs, "20200101-000000-abcdef");
  await mkdir(join(job.directory, "attempt-1"), { recursive: true });
  await mkdir(join(stray, "attempt-2", "train"), { recursive: true });
  await writeFile(join(stray, "worker.log"), "old");
  await removeAbandoned(job.jobs, job.store, 90);
  assert.deepEqual(await readdir(job.directory), ["attempt-1"], "the job is not finished");
  assert.deepEqual(await readdir(stray), ["worker.log"], "of a job that nobody knows");
  await job.store.cancel(job.id);
  await removeAbandoned(job.jobs, job.store, 90);
  assert.deepEqual(await readdir(job.directory), []);
  t.mock.timers.enable({ apis: ["Date"], now: Date.now() + 91 * 24 * 3_600_000 });
  await removeAbandoned(job.jobs, job.store, 90);
  assert.deepEqual(await readdir(job.jobs), []);
});
