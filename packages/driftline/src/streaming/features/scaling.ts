// From statistics to the numbers that a feature is scaled with.

import { deviation, type FeatureStatistics, logarithm, quantileOf } from "./statistics.ts";

export const scaleKinds = ["none", "min-max", "standard", "robust", "log"] as const;
export type ScaleKind = (typeof scaleKinds)[number];

/** A value becomes (t(x) - offset) / divisor, where t is `logarithm` for "log" and x itself for the others. */
export interface Scale {
  kind: ScaleKind;
  offset: number;
  divisor: number;
}

/**
 * min-max to 0 … 1; standard to mean 0 and deviation 1; robust to median 0 and interquartile range 1; log to mean 0 and
 * deviation 1 of the logarithm. What is constant becomes 0.
 */
export function scaleOf(kind: ScaleKind, statistics: FeatureStatistics): Scale {
  const { values, min, max, mean, logMean, logSquares } = statistics;
  if (kind === "none" || values === 0) return { kind, offset: 0, divisor: 1 };
  const [offset, divisor] =
    kind === "min-max"
      ? [min, max - min]
      : kind === "standard"
        ? [mean, deviation(statistics)]
        : kind === "robust"
          ? [quantileOf(statistics, 0.5), quantileOf(statistics, 0.75) - quantileOf(statistics, 0.25)]
          : [logMean, deviation({ squares: logSquares, values })];
  return { kind, offset, divisor: divisor > 0 ? divisor : 1 };
}

export function scaled({ kind, offset, divisor }: Scale, x: number): number {
  return ((kind === "log" ? logarithm(x) : x) - offset) / divisor;
}
