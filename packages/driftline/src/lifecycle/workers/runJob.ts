// One attempt at a job: its stages in order, each recorded, under a lease that is renewed meanwhile.

import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Job, Stage } from "@driftline/client/api";
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
import type { StageOutput, StageResults } from "../jobs/stageResults.ts";
import { contentDigest } from "../recipe.ts";
import { datasetStage } from "../stages/dataset.ts";
import { domainStage } from "../stages/domain.ts";
import { assembleBundle } from "../stages/publish.ts";
import type { StageContext, StageDefinition } from "../stages/stage.ts";
import { trainStage } from "../stages/train.ts";
import { validateStage } from "../stages/validate.ts";
import { attemptDirectory, beginAttempt } from "./attempts.ts";
import { holdLease, type Lease } from "./holdLease.ts";

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

const progressIntervalMs = 500;
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
  const { store, catalogue } = environment;
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
    catalogue,
    environment: environment.trainer(),
    directory: attempt,
    threads: environment.threads,
    limits: environment.limits,
    log,
    signal,
    graceSeconds: () => (lease.state() === "stopped" ? checkpointSeconds : cancelSeconds),
    progress: () => {},
  };
  const run = <E, O>(definition: StageDefinition<E, O>, earlier: E) =>
    runStage(environment, job.id, fence, definition, context, earlier);

  const dataset = await run(datasetStage, {});
  const train = await run(trainStage, { dataset: dataset.output });
  const validate = await run(validateStage, { dataset: dataset.output, train: train.output });
  const report = join(directory, "report.html");
  await writeFile(report, await catalogue.blobs.read(validate.output.report));
  const { verdict } = validate.output;
  if (!verdict.passed) {
    const failed = verdict.gates.filter(({ passed }) => !passed).map(describeGate);
    const error = toProblem(
      fail("refused", `The model did not pass validation: ${failed.join("; ")}.`, {
        remedy: "Look at the report; --retry trains again with the next seed.",
      }),
    );
    await store.record(job.id, fence, { state: "refused", verdict, report, error }, { type: "state" });
    return;
  }
  const domain = await run(domainStage, { dataset: dataset.output, train: train.output });

  const started = performance.now();
  const stage = { name: "publish", startedAt: new Date().toISOString() } as const;
  await store.record(job.id, fence, { stage: { ...stage, state: "running" } }, { type: "stage" });
  const bundleDirectory = join(context.directory, "bundle");
  const bundle = await assembleBundle(
    context,
    { dataset: dataset.output, train: train.output, validate: validate.output, domain: domain.output },
    {
      dataset: timesOf(dataset),
      train: timesOf(train),
      validate: timesOf(validate),
      domain: timesOf(domain),
    },
    bundleDirectory,
  );
  signal.throwIfAborted();
  await catalogue.publish({
    directory: bundleDirectory,
    reason: `job ${job.id}`,
    fence: (trx) =>
      store.recordIn(
        trx,
        job.id,
        fence,
        {
          state: "published",
          bundle,
          verdict,
          report,
          stage: {
            ...stage,
            state: "done",
            seconds: (performance.now() - started) / 1000,
            figures: { bundle },
          },
        },
        { type: "state" },
      ),
  });
}

/** Takes a stage's recorded result, or makes and records it. */
async function runStage<Earlier, Output>(
  { store, results }: JobEnvironment,
  id: string,
  fence: number,
  definition: StageDefinition<Earlier, Output>,
  context: StageContext,
  earlier: Earlier,
): Promise<StageOutput & { output: Output }> {
  const { name } = definition;
  context.signal.throwIfAborted();
  const input = contentDigest({ stage: name, ...(definition.input(context, earlier) as object) });
  const recorded = await results.find(name, input);
  if (recorded && (await blobsPresent(context.catalogue, definition.blobs(recorded.output as Output)))) {
    const stage = { name, state: "reused" as const, seconds: recorded.seconds, figures: recorded.figures };
    await store.record(id, fence, { stage }, { type: "stage" });
    return { ...recorded, output: recorded.output as Output };
  }
  const started = performance.now();
  const startedAt = new Date().toISOString();
  const update = (stage: Partial<Stage>, type: "stage" | "progress") =>
    store.record(id, fence, { stage: { name, startedAt, ...stage } }, { type });
  await update({ state: "running" }, "stage");
  const progress = throttled((fraction, message, secondsLeft) =>
    update({ state: "running", fraction, message, secondsLeft }, "progress"),
  );
  try {
    const { output, figures } = await definition.run({ ...context, progress: progress.report }, earlier);
    await progress.settle();
    const seconds = (performance.now() - started) / 1000;
    const result = { output, figures, seconds, finishedAt: new Date().toISOString() };
    await results.record(name, input, result);
    await update({ state: "done", seconds, fraction: 1, secondsLeft: 0, message: null, figures }, "stage");
    return result;
  } catch (error) {
    await progress.settle();
    throw error;
  }
}

async function blobsPresent(catalogue: Catalogue, digests: string[]): Promise<boolean> {
  for (const digest of digests) if (!(await catalogue.blobs.touch(digest))) return false;
  return true;
}

const timesOf = ({ finishedAt, seconds }: StageOutput) => ({ finishedAt, seconds });

export function describeGate(gate: {
  metric: string;
  value: number | null;
  minimum?: number;
  maximum?: number;
}): string {
  const limit = [
    gate.minimum === undefined ? "" : `at least ${gate.minimum}`,
    gate.maximum === undefined ? "" : `at most ${gate.maximum}`,
  ].filter((part) => part !== "");
  const value = gate.value === null ? "could not be computed" : `is ${Number(gate.value.toPrecision(4))}`;
  return `${gate.metric} ${value}, allowed is ${limit.join(" and ")}`;
}

/** Lets at most one progress record be under way, and one begin every half second. */
function throttled(
  write: (fraction: number | null, message: string | null, secondsLeft: number | null) => Promise<void>,
) {
  let last = Number.NEGATIVE_INFINITY;
  let pending: Promise<void> | null = null;
  return {
    report(fraction: number | null, message: string | null, secondsLeft: number | null = null) {
      const now = performance.now();
      if (pending || now - last < progressIntervalMs) return;
      last = now;
      pending = write(fraction, message, secondsLeft)
        // A lost lease shows at the next renewal; progress alone stops nothing.
        .catch(() => {})
        .finally(() => {
          pending = null;
        });
    },
    async settle() {
      await pending;
    },
  };
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
