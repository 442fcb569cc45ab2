// Kills the server, a worker or a trainer at random moments of an `ensure`, and checks that the job still ends as it must.

import assert from "node:assert/strict";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { connect, type Driftline, type Job, type JobEvent } from "@driftline/client";
import { driftline, type Served, startServer } from "../support.ts";
import { assertNoneLeft, workersAndTrainers } from "./processes.ts";
import { pick, type Random, randomFrom } from "./random.ts";

export interface KillOptions {
  family: string;
  /** How many kills in all. */
  times: number;
  /** So many jobs run at once, and so many kills befall them: a round. */
  atOnce: number;
  seed: number;
  /** Kills come within so many seconds of each other; if left out, within the time of a round that nothing disturbs. */
  withinSeconds?: number;
  hyperparameters?: Record<string, unknown>;
  onKill?: (kill: Kill) => void;
}

export interface Kill {
  victim: "server" | "worker" | "trainer";
  /** Since the round began, or since the kill before. */
  seconds: number;
  /** The stages that ran. */
  running: string[];
}

export interface KillReport {
  kills: Kill[];
  jobs: number;
  /** Of a round that nothing disturbed; null where there was none. */
  undisturbedSeconds: number | null;
}

const patienceMs = 600_000;

interface Site {
  dataDirectory: string;
  environment: Record<string, string>;
  server: Served;
}

/** Kills `times` processes in as many rounds as that takes, on one data directory. Throws at the first job that ends wrong. */
export async function killDuringEnsures(dataDirectory: string, options: KillOptions): Promise<KillReport> {
  const random = randomFrom(options.seed);
  const environment = {
    DRIFTLINE_DATA_DIR: dataDirectory,
    DRIFTLINE_WORKERS: String(options.atOnce),
  };
  const site: Site = { dataDirectory, environment, server: await startServer(dataDirectory, environment) };
  const kills: Kill[] = [];
  let jobs = 0;
  // Each job has a seed of its own, so that all its stages are made anew.
  const begin = () =>
    Promise.all(Array.from({ length: options.atOnce }, () => beginJob(site, options, 1000 + jobs++)));
  try {
    let undisturbedSeconds: number | null = null;
    if (options.withinSeconds === undefined) {
      const started = performance.now();
      await assertEndWell(site, await begin());
      undisturbedSeconds = (performance.now() - started) / 1000;
    }
    const withinSeconds = options.withinSeconds ?? undisturbedSeconds!;
    for (let round = 1; kills.length < options.times; round++) {
      const ids = await begin();
      const wanted = Math.min(options.atOnce, options.times - kills.length);
      const made = await disturb(site, ids, wanted, withinSeconds, random, options.onKill);
      kills.push(...made);
      try {
        await assertEndWell(site, ids);
      } catch (error) {
        const which = made.map(({ victim, seconds }) => `${victim} after ${seconds.toFixed(2)} s`).join(", ");
        const where = `seed ${options.seed}, round ${round} (${ids.join(", ")}), killed: ${which}`;
        throw new Error(`${where}: ${(error as Error).message}`, { cause: error });
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

async function beginJob({ server }: Site, options: KillOptions, seed: number): Promise<string> {
  const { family, hyperparameters } = options;
  const { job } = await withSdk(server, (sdk) => sdk.ensure(family, { seed, hyperparameters }));
  assert.ok(job, "the model is there already");
  return job.id;
}

/** Kills up to `times` processes at random moments of the round; fewer where it ends before the moment has come. */
async function disturb(
  site: Site,
  ids: string[],
  times: number,
  withinSeconds: number,
  random: Random,
  onKill?: (kill: Kill) => void,
): Promise<Kill[]> {
  const kills: Kill[] = [];
  while (kills.length < times) {
    const seconds = random() * withinSeconds;
    const [kind, which] = [random(), random()];
    await sleep(seconds * 1000);
    const jobs = await jobsOf(site, ids);
    if (jobs.every(isEnded)) break;
    const server = site.server.child.pid!;
    const { workers, trainers } = workersAndTrainers(server);
    const living = (
      [
        ["server", [server]],
        ["worker", workers],
        ["trainer", trainers],
      ] as const
    ).filter(([, pids]) => pids.length > 0);
    const [victim, pids] = pick(() => kind, living);
    try {
      process.kill(
        pick(() => which, [...pids]),
        "SIGKILL",
      );
    } catch {
      // It ended in this moment: another one, then.
      continue;
    }
    const running = jobs.flatMap(({ stages }) => stages.filter(({ state }) => state === "running"));
    const kill: Kill = { victim, seconds, running: running.map(({ name }) => name) };
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

async function assertEndWell(site: Site, ids: string[]): Promise<void> {
  const deadline = performance.now() + patienceMs;
  let jobs = await jobsOf(site, ids);
  for (; !jobs.every(isEnded); jobs = await jobsOf(site, ids)) {
    assert.ok(performance.now() < deadline, `a job goes on after ${patienceMs / 1000} s`);
    await sleep(100);
  }
  await assertNoneLeft(site.dataDirectory, [site.server.child.pid!]);
  for (const job of jobs) {
    assert.equal(job.state, "published", job.error?.detail);
    await withSdk(site.server, async (sdk) => {
      const events: JobEvent[] = [];
      for await (const event of sdk.events(job.id)) events.push(event);
      assertNothingRedone(events);
      assert.equal((await sdk.model(job.bundle!)).recipeHash, job.recipeHash);
      const { recipe } = JSON.parse(new TextDecoder().decode(await sdk.manifest(job.bundle!)));
      assert.equal(recipe.parent, job.warmStart?.parent ?? null, "it started from what was chosen");
    });
  }
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

function jobsOf({ server }: Site, ids: string[]): Promise<Job[]> {
  return withSdk(server, (sdk) => Promise.all(ids.map((id) => sdk.job(id))));
}

async function withSdk<R>({ url }: Served, work: (sdk: Driftline) => Promise<R>): Promise<R> {
  const sdk = connect(url);
  try {
    return await work(sdk);
  } finally {
    await sdk.close();
  }
}

function isEnded({ state }: Job): boolean {
  return state !== "queued" && state !== "running";
}
