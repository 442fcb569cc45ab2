// Compares true with generated responses at the same inputs: profiles, distances and calibration, with bootstrap intervals.

import type { InputFeature, OutputImage } from "../family/family.ts";
import { breathe } from "./breathe.ts";
import { columnValues, type FeatureColumn, standardDeviation } from "./features.ts";
import { profileChi2, sharedBins } from "./profile.ts";
import { resamplingCounts } from "./random.ts";
import { flatness, rankCounts, ranksOf } from "./ranks.ts";
import type { Sample } from "./sample.ts";
import { moments, shapeMoments, summarise } from "./summaries.ts";
import { type Merged, merge, wasserstein } from "./wasserstein.ts";

export interface Comparison {
  profileChi2: number;
  /** χ² per term, [moment][feature column]. */
  profilePairs: number[][];
  /** Largest of `distances`. */
  wasserstein: number;
  /** Of each summary, over the true standard deviation; 0 where the truth does not vary and the generated neither. */
  distances: number[];
  wassersteinSum: number;
  /** Worst of the six moments; null where the inputs differ. */
  rankChi2: number | null;
  /** [moment][rank]; empty where the inputs differ. */
  ranks: Float64Array[];
}

export type ComparisonIntervals = Record<
  "profileChi2" | "wasserstein" | "wassersteinSum" | "rankChi2",
  [number, number]
>;

interface Setting {
  columns: FeatureColumn[];
  inputs: readonly InputFeature[];
  output: OutputImage;
  seed: number;
}

/**
 * Compares `truth` (one draw) with `generated` (any number of draws). With `resamplings` above 0, and both at the same
 * inputs, also gives intervals. Leaves the event loop free between resamplings.
 */
export async function compare(
  truth: Sample,
  generated: Sample,
  setting: Setting,
  resamplings = 0,
  signal?: AbortSignal,
): Promise<{ comparison: Comparison; intervals: ComparisonIntervals | null }> {
  const paired = truth.features === generated.features;
  const { inputs, output, columns, seed } = setting;
  const [trueSummaries, generatedSummaries] = [summarise(truth, output), summarise(generated, output)];
  const bins = sharedBins(
    columnValues(columns, truth, inputs.length),
    columnValues(columns, generated, inputs.length),
  );
  const trueProfiled = { bins: bins.a, values: trueSummaries.slice(0, shapeMoments) };
  const generatedProfiled = { bins: bins.b, values: generatedSummaries.slice(0, shapeMoments) };
  const scales = trueSummaries.map(standardDeviation);
  const merged = trueSummaries.map((values, k) => merge(values, generatedSummaries[k]));
  const [trueSum, generatedSum] = [trueSummaries[5], generatedSummaries[5]].map((values) =>
    values.map((value) => 10 ** value - 1),
  );
  const mergedSum = merge(trueSum, generatedSum);
  const sumScale = standardDeviation(trueSum);
  const ranks = paired
    ? trueSummaries.slice(0, moments).map((values, k) => ranksOf(values, generatedSummaries[k], seed))
    : [];

  const evaluate = (counts?: Float64Array): Comparison => {
    const weights: [Float64Array, Float64Array] | undefined = counts && [counts, counts];
    const profiles = profileChi2(
      trueProfiled,
      generatedProfiled,
      counts && { truth: counts, generated: counts },
    );
    const distances = merged.map((list, k) => scaled(list, scales[k], weights));
    const rankings = ranks.map((list) => rankCounts(list, generated.draws, counts));
    return {
      profileChi2: profiles.perTerm,
      profilePairs: profiles.pairs,
      wasserstein: Math.max(...distances),
      distances,
      wassersteinSum: scaled(mergedSum, sumScale, weights),
      rankChi2: paired ? Math.max(...rankings.map(flatness)) : null,
      ranks: rankings,
    };
  };

  const comparison = evaluate();
  if (resamplings === 0 || !paired) return { comparison, intervals: null };
  const replicates: Comparison[] = [];
  for (let k = 0; k < resamplings; k++) {
    replicates.push(evaluate(resamplingCounts(truth.events, seed, k)));
    await breathe(signal);
  }
  const of = (name: keyof ComparisonIntervals) =>
    centredInterval(
      comparison[name] ?? 0,
      replicates.map((replicate) => replicate[name] ?? 0),
    );
  return {
    comparison,
    intervals: {
      profileChi2: of("profileChi2"),
      wasserstein: of("wasserstein"),
      wassersteinSum: of("wassersteinSum"),
      rankChi2: of("rankChi2"),
    },
  };
}

/**
 * Central 95 % of the replicates, moved so that their mean is the estimate: resampling adds noise of its own to
 * figures that noise can only raise (χ², distances), and the move takes that away. Not below 0.
 */
export function centredInterval(estimate: number, replicates: number[]): [number, number] {
  const sorted = Float64Array.from(replicates).sort();
  const mean = sorted.reduce((sum, value) => sum + value, 0) / sorted.length;
  const [low, high] = [quantile(sorted, 0.025), quantile(sorted, 0.975)];
  return [Math.max(0, low - mean + estimate), high - mean + estimate];
}

/** Quantile of sorted values, linear between them. */
export function quantile(sorted: Float64Array, p: number): number {
  const at = p * (sorted.length - 1);
  const below = Math.floor(at);
  const above = Math.min(sorted.length - 1, below + 1);
  return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
}

function scaled(merged: Merged, scale: number, weights?: [Float64Array, Float64Array]): number {
  const distance = wasserstein(merged, weights);
  if (scale > 0) return distance / scale;
  return distance > 0 ? Number.MAX_VALUE : 0;
}
