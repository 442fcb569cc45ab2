// Calibration: where the true value of a summary ranks among draws at the same input. All ranks must be equally common.

import { streams, uniforms } from "@driftline/client/noise";
import { purposes } from "./random.ts";

/**
 * Rank 0 … draws of each true value among the `draws` generated values of its event: how many are below it. Equal
 * values, as for counts, are ordered at random. `generated[d · events + e]` is draw d of event e.
 */
export function ranksOf(truth: Float64Array, generated: Float64Array, seed: number): Uint16Array {
  const events = truth.length;
  const ranks = new Uint16Array(events);
  const ties = uniforms(seed, purposes.ties, 0, events, streams.bootstrap);
  for (let e = 0; e < events; e++) {
    let [below, equal] = [0, 0];
    for (let at = e; at < generated.length; at += events) {
      if (generated[at] < truth[e]) below++;
      else if (generated[at] === truth[e]) equal++;
    }
    ranks[e] = below + Math.floor(ties[e] * (equal + 1));
  }
  return ranks;
}

/** How often each rank occurs; event e counts `weights[e]` times, or once. */
export function rankCounts(ranks: Uint16Array, draws: number, weights?: Float64Array): Float64Array {
  const counts = new Float64Array(draws + 1);
  for (let e = 0; e < ranks.length; e++) counts[ranks[e]] += weights ? weights[e] : 1;
  return counts;
}

/** Pearson's χ² of equal counts, per degree of freedom (cells - 1). */
export function flatness(counts: Float64Array): number {
  const expected = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  let chi2 = 0;
  for (const count of counts) chi2 += (count - expected) ** 2 / expected;
  return chi2 / (counts.length - 1);
}
