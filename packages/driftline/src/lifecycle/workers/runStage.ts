// One stage of an attempt: its recorded result, or what it makes, with progress on the way.

import type { Stage } from "@driftline/client/api";
import type { Catalogue } from "../../catalogue/catalogue.ts";
import type { JobStore } from "../jobs/jobStore.ts";
import type { StageOutput, StageResults } from "../jobs/stageResults.ts";
import { contentDigest } from "../recipe.ts";
import type { StageContext, StageDefinition } from "../stages/stage.ts";

const progressIntervalMs = 500;

/** Takes a stage's recorded result, or makes and records it. */
export async function runStage<Earlier, Output>(
  { store, results }: { store: JobStore; results: StageResults },
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
