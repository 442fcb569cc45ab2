// A table of runs, driftline-runs/1: ranges of run numbers and the conditions that hold in each.

import { z } from "zod";

export const runsFormat = "driftline-runs/1";

const texts = z.record(z.string(), z.string());
/** Runs are numbered by whole numbers; both ends belong to a range. */
export const runNumber = z.int().min(0);

export const runRange = z.object({
  firstRun: runNumber,
  lastRun: runNumber,
  /** As someone asks a family for a model: "5.50 cm/us", "pion". */
  conditions: texts,
  software: texts,
});
export type RunRange = z.infer<typeof runRange>;

export const runTable = z.object({
  format: z.literal(runsFormat),
  tag: z.string(),
  /** Sorted, without overlaps. */
  ranges: z.array(runRange),
});
export type RunTable = z.infer<typeof runTable>;

/** The range that holds a run, of ranges sorted by their first run that do not overlap. */
export function rangeOf<R extends { firstRun: number; lastRun: number }>(
  ranges: R[],
  run: number,
): R | undefined {
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ranges[middle].lastRun < run) low = middle + 1;
    else high = middle;
  }
  const found = ranges[low];
  return found !== undefined && found.firstRun <= run ? found : undefined;
}
