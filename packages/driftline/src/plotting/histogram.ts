// Histograms and profiles as plain data, and as the UHI serialization schema writes them.
// UHI: https://uhi.readthedocs.io/en/latest/serialization.html, schema version 1.

/** Equal bins from `low` to `high`; `values` and `variances` have an underflow before and an overflow after. */
export interface Histogram {
  label: string;
  low: number;
  high: number;
  bins: number;
  values: Float64Array;
  variances: Float64Array;
}

/** Histogram of rows of the weight 1/draws: draws of one event count together as one. */
export function histogram(
  values: ArrayLike<number>,
  axis: { label: string; low: number; high: number; bins: number },
  draws = 1,
): Histogram {
  const counts = new Float64Array(axis.bins + 2);
  const scale = axis.bins / (axis.high - axis.low);
  for (let i = 0; i < values.length; i++) {
    const at = Math.floor((values[i] - axis.low) * scale);
    counts[Math.min(axis.bins, Math.max(-1, at)) + 1]++;
  }
  return {
    ...axis,
    values: counts.map((count) => count / draws),
    variances: counts.map((count) => count / draws ** 2),
  };
}

/** An empty one, to be filled with `fill`. */
export function emptyHistogram(axis: { label: string; low: number; high: number; bins: number }): Histogram {
  return {
    ...axis,
    values: new Float64Array(axis.bins + 2),
    variances: new Float64Array(axis.bins + 2),
  };
}

/** Adds values with weights; NaN is in no bin. */
export function fill(into: Histogram, values: ArrayLike<number>, weightOf: (i: number) => number): void {
  const { low, high, bins } = into;
  const scale = bins / (high - low);
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (Number.isNaN(value)) continue;
    const at = value >= high ? bins : Math.max(-1, Math.min(bins - 1, Math.floor((value - low) * scale)));
    const weight = weightOf(i);
    into.values[at + 1] += weight;
    into.variances[at + 1] += weight * weight;
  }
}

/** Equal bins with the counts, means and standard deviations of a quantity in each. */
interface ProfileBins {
  label: string;
  low: number;
  high: number;
  counts: ArrayLike<number> & Iterable<number>;
  means: ArrayLike<number> & Iterable<number>;
  deviations: ArrayLike<number>;
}

interface UhiAxis {
  type: "regular";
  lower: number;
  upper: number;
  bins: number;
  underflow: boolean;
  overflow: boolean;
  circular: false;
  metadata: { label: string };
}

/** One histogram of schema version 1; metadata values are texts, numbers and booleans. */
export interface UhiHistogram {
  uhi_schema: 1;
  writer_info: { driftline: { version: string } };
  metadata: Record<string, string | number | boolean>;
  axes: [UhiAxis];
  storage:
    | { type: "weighted"; values: number[]; variances: number[] }
    | { type: "mean"; counts: number[]; values: number[]; variances: number[] };
}

const writer = { driftline: { version: "1" } };

export function uhiHistogram(of: Histogram, title: string): UhiHistogram {
  return {
    uhi_schema: 1,
    writer_info: writer,
    metadata: { title },
    axes: [uhiAxis(of, true)],
    storage: { type: "weighted", values: [...of.values], variances: [...of.variances] },
  };
}

/** A profile as "mean" storage: counts, means and sample variances, n/(n-1) σ²; empty bins are 0. */
export function uhiProfile(of: ProfileBins, title: string, quantity: string): UhiHistogram {
  const counts = [...of.counts];
  const finite = (value: number) => (Number.isFinite(value) ? value : 0);
  return {
    uhi_schema: 1,
    writer_info: writer,
    metadata: { title, quantity },
    axes: [uhiAxis({ ...of, bins: counts.length }, false)],
    storage: {
      type: "mean",
      counts,
      values: [...of.means].map(finite),
      variances: counts.map((n, b) => (n > 1 ? finite((of.deviations[b] ** 2 * n) / (n - 1)) : 0)),
    },
  };
}

function uhiAxis(of: { label: string; low: number; high: number; bins: number }, flow: boolean): UhiAxis {
  return {
    type: "regular",
    lower: of.low,
    upper: of.high,
    bins: of.bins,
    underflow: flow,
    overflow: flow,
    circular: false,
    metadata: { label: of.label },
  };
}
