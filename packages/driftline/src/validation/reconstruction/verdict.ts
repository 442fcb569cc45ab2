// The gate: every ratio of model to simulator against the family's limits, by intervals that hold for all at once.

import type { GateResult } from "@driftline/client/api";
import type { Quantity, ReconstructionFigure } from "./figures.ts";
import { hitQuantities } from "./sampleTracks.ts";
import { normalQuantile } from "./spread.ts";

/** Bins with fewer tracks are named, not gated. */
export const leastTracks = 200;
const confidence = 0.95;

export interface RatioLimits {
  minimum: number;
  maximum: number;
}

/** Limits of the resolutions of tracks, of their energy loss, of hits, and of the means of clusters. */
export interface Limits {
  resolution: RatioLimits;
  dedx: RatioLimits;
  hit: RatioLimits;
  cluster: RatioLimits;
}

export function limitsOf(
  { quantity, statistic }: Pick<ReconstructionFigure, "quantity" | "statistic">,
  { resolution, dedx, hit, cluster }: Limits,
): RatioLimits {
  if (statistic === "mean") return cluster;
  if (quantity === "dedx") return dedx;
  return quantity in hitQuantities ? hit : resolution;
}

/** Whether a bin has tracks enough for its ratio to be gated. */
export function isGated(figure: ReconstructionFigure): boolean {
  return figure.tracks >= leastTracks && figure.ratio > 0 && Number.isFinite(figure.error);
}

/** Ends of the interval of a ratio: `z` standard errors of its logarithm on both sides. */
export function ratioInterval({ ratio, error }: ReconstructionFigure, z = 1.96): [number, number] {
  return [ratio * Math.exp(-z * error), ratio * Math.exp(z * error)];
}

/** Standard errors of an interval that, with n figures, misses none of the true values in 95 of 100 validations (Bonferroni). */
export function simultaneous(figures: number): number {
  return normalQuantile(1 - (1 - confidence) / (2 * Math.max(1, figures)));
}

/**
 * One result for each quantity: its worst bin. A bin fails when its simultaneous interval lies wholly outside the
 * limits; a quantity without a single bin of `leastTracks` tracks has no result.
 */
export function judgeRatios(figures: ReconstructionFigure[], limits: Limits): GateResult[] {
  const gated = figures.filter(isGated);
  const z = simultaneous(gated.length);
  const results: GateResult[] = [];
  for (const quantity of new Set(gated.map((figure) => figure.quantity))) {
    const bins = gated.filter((figure) => figure.quantity === quantity);
    const [worst] = bins
      .map((figure) => ({ figure, excess: excessOf(figure, limitsOf(figure, limits), z) }))
      .sort((a, b) => b.excess - a.excess);
    results.push({
      metric: gateName(quantity),
      at: worst.figure.bin,
      value: worst.figure.ratio,
      interval: ratioInterval(worst.figure, z),
      floor: worst.figure.floor,
      ...limitsOf(worst.figure, limits),
      passed: worst.excess <= 0,
    });
  }
  return results;
}

/**
 * What is compared are hits that both sides found, so a model must find those that the simulator does: the share, by the
 * limits of clusters.
 */
export function judgeFound(
  { simulator, model }: { simulator: number; model: number },
  limits: Limits,
): GateResult {
  const value = simulator > 0 ? model / simulator : null;
  const { minimum, maximum } = limits.cluster;
  const passed = value !== null && value >= minimum && value <= maximum;
  return {
    metric: "ratio_hits_found",
    at: "all hits",
    value,
    interval: null,
    floor: null,
    minimum,
    maximum,
    passed,
  };
}

export function gateName(quantity: Quantity): string {
  return `ratio_${quantity}`;
}

/** By how much the nearer end of the interval is outside the limits, as a logarithm; negative where it is not. */
function excessOf(figure: ReconstructionFigure, { minimum, maximum }: RatioLimits, z: number): number {
  const [low, high] = ratioInterval(figure, z);
  return Math.max(Math.log(low / maximum), Math.log(minimum / high));
}

/** Gated bins whose ratio itself is outside the limits: to be named, whatever their intervals say. */
export function outside(figures: ReconstructionFigure[], limits: Limits): ReconstructionFigure[] {
  return figures.filter((figure) => {
    const { minimum, maximum } = limitsOf(figure, limits);
    return isGated(figure) && (figure.ratio < minimum || figure.ratio > maximum);
  });
}
