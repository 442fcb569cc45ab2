// One attempt at a job: its stages in order, each recorded, under a lease that is renewed meanwhile.

import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Job, Stage } from "@driftline/client/api";
import type { Catalogue } from "../catalogue/catalogue.ts";
import { toProblem } from "../errors/problem.ts";
import { DriftlineError, fail } from "../errors/registry.ts";
import type { Family } from "../family/family.ts";
import type { TrainerEnvironment } from "../training/environment.ts";
import type { JobChange } from "./jobRow.ts";
import { type ClaimedJob, type JobStore, renewMs } from "./jobStore.ts";
import { contentDigest } from "./recipe.ts";
import type { StageOutput, StageResults } from "./stageResults.ts";
import { datasetStage } from "./stages/dataset.ts";
import { domainStage } from "./stages/domain.ts";
import { assembleBundle } from "./stages/publish.ts";
import type { StageContext, StageDefinition } from "./stages/stage.ts";
import { trainStage } from "./stages/train.ts";
import { validateStage } from "./stages/validate.ts";

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
  trainingSeconds: number;
  signal: AbortSignal;
}

/** A job whose workers keep dying is not taken up for ever. */
const maximumAttempts = 6;
const progressIntervalMs = 500;
const cancelPollMs = 500;

/** Runs a claimed job to its end and records it. Only `lease_lost` and an abort leave it unfinished, for another worker. */
export async function runJob(environment: JobEnvironment, claimed: ClaimedJob): Promise<void> {
  const { store } = environment;
  const { job, fence } = claimed;
  const directory = join(environment.jobsDirectory, job.id);
  const lease = holdLease(store, job.id, fence, environment.signal);
  try {
    await mkdir(directory, { recursive: true });
    if (job.attempt > maximumAttempts) {
      throw fail("internal", `Job ${job.id}: ${maximumAttempts} workers died over it.`, {
        remedy: `Look at ${join(directory, "worker.log")}; asking again begins a new job, and recorded stages stay.`,
      });
    }
    await store.record(
      job.id,
      fence,
      {},
      { type: "state", state: "running", message: `attempt ${job.attempt}` },
    );
    await runStages(environment, claimed, directory, lease.signal);
  } catch (error) {
    await conclude(environment, claimed, lease, error);
  } finally {
    await lease.release();
    await rm(join(directory, `attempt-${job.attempt}`), { recursive: true, force: true });
  }
}

async function runStages(
  environment: JobEnvironment,
  claimed: ClaimedJob,
  directory: string,
  signal: AbortSignal,
): Promise<void> {
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
    files: claimed.files,
    catalogue,
    environment: environment.trainer(),
    directory: join(directory, `attempt-${job.attempt}`),
    threads: environment.threads,
    trainingSeconds: environment.trainingSeconds,
    signal,
    progress: () => {},
  };
  await mkdir(context.directory, { recursive: true });
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

  const started = Date.now();
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
          stage: { ...stage, state: "done", seconds: (Date.now() - started) / 1000, figures: { bundle } },
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
  const started = Date.now();
  const startedAt = new Date(started).toISOString();
  const update = (stage: Partial<Stage>, type: "stage" | "progress") =>
    store.record(id, fence, { stage: { name, startedAt, ...stage } }, { type });
  await update({ state: "running" }, "stage");
  const progress = throttled((fraction, message, secondsLeft) =>
    update({ state: "running", fraction, message, secondsLeft }, "progress"),
  );
  try {
    const { output, figures } = await definition.run({ ...context, progress: progress.report }, earlier);
    await progress.settle();
    const seconds = (Date.now() - started) / 1000;
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
  let last = 0;
  let pending: Promise<void> | null = null;
  return {
    report(fraction: number | null, message: string | null, secondsLeft: number | null = null) {
      const now = Date.now();
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

interface Lease {
  /** Aborts when the lease is lost, the job is cancelled, or the process is told to stop. */
  signal: AbortSignal;
  state(): "held" | "lost" | "cancelled" | "stopped";
  release(): Promise<void>;
}

function holdLease(store: JobStore, id: string, fence: number, stop: AbortSignal): Lease {
  const controller = new AbortController();
  let state: ReturnType<Lease["state"]> = "held";
  const end = (why: typeof state) => {
    if (state !== "held") return;
    state = why;
    controller.abort(fail(why === "lost" ? "lease_lost" : "cancelled", `Job ${id} was ${why}.`));
  };
  const onStop = () => end("stopped");
  stop.addEventListener("abort", onStop);
  let checking: Promise<void> | null = null;
  const timer = setInterval(
    () => {
      checking ??= store
        .renew(id, fence)
        .then(({ held, cancelRequested }) => {
          if (!held) end("lost");
          else if (cancelRequested) end("cancelled");
        })
        // A busy database is asked again at the next tick; the fencing token guards every write.
        .catch(() => {})
        .finally(() => {
          checking = null;
        });
    },
    Math.min(renewMs, cancelPollMs),
  );
  return {
    signal: controller.signal,
    state: () => state,
    async release() {
      clearInterval(timer);
      stop.removeEventListener("abort", onStop);
      await checking;
    },
  };
}

async function conclude(
  { store }: JobEnvironment,
  { job, fence }: ClaimedJob,
  lease: Lease,
  error: unknown,
): Promise<void> {
  const state = lease.state();
  if (state === "lost" || (error instanceof DriftlineError && error.code === "lease_lost")) return;
  if (state === "stopped") {
    await store.giveBack(job.id, fence);
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
