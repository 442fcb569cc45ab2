// Look-up tables of the simulator's hot loop: quantiles of random variables and fractions of Gaussians on cells.

const CELLS = 2048;

/**
 * Quantile function of a random variable, as a table for 32-bit random words.
 *
 * `main[k]` is the quantile at k/2048; the first and the last cell are divided again into 2048 (`low`, `high`). Within
 * a cell the quantile is linear. Values in the table are exact; what linearity changes in a variance is below 10^-5.
 */
export interface QuantileTable {
  main: Float64Array;
  low: Float64Array;
  high: Float64Array;
}

/** Builds the table from a density on [from, to] (need not be normalised; negligible outside). */
export function quantileTable(density: (x: number) => number, from: number, to: number): QuantileTable {
  const steps = 1 << 16;
  const h = (to - from) / steps;
  // Sums from both ends, by the trapezoidal rule, so that both tails keep their relative precision.
  const below = new Float64Array(steps + 1);
  const above = new Float64Array(steps + 1);
  const p = Float64Array.from({ length: steps + 1 }, (_, i) => density(from + i * h));
  for (let i = 1; i <= steps; i++) below[i] = below[i - 1] + 0.5 * (p[i - 1] + p[i]);
  for (let i = steps - 1; i >= 0; i--) above[i] = above[i + 1] + 0.5 * (p[i + 1] + p[i]);
  const total = below[steps];

  let i = 0;
  const lower = (probability: number) => {
    const target = probability * total;
    while (i < steps && below[i + 1] < target) i++;
    return from + h * (i + Math.min(1, (target - below[i]) / (below[i + 1] - below[i])));
  };
  let j = steps;
  const upper = (probability: number) => {
    const target = probability * total;
    while (j > 0 && above[j - 1] < target) j--;
    return from + h * (j - Math.min(1, (target - above[j]) / (above[j - 1] - above[j])));
  };
  const smallest = 2 ** -34;
  const half = Array.from({ length: CELLS / 2 + 1 }, (_, k) => lower(Math.max(smallest, k / CELLS)));
  const otherHalf = Array.from({ length: CELLS / 2 + 1 }, (_, k) => upper(Math.max(smallest, k / CELLS)));
  i = 0;
  j = steps;
  const low = Array.from({ length: CELLS + 1 }, (_, k) => lower(Math.max(smallest, k / CELLS ** 2)));
  const high = Array.from({ length: CELLS + 1 }, (_, k) => upper(Math.max(smallest, k / CELLS ** 2)));
  return {
    main: Float64Array.from([...half, ...otherHalf.reverse().slice(1)]),
    low: Float64Array.from(low),
    high: Float64Array.from(high.reverse()),
  };
}

/** The value of the random variable for a uniform 32-bit word. */
export function quantile(table: QuantileTable, word: number): number {
  const cell = word >>> 21;
  if (cell === 0) return quantileWithin(table.low, word);
  if (cell === CELLS - 1) return quantileWithin(table.high, word);
  const a = table.main[cell];
  return a + (table.main[cell + 1] - a) * (((word & 0x1fffff) + 0.5) * 2 ** -21);
}

function quantileWithin(table: Float64Array, word: number): number {
  const cell = (word & 0x1fffff) >>> 10;
  const a = table[cell];
  return a + (table[cell + 1] - a) * (((word & 0x3ff) + 0.5) * 2 ** -10);
}

/** Standard normal, cut at ±6.6 (probability 4·10^-11). */
export function normalQuantiles(): QuantileTable {
  return quantileTable((x) => Math.exp(-0.5 * x * x), -6.6, 6.6);
}

/**
 * Polya distribution of the gain over its mean: density ∝ g^θ exp(-(1+θ) g), a gamma distribution of shape 1+θ and
 * mean 1 (Blum, Riegler, Rolandi, Particle Detection with Drift Chambers, 2nd ed., section 4.6).
 */
export function polyaQuantiles(theta: number): QuantileTable {
  return quantileTable((g) => (g <= 0 ? 0 : Math.exp(theta * Math.log(g) - (1 + theta) * g)), 0, 16);
}

/** Distribution function of the standard normal, to 1.2·10^-7 (Numerical Recipes' erfc, 2nd ed., section 6.2). */
export function normalCdf(x: number): number {
  const z = Math.abs(x) * Math.SQRT1_2;
  const t = 1 / (1 + 0.5 * z);
  const polynomial =
    -1.26551223 +
    t *
      (1.00002368 +
        t *
          (0.37409196 +
            t *
              (0.09678418 +
                t *
                  (-0.18628806 +
                    t *
                      (0.27886807 +
                        t * (-1.13520398 + t * (1.48851587 + t * (-0.82215223 + t * 0.17087277))))))));
  const upper = 0.5 * t * Math.exp(-z * z + polynomial);
  return x > 0 ? 1 - upper : upper;
}

/**
 * Fractions of a charge on four neighbouring pads: `steps` positions between two pad centres, four fractions each, for
 * pads -1, 0, 1, 2. A Gaussian of width `sigma` (in pads) integrated over each pad; what falls beyond is below 10^-7
 * for sigma ≤ 0.28.
 */
export function padTable(sigma: number, steps: number): Float64Array {
  const table = new Float64Array(steps * 4);
  for (let s = 0; s < steps; s++) {
    const position = (s + 0.5) / steps;
    for (let k = 0; k < 4; k++) {
      const edge = k - 1.5 - position;
      table[4 * s + k] = normalCdf((edge + 1) / sigma) - normalCdf(edge / sigma);
    }
  }
  return table;
}

/** Fraction of a charge on a row of height `height`, for `steps` distances from its centre, 0 to `reach` (cm). */
export function rowTable(sigma: number, height: number, reach: number, steps: number): Float64Array {
  return Float64Array.from({ length: steps }, (_, s) => {
    const y = ((s + 0.5) / steps) * reach;
    return normalCdf((0.5 * height - y) / sigma) - normalCdf((-0.5 * height - y) / sigma);
  });
}

/**
 * Shaped pulse of unit height sampled in time bins: `steps` positions between two samples, `2·half` samples each, for
 * bins 1-half to half. A Gaussian of width `sigma` (in bins).
 */
export function timeTable(sigma: number, half: number, steps: number): Float64Array {
  const taps = 2 * half;
  const table = new Float64Array(steps * taps);
  for (let s = 0; s < steps; s++) {
    const position = (s + 0.5) / steps;
    for (let k = 0; k < taps; k++) {
      const distance = (k + 1 - half - position) / sigma;
      table[taps * s + k] = Math.exp(-0.5 * distance * distance);
    }
  }
  return table;
}
