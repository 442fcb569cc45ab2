// One attempt at a job: its stages in order, each recorded, under a lease that is renewed meanwhile.

import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Job } from "@driftline/client/api";
import type { Catalogue } from "../../catalogue/catalogue.ts";
import type { Limits } from "../../config/configuration.ts";
import { toProblem } from "../../errors/problem.ts";
import { DriftlineError, fail } from "../../errors/registry.ts";
import type { Family } from "../../family/family.ts";
import type { TrainerEnvironment } from "../../training/environment.ts";
import { outputLog } from "../../training/outputLog.ts";
import { givenUp, maximumRetries, passingReason } from "../jobs/failures.ts";
import type { JobChange } from "../jobs/jobRow.ts";
import type { JobStore } from "../jobs/jobStore.ts";
import type { ClaimedJob } from "../jobs/leases.ts";
import type { StageResults } from "../jobs/stageResults.ts";
import type { StageContext } from "../stages/stage.ts";
import type { AttemptedJob } from "./attemptedJob.ts";
import { attemptDirectory, beginAttempt } from "./attempts.ts";
import { holdLease, type Lease } from "./holdLease.ts";
import { judgePushed } from "./judgePushed.ts";
import { makeModel } from "./makeModel.ts";
import { runStage } from "./runStage.ts";

export interface JobEnvironment {
  store: JobStore;
  results: StageResults;
  catalogue: Catalogue;
  families: Map<string, Family>;
  /** Found when the job runs, so that its lack is the job's failure. */
  trainer(): TrainerEnvironment;
  /** Directory of all jobs' files. */
  jobsDirectory: string;
  threads: number;
  limits: Limits;
  signal: AbortSignal;
}

/** For its checkpoint, when the worker is to stop; cancelling needs none. */
const [checkpointSeconds, cancelSeconds] = [5, 1];

/** Runs a claimed job to its end and records it. Only a lost lease, an abort and what may pass leave it unfinished. */
export async function runJob(environment: JobEnvironment, claimed: ClaimedJob): Promise<void> {
  const { store, limits } = environment;
  const { job, fence } = claimed;
  const directory = join(environment.jobsDirectory, job.id);
  const lease = holdLease(store, job.id, fence, environment.signal);
  const log = outputLog(join(directory, "worker.log"), limits.logMiB * 2 ** 20);
  const remove = () => rm(attemptDirectory(directory, job.attempt), { recursive: true, force: true });
  try {
    const attempt = await beginAttempt(directory, job.attempt);
    if (claimed.failures > maximumRetries) throw givenUp(job.id, "its worker died or stalled");
    log.write(`--- attempt ${job.attempt}, ${new Date().toISOString()}\n`);
    await store.record(
      job.id,
      fence,
      {},
      { type: "state", state: "running", message: `attempt ${job.attempt}` },
    );
    await runStages(environment, claimed, { directory, attempt, lease, log: log.write });
    await remove();
  } catch (error) {
    // Before anything is written down: on a disk that it filled nothing could be.
    if (!isOfUse(lease, error)) await remove();
    log.write(`--- ${error instanceof Error ? error.stack : String(error)}\n`);
    await conclude(environment, claimed, lease, error).catch((later: unknown) => {
      if (!isLeaseLost(later)) throw later;
    });
  } finally {
    await lease.release();
    log.close();
  }
}

/** Whether the next attempt may go on from what this one left, or has taken it already. */
function isOfUse(lease: Lease, error: unknown): boolean {
  if (lease.state() === "cancelled") return false;
  return lease.state() !== "held" || (error instanceof DriftlineError && error.data?.signal !== undefined);
}

interface Attempt {
  /** Of the job, and of this attempt. */
  directory: string;
  attempt: string;
  lease: Lease;
  log(text: string): void;
}

async function runStages(
  environment: JobEnvironment,
  claimed: ClaimedJob,
  { directory, attempt, lease, log }: Attempt,
): Promise<void> {
  const { signal } = lease;
  const { job, fence, recipe } = claimed;
  const family = environment.families.get(job.question.family);
  if (!family)
    throw fail("unknown_family", `Running job ${job.id}: there is no family ${job.question.family}.`);
  const context: StageContext = {
    jobId: job.id,
    family,
    question: job.question,
    recipe,
    recipeHash: job.recipeHash,
    warmStart: job.warmStart,
    files: claimed.files,
    catalogue: environment.catalogue,
    environment: environment.trainer(),
    directory: attempt,
    threads: environment.threads,
    limits: environment.limits,
    log,
    signal,
    graceSeconds: () => (lease.state() === "stopped" ? checkpointSeconds : cancelSeconds),
    progress: () => {},
  };
  const attempted: AttemptedJob = {
    store: environment.store,
    context,
    fence,
    directory,
    run: (definition, earlier) => runStage(environment, job.id, fence, definition, context, earlier),
  };
  await (recipe.pushed === undefined ? makeModel(attempted) : judgePushed(attempted));
}

/** Records how the attempt ended. */
async function conclude(
  { store }: JobEnvironment,
  { job, fence }: ClaimedJob,
  lease: Lease,
  error: unknown,
): Promise<void> {
  const state = lease.state();
  if (state === "lost" || isLeaseLost(error)) return;
  if (state === "stopped") {
    await store.giveBack(job.id, fence);
    return;
  }
  const reason = state === "cancelled" ? null : passingReason(error);
  if (reason !== null) {
    const told = error instanceof DriftlineError ? messageOf(error) : `${reason} (${messageOf(error)})`;
    await store.postpone(job.id, fence, told);
    return;
  }
  const problem = toProblem(
    state === "cancelled" ? fail("cancelled", `Job ${job.id} was cancelled.`) : error,
  );
  const running = await store
    .get(job.id)
    .then(({ stages }) => stages.find((stage) => stage.state === "running"));
  const ended: Job["state"] = state === "cancelled" ? "cancelled" : "failed";
  const change: JobChange = { state: ended, error: problem };
  if (running) change.stage = { name: running.name, state: "failed" };
  await store.record(job.id, fence, change, { type: "state", state: ended });
}

function isLeaseLost(error: unknown): boolean {
  return error instanceof DriftlineError && error.code === "lease_lost";
}

/** The first line of an error, not too long. */
function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.split("\n")[0].slice(0, 300);
}
