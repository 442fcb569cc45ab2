// Look-up tables of the simulator's hot loop: quantiles of random variables and fractions of Gaussians on cells.

const VALUES = 1 << 16;

/**
 * A random variable as 65,536 equally probable values, for 16-bit random words: the medians of 65,536 slices of equal
 * probability, shifted and scaled so that `mean` and `variance` are exact. The density on [from, to] need not be
 * normalised and must be negligible outside.
 */
export function equallyProbable(
  density: (x: number) => number,
  from: number,
  to: number,
  mean: number,
  variance: number,
): Float32Array {
  const steps = 1 << 15;
  const h = (to - from) / steps;
  const below = new Float64Array(steps + 1);
  let last = density(from);
  for (let i = 1; i <= steps; i++) {
    const next = density(from + i * h);
    below[i] = below[i - 1] + 0.5 * (last + next);
    last = next;
  }
  const values = new Float64Array(VALUES);
  for (let k = 0, i = 0; k < VALUES; k++) {
    const target = ((k + 0.5) / VALUES) * below[steps];
    while (below[i + 1] < target) i++;
    values[k] = from + h * (i + (target - below[i]) / (below[i + 1] - below[i]));
  }
  const m = values.reduce((sum, v) => sum + v, 0) / VALUES;
  const s = Math.sqrt(values.reduce((sum, v) => sum + (v - m) ** 2, 0) / VALUES / variance);
  return Float32Array.from(values, (v) => mean + (v - m) / s);
}

/** Standard normal; its largest value is 4.3. */
export function normalValues(): Float32Array {
  return equallyProbable((x) => Math.exp(-0.5 * x * x), -6, 6, 0, 1);
}

/**
 * Polya distribution of the gain over its mean: density ∝ g^θ exp(-(1+θ) g), a gamma distribution of shape 1+θ with
 * mean 1 and variance 1/(1+θ) (Blum, Riegler, Rolandi, Particle Detection with Drift Chambers, 2nd ed., section 4.6).
 */
export function polyaValues(theta: number): Float32Array {
  const density = (g: number) => (g <= 0 ? 0 : Math.exp(theta * Math.log(g) - (1 + theta) * g));
  return equallyProbable(density, 0, 12, 1, 1 / (1 + theta));
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
 * Samples of a Gaussian pulse of unit height and width `sigma` (in bins), its top in the middle one, to where they are
 * below 10^-4.
 */
export function pulseSamples(sigma: number): Float64Array {
  const half = Math.ceil(4.3 * sigma);
  return Float64Array.from({ length: 2 * half + 1 }, (_, k) => Math.exp(-0.5 * ((k - half) / sigma) ** 2));
}
