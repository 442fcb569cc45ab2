// A clock that jumps by an hour, and a worker that stalls past its lease: the job ends published, once.

import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { connect, type Driftline, type JobEvent } from "@driftline/client";
import { finish, type Served, start, startServer, temporaryDirectory } from "../support.ts";
import { type Injector, injector, noInjector } from "./inject.ts";
import { assertNothingRedone } from "./kill.ts";
import { assertNoneLeft, workersAndTrainers } from "./processes.ts";

const skip = noInjector() ?? false;
const hour = 3600;
// A training of some seconds that tells how far it is several times a second.
const hyperparameters = { steps: 4_000, evaluations: 100, patience: 1_000 };

interface Site {
  data: string;
  environment: Record<string, string>;
  clock: Injector;
  server: Served;
  sdk: Driftline;
}

/** A server that starts in an empty data directory, with a clock that the test sets, as have all its processes. */
async function serveByClock(t: TestContext): Promise<Site> {
  const data = join(await temporaryDirectory(t), "data");
  const clock = await injector(join(data, ".."));
  t.after(() => clock.close());
  // Faults need one thread of Node's for files; the clock does not.
  const environment = {
    ...clock.environment,
    UV_THREADPOOL_SIZE: "4",
    DRIFTLINE_DATA_DIR: data,
  };
  const server = await startServer(data, environment);
  t.after(server.stop);
  const sdk = connect(server.url);
  t.after(() => sdk.close());
  return { data, environment, clock, server, sdk };
}

/** Follows a job from its first event; `until` waits for one that comes after those it has returned. */
function following(sdk: Driftline, job: string) {
  const events: JobEvent[] = [];
  const stream = sdk.events(job)[Symbol.asyncIterator]();
  async function next(): Promise<JobEvent | null> {
    const { value, done } = await stream.next();
    if (done) return null;
    events.push(value);
    return value;
  }
  return {
    events,
    async until(what: string, wanted: (event: JobEvent) => boolean): Promise<JobEvent> {
      for (let event = await next(); event !== null; event = await next()) if (wanted(event)) return event;
      const last = events
        .slice(-4)
        .map(({ time, stage, state, message }) => `${time} ${stage} ${state} ${message}`);
      return assert.fail(`the job ended without: ${what}; its last events:\n${last.join("\n")}`);
    },
    async toEnd(): Promise<void> {
      while ((await next()) !== null);
    },
  };
}

/** A look at the validation rows: by then the trainer has compiled what it runs. */
const training = ({ stage, type, fraction }: JobEvent) =>
  stage === "train" && type === "progress" && fraction !== null;
const aheadS = ({ time }: JobEvent) => (Date.parse(time) - Date.now()) / 1000;

test("the clock jumps an hour forward and back during a job: it ends published, once, in one attempt", {
  skip,
}, async (t) => {
  const { data, clock, server, sdk } = await serveByClock(t);
  const { job } = await sdk.ensure("test.fast", { hyperparameters });
  const follow = following(sdk, job!.id);
  await follow.until("progress of the training", training);
  clock.shiftClock(hour);
  // Two events: the lease was looked at in between.
  for (let i = 0; i < 2; i++)
    await follow.until("an event of an hour later", (event) => aheadS(event) > hour / 2);
  clock.shiftClock(0);
  await follow.until("an event of the true time", (event) => aheadS(event) < hour / 2);
  await follow.toEnd();
  const ended = await sdk.job(job!.id);
  assert.equal(ended.state, "published", ended.error?.detail);
  assert.equal(ended.attempt, 1);
  assertNothingRedone(follow.events);
  await assertNoneLeft(data, [server.child.pid!]);
});

test("a worker stalls past its lease and goes on later: another takes over, and it can write nothing more", {
  skip,
}, async (t) => {
  const takenOverS = await stall(t, 0);
  assert.ok(takenOverS > 5, `taken over after ${takenOverS} s, before the lease was over`);
});

test("a worker stalls while its clock is put back by an hour: its lease does not last for that hour", {
  skip,
}, async (t) => {
  await stall(t, hour);
});

/** A worker stalls with its clock ahead by `aheadS`, which is then put right. Returns after how long it was replaced. */
async function stall(t: TestContext, aheadS: number): Promise<number> {
  const { data, environment, clock, server, sdk } = await serveByClock(t);
  clock.shiftClock(aheadS);
  const { job } = await sdk.ensure("test.fast", { hyperparameters });
  const follow = following(sdk, job!.id);
  await follow.until("progress of the training", training);
  const [worker] = workersAndTrainers(server.child.pid!).workers;
  process.kill(worker, "SIGSTOP");
  t.after(() => killIfThere(worker));
  clock.shiftClock(0);
  const stalledAt = performance.now();
  const asked = Object.entries(hyperparameters).flatMap(([name, value]) => [
    "--hyperparameter",
    `${name}=${value}`,
  ]);
  const other = finish(start(["ensure", "test.fast", ...asked, "--wait", "--data-dir", data], environment));
  const second = await follow.until("a second attempt", ({ message }) => message === "attempt 2");
  const takenOverS = (performance.now() - stalledAt) / 1000;
  assert.ok(takenOverS < 30, `taken over after ${takenOverS} s`);
  await follow.until("the second attempt's training", training);
  process.kill(worker, "SIGCONT");
  await follow.toEnd();
  const run = await other;
  assert.equal(run.code, 0, run.stderr);
  const ended = await sdk.job(job!.id);
  assert.equal(ended.state, "published", ended.error?.detail);
  assert.equal(ended.attempt, 2);
  assertNothingRedone(follow.events);
  assert.equal((await Array.fromAsync(sdk.models())).length, 1);
  // Had the first worker written more, stages would have begun or ended twice since.
  const since = follow.events.filter(({ seq, type }) => seq > second.seq && type === "stage");
  const steps = since.map(({ stage, state }) => `${stage} ${state}`);
  assert.equal(new Set(steps).size, steps.length, steps.join(", "));
  await assertNoneLeft(data, [server.child.pid!]);
  return takenOverS;
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended, as it should.
  }
}
