// What is known of a feature after one pass over the training rows: range, moments, quantiles, how many objects an
// event has. Statistics of parts are merged into those of the whole.

import { type Column, type ListColumn, lengthOf } from "@driftline/rootio";
import { addCounts, countValues, type QuantileCounts, quantile, quantileCounts } from "./quantiles.ts";

export interface FeatureStatistics {
  /** Rows seen. */
  rows: number;
  /** Finite values seen, and those that were NaN or infinite. */
  values: number;
  missing: number;
  /** Infinity and -Infinity where there were none. */
  min: number;
  max: number;
  mean: number;
  /** Sum of squared deviations from the mean. */
  squares: number;
  /** Mean and the same sum of the values' logarithms, see `logarithm`. */
  logMean: number;
  logSquares: number;
  quantiles: QuantileCounts;
  /** Of lists: how many rows have 0, 1, 2, … values; empty for single values. */
  lengths: number[];
}

export function emptyStatistics(): FeatureStatistics {
  return {
    rows: 0,
    values: 0,
    missing: 0,
    min: Number.POSITIVE_INFINITY,
    max: Number.NEGATIVE_INFINITY,
    mean: 0,
    squares: 0,
    logMean: 0,
    logSquares: 0,
    quantiles: quantileCounts(),
    lengths: [],
  };
}

/** sign(x) ln(1 + |x|): a logarithm that zero and negative numbers have too. */
export function logarithm(x: number): number {
  return x < 0 ? -Math.log1p(-x) : Math.log1p(x);
}

/** Adds a column, one value or one list a row. `withLogarithms` costs as much as all the rest. */
export function addColumn(into: FeatureStatistics, column: Column, withLogarithms: boolean): void {
  into.rows += lengthOf(column);
  if (column.kind === "list") addLengths(into.lengths, column);
  const values = numbersOf(column);
  // Sums of differences from a mean that is about right lose no digits, and need one pass.
  const part = sums(values, into.values > 0 ? into.mean : plainMean(values));
  into.missing += values.length - part.values;
  if (part.values === 0) return;
  into.min = Math.min(into.min, part.min);
  into.max = Math.max(into.max, part.max);
  mergeMoments(into, { ...part, ...(withLogarithms ? logMoments(values, part.values) : noLogarithms) });
  countValues(into.quantiles, values);
}

export function mergeStatistics(into: FeatureStatistics, more: FeatureStatistics): void {
  into.rows += more.rows;
  into.missing += more.missing;
  mergeMoments(into, more);
  into.min = Math.min(into.min, more.min);
  into.max = Math.max(into.max, more.max);
  addCounts(into.quantiles, more.quantiles);
  more.lengths.forEach((rows, length) => {
    into.lengths[length] = (into.lengths[length] ?? 0) + rows;
  });
}

export function quantileOf({ quantiles, min, max }: FeatureStatistics, q: number): number {
  return quantile(quantiles, q, min, max);
}

/** Population standard deviation. */
export function deviation({ squares, values }: Pick<FeatureStatistics, "squares" | "values">): number {
  return values === 0 ? Number.NaN : Math.sqrt(squares / values);
}

/** The shortest length that at least the fraction `q` of the rows do not exceed. */
export function lengthQuantile(lengths: number[], q: number): number {
  const rows = lengths.reduce((sum, count) => sum + (count ?? 0), 0);
  let within = 0;
  for (let length = 0; length < lengths.length; length++) {
    within += lengths[length] ?? 0;
    if (within >= q * rows) return length;
  }
  return Math.max(lengths.length - 1, 0);
}

/** Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances" (1979), eq. 2.1. */
function mergeMoments(
  into: FeatureStatistics,
  part: Pick<FeatureStatistics, "values" | "mean" | "squares" | "logMean" | "logSquares">,
): void {
  const values = into.values + part.values;
  if (part.values === 0) return;
  const weight = part.values / values;
  const between = into.values * weight;
  const step = part.mean - into.mean;
  const logStep = part.logMean - into.logMean;
  into.squares += part.squares + step * step * between;
  into.logSquares += part.logSquares + logStep * logStep * between;
  into.mean += step * weight;
  into.logMean += logStep * weight;
  into.values = values;
}

type Numbers = Exclude<ArrayLike<number>, string>;

const noLogarithms = { logMean: 0, logSquares: 0 };

/** Range and moments of the finite values. */
function sums(values: Numbers, near: number) {
  let count = 0;
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  let sum = 0;
  let squares = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (value - value !== 0) continue;
    const step = value - near;
    sum += step;
    squares += step * step;
    if (value < min) min = value;
    if (value > max) max = value;
    count++;
  }
  const shift = count > 0 ? sum / count : 0;
  return { values: count, min, max, mean: near + shift, squares: Math.max(0, squares - sum * shift) };
}

function plainMean(values: Numbers): number {
  let count = 0;
  let sum = 0;
  for (let i = 0; i < values.length; i++) {
    if (values[i] - values[i] !== 0) continue;
    sum += values[i];
    count++;
  }
  return count > 0 ? sum / count : 0;
}

function logMoments(values: Numbers, count: number): { logMean: number; logSquares: number } {
  const logarithms = new Float64Array(count);
  let at = 0;
  for (let i = 0; i < values.length; i++)
    if (values[i] - values[i] === 0) logarithms[at++] = logarithm(values[i]);
  const { mean, squares } = sums(logarithms, plainMean(logarithms));
  return { logMean: mean, logSquares: squares };
}

function addLengths(lengths: number[], { offsets }: ListColumn): void {
  for (let i = 1; i < offsets.length; i++) {
    const length = offsets[i] - offsets[i - 1];
    while (lengths.length <= length) lengths.push(0);
    lengths[length]++;
  }
}

/** The values of a column of numbers or of lists of numbers; 64-bit integers as the nearest double. */
export function numbersOf(column: Column): Exclude<ArrayLike<number>, string> {
  const content = column.kind === "list" ? column.content : column;
  if (content.kind !== "number") throw new TypeError(`a feature of ${content.kind}`);
  const { values } = content;
  const whole =
    values instanceof BigInt64Array || values instanceof BigUint64Array
      ? Float64Array.from(values, Number)
      : values;
  // A slice of a longer content is told by its offsets.
  if (column.kind !== "list") return whole;
  const first = column.offsets[0];
  const last = column.offsets[column.offsets.length - 1];
  return first === 0 && last === whole.length ? whole : whole.subarray(first, last);
}
