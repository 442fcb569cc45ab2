// Profiles: mean and spread of a summary in bins of an input, and how far two sets of them are apart.

/** Mean and standard deviation of a quantity in equal bins of an input, with the variances of both estimates. */
export interface Profile {
  low: number;
  high: number;
  /** Sum of weights (events) in each bin. */
  counts: Float64Array;
  means: Float64Array;
  deviations: Float64Array;
  /** Squared standard errors of `means` and `deviations`. */
  meanErrors2: Float64Array;
  deviationErrors2: Float64Array;
}

export const profileBins = 19;
/** A bin with fewer events, on either side, has no usable errors and does not count. */
const leastInBin = 5;

/** Bin of each value among `bins` equal ones from `low` to `high`; the ends belong to the outer bins. */
export function binIndices(values: ArrayLike<number>, low: number, high: number, bins: number): Uint16Array {
  const width = high > low ? (high - low) / bins : 1;
  return Uint16Array.from(values, (value) =>
    Math.min(bins - 1, Math.max(0, Math.floor((value - low) / width))),
  );
}

/**
 * Profile of `y` over the bins of its rows. Row r lies in `binOfEvent[r mod events]` and has weight `weights[r mod events]`
 * (1 if left out). Error of the mean s/√(n-1); of the standard deviation √((m4 - s⁴)/(4 n s²)), m4 the fourth central
 * moment (Kendall & Stuart, The Advanced Theory of Statistics, 10.1).
 */
export function profile(
  y: Float64Array,
  binOfEvent: Uint16Array,
  range: { low: number; high: number },
  weights?: Float64Array,
  bins = profileBins,
): Profile {
  const events = binOfEvent.length;
  const [n, s1, s2, s3, s4] = Array.from({ length: 5 }, () => new Float64Array(bins));
  // Powers about a value near all means keep their differences accurate.
  const origin = y[0];
  for (let r = 0, e = 0; r < y.length; r++) {
    const w = weights ? weights[e] : 1;
    if (w > 0) {
      const b = binOfEvent[e];
      const d = y[r] - origin;
      const d2 = d * d;
      n[b] += w;
      s1[b] += w * d;
      s2[b] += w * d2;
      s3[b] += w * d2 * d;
      s4[b] += w * d2 * d2;
    }
    if (++e === events) e = 0;
  }
  const out: Profile = {
    ...range,
    counts: n,
    means: new Float64Array(bins),
    deviations: new Float64Array(bins),
    meanErrors2: new Float64Array(bins),
    deviationErrors2: new Float64Array(bins),
  };
  for (let b = 0; b < bins; b++) {
    const m = s1[b] / n[b];
    const variance = Math.max(0, s2[b] / n[b] - m * m);
    const m4 = s4[b] / n[b] - (4 * m * s3[b]) / n[b] + (6 * m * m * s2[b]) / n[b] - 3 * m ** 4;
    out.means[b] = origin + m;
    out.deviations[b] = Math.sqrt(variance);
    out.meanErrors2[b] = variance / (n[b] - 1);
    out.deviationErrors2[b] = Math.max(0, m4 - variance * variance) / (4 * n[b] * variance);
  }
  return out;
}

/**
 * Sum over bins of (difference)²/(variance + variance) for the bands mean + σ and mean - σ, and the number of terms.
 * As in TPC-FastSim the error of a band takes mean and σ as independent.
 */
export function profileDistance(a: Profile, b: Profile): { chi2: number; terms: number } {
  let chi2 = 0;
  let terms = 0;
  for (let bin = 0; bin < a.counts.length; bin++) {
    if (a.counts[bin] < leastInBin || b.counts[bin] < leastInBin) continue;
    const error2 =
      a.meanErrors2[bin] + a.deviationErrors2[bin] + b.meanErrors2[bin] + b.deviationErrors2[bin];
    if (!(error2 > 0)) continue;
    const mean = a.means[bin] - b.means[bin];
    const deviation = a.deviations[bin] - b.deviations[bin];
    chi2 += ((mean + deviation) ** 2 + (mean - deviation) ** 2) / error2;
    terms += 2;
  }
  return { chi2, terms };
}

/** What the profiles of two samples need: per input the bin of each event, and the summaries of each row. */
export interface Profiled {
  /** One entry an input, one value an event. */
  bins: Uint16Array[];
  /** Summaries to profile. */
  values: Float64Array[];
}

/** Ranges over both samples of each input, and the samples' bins. */
export function sharedBins(
  a: Float64Array[],
  b: Float64Array[],
  bins = profileBins,
): { ranges: { low: number; high: number }[]; a: Uint16Array[]; b: Uint16Array[] } {
  const ranges = a.map((values, k) => {
    let [low, high] = [Infinity, -Infinity];
    for (const list of [values, b[k]]) {
      for (const value of list) {
        if (value < low) low = value;
        if (value > high) high = value;
      }
    }
    return { low, high };
  });
  const binned = (columns: Float64Array[]) =>
    columns.map((values, k) => binIndices(values, ranges[k].low, ranges[k].high, bins));
  return { ranges, a: binned(a), b: binned(b) };
}

/** χ² per term over all summaries and inputs, and of each pair `[summary][input]`. */
export function profileChi2(
  truth: Profiled,
  generated: Profiled,
  weights?: { truth: Float64Array; generated: Float64Array },
): { perTerm: number; pairs: number[][] } {
  const range = { low: 0, high: 0 };
  let [chi2, terms] = [0, 0];
  const pairs = truth.values.map((values, k) =>
    truth.bins.map((bins, f) => {
      const a = profile(values, bins, range, weights?.truth);
      const b = profile(generated.values[k], generated.bins[f], range, weights?.generated);
      const pair = profileDistance(a, b);
      chi2 += pair.chi2;
      terms += pair.terms;
      return pair.terms > 0 ? pair.chi2 / pair.terms : 0;
    }),
  );
  return { perTerm: terms > 0 ? chi2 / terms : 0, pairs };
}
