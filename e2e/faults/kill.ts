// Kills the server, a worker or a trainer at random moments of an `ensure`, and checks that the job still ends as it must.

import assert from "node:assert/strict";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { connect, type EnsureRequest, type Job, type JobEvent } from "@driftline/client";
import { driftline, type Served, startServer } from "../support.ts";
import { assertNoneLeft, workerAndTrainer } from "./processes.ts";
import { pick, type Random, randomFrom } from "./random.ts";

export interface KillOptions {
  family: string;
  /** How many kills in all. */
  times: number;
  /** At most so many in one job. */
  killsPerJob: number;
  seed: number;
  request?: EnsureRequest;
  onKill?: (kill: Kill) => void;
}

export interface Kill {
  job: string;
  victim: "server" | "worker" | "trainer";
  /** Since the job began, or since the kill before. */
  seconds: number;
  /** Stages that had been recorded, and the one that ran. */
  done: string[];
  running: string | null;
}

export interface KillReport {
  kills: Kill[];
  jobs: number;
  /** Of a job that nothing disturbed. */
  undisturbedSeconds: number;
}

const patienceMs = 300_000;

/** Kills `times` processes in as many jobs as that takes, on one data directory. Throws at the first job that ends wrong. */
export async function killDuringEnsures(dataDirectory: string, options: KillOptions): Promise<KillReport> {
  const random = randomFrom(options.seed);
  const environment = { DRIFTLINE_DATA_DIR: dataDirectory };
  const site: Site = { dataDirectory, environment, server: await startServer(dataDirectory, environment) };
  const kills: Kill[] = [];
  let jobs = 0;
  try {
    // Undisturbed, and for the time that a job takes; each job has a seed of its own, so that all stages are made anew.
    const started = performance.now();
    const firstJob = await begin(site, options, jobs++);
    await assertEndsWell(site, firstJob);
    const undisturbedSeconds = (performance.now() - started) / 1000;
    while (kills.length < options.times) {
      const wanted = Math.min(options.killsPerJob, options.times - kills.length);
      const job = await begin(site, options, jobs++);
      const made = await disturb(site, job, wanted, undisturbedSeconds, random, options.onKill);
      kills.push(...made);
      try {
        await assertEndsWell(site, job);
      } catch (error) {
        const which = made.map(({ victim, seconds }) => `${victim} after ${seconds.toFixed(2)} s`).join(", ");
        const message = `seed ${options.seed}, job ${jobs - 1} (${job}), killed: ${which}: ${(error as Error).message}`;
        throw new Error(message, { cause: error });
      }
    }
    const stopped = performance.now();
    await site.server.stop();
    assert.ok(performance.now() - stopped < 10_000, "SIGTERM ends the server within 10 s");
    await assertNoneLeft(dataDirectory, []);
    return { kills, jobs, undisturbedSeconds };
  } finally {
    await site.server.stop();
  }
}

interface Site {
  dataDirectory: string;
  environment: Record<string, string>;
  server: Served;
}

async function begin({ server }: Site, { family, request }: KillOptions, number: number): Promise<string> {
  const sdk = connect(server.url);
  const { job } = await sdk.ensure(family, { seed: 1000 + number, ...request });
  await sdk.close();
  assert.ok(job, "the model is there already");
  return job.id;
}

/** Kills up to `times` processes at random moments of the job; fewer where it ends before the moment has come. */
async function disturb(
  site: Site,
  id: string,
  times: number,
  undisturbedSeconds: number,
  random: Random,
  onKill?: (kill: Kill) => void,
): Promise<Kill[]> {
  const kills: Kill[] = [];
  while (kills.length < times) {
    const seconds = random() * undisturbedSeconds;
    const choice = random();
    await sleep(seconds * 1000);
    const job = await jobOf(site, id);
    if (isEnded(job)) break;
    const server = site.server.child.pid!;
    const { worker, trainer } = workerAndTrainer(server);
    const living = (
      [
        ["server", server],
        ["worker", worker],
        ["trainer", trainer],
      ] as const
    ).filter(([, pid]) => pid !== null);
    const [victim, pid] = pick(() => choice, living);
    const done = job.stages
      .filter(({ state }) => state === "done" || state === "reused")
      .map(({ name }) => name);
    const running = job.stages.find(({ state }) => state === "running")?.name ?? null;
    try {
      process.kill(pid!, "SIGKILL");
    } catch {
      // It ended in this moment: the next one, then.
      continue;
    }
    const kill: Kill = { job: id, victim, seconds, done, running };
    kills.push(kill);
    onKill?.(kill);
    if (victim === "server") {
      const { child } = site.server;
      if (child.signalCode === null) await once(child, "exit");
      site.server = await startServer(site.dataDirectory, site.environment);
    }
  }
  return kills;
}

async function assertEndsWell(site: Site, id: string): Promise<void> {
  const deadline = performance.now() + patienceMs;
  let job = await jobOf(site, id);
  for (; !isEnded(job); job = await jobOf(site, id)) {
    assert.ok(performance.now() < deadline, `job ${id} is ${job.state} after ${patienceMs / 1000} s`);
    await sleep(100);
  }
  assert.equal(job.state, "published", job.error?.detail);
  await assertNoneLeft(site.dataDirectory, [site.server.child.pid!]);
  const sdk = connect(site.server.url);
  const events: JobEvent[] = [];
  for await (const event of sdk.events(id)) events.push(event);
  const model = await sdk.model(job.bundle!);
  await sdk.close();
  assert.equal(model.serving, true);
  assertNothingRedone(events);
  const doctor = await driftline(["doctor", "--verify", "--data-dir", site.dataDirectory]);
  assert.equal(doctor.code, 0, doctor.stdout);
}

/** What was recorded was not done again: no stage runs after it was done, and the job is published once, at its end. */
export function assertNothingRedone(events: JobEvent[]): void {
  const stages = events.filter(({ type }) => type === "stage");
  for (const { stage, state, seq } of stages) {
    if (state !== "done" && state !== "reused") continue;
    const again = stages.find(
      (later) => later.stage === stage && later.state === "running" && later.seq > seq,
    );
    assert.equal(again, undefined, `stage ${stage} was ${state} with event ${seq} and ran again`);
  }
  const published = events.filter(({ type, state }) => type === "state" && state === "published");
  assert.equal(published.length, 1, `published ${published.length} times`);
  assert.equal(published[0].seq, events.at(-1)?.seq, "something is recorded after the end");
}

async function jobOf({ server }: Site, id: string): Promise<Job> {
  const sdk = connect(server.url);
  try {
    return await sdk.job(id);
  } finally {
    await sdk.close();
  }
}

function isEnded({ state }: Job): boolean {
  return state !== "queued" && state !== "running";
}
