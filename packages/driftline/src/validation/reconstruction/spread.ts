// Width and mean of a distribution that a few outliers don't move, in the bootstrap's many resamplings too.

/**
 * What the standard deviation of the central 90 % of a Gaussian is of its σ: √(1 − 2cφ(c)/0.9) with c = 1.645.
 */
const gaussianShare = 0.78927;
const cut = 0.05;

export interface Spread {
  /** Standard deviation of the central 90 % over 0.789: σ of a Gaussian. */
  width: number;
  /** Mean of the central 90 %. */
  mean: number;
}

/**
 * Spread of sorted values. In the bootstrap value i counts as often as the track `of[i]` that it belongs to was drawn,
 * `counts[of[i]]`. A relative error of 0.80/√n for a
 * Gaussian, against 0.71/√n of the plain standard deviation, which tails spoil, and 0.96/√n of half the distance between
 * the 16 % and 84 % quantiles. In jet physics it is known as RMS90 (M. A. Thomson, Nucl. Instrum. Meth. A 611 (2009) 25).
 */
export function spreadOf(sorted: Float64Array, of?: Int32Array, counts?: Float64Array): Spread {
  const n = sorted.length;
  const weights = new Float64Array(n);
  let total = n;
  if (of && counts) {
    total = 0;
    for (let i = 0; i < n; i++) {
      weights[i] = counts[of[i]];
      total += weights[i];
    }
  } else weights.fill(1);
  // Values at the two edges count with the part of them that is inside.
  trim(weights, cut * total, 0, 1);
  trim(weights, cut * total, n - 1, -1);
  // About a value in the middle: digits would cancel otherwise.
  const origin = n === 0 ? Number.NaN : sorted[n >> 1];
  let [kept, first, second] = [0, 0, 0];
  for (let i = 0; i < n; i++) {
    const [w, d] = [weights[i], sorted[i] - origin];
    kept += w;
    first += w * d;
    second += w * d * d;
  }
  const mean = first / kept;
  return { width: Math.sqrt(Math.max(0, second / kept - mean * mean)) / gaussianShare, mean: origin + mean };
}

/** Takes `excess` off the weights, from index `i` on in steps of `step`. */
function trim(weights: Float64Array, excess: number, i: number, step: 1 | -1): void {
  for (let left = excess; left > 0 && i >= 0 && i < weights.length; i += step) {
    const taken = Math.min(left, weights[i]);
    weights[i] -= taken;
    left -= taken;
  }
}

/** Quantile of the standard normal distribution, to 4.5·10⁻⁴ (Abramowitz and Stegun 26.2.23). */
export function normalQuantile(p: number): number {
  if (p < 0.5) return -normalQuantile(1 - p);
  const t = Math.sqrt(-2 * Math.log(1 - p));
  const above = 2.515517 + t * (0.802853 + t * 0.010328);
  return t - above / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
}
