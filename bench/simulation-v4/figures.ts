// Figures of a set of responses that two simulations are compared in: moments of the image, their means in bins, slopes.

/** Responses on 8 pads × 16 bins with their inputs (crossing, dip, drift, pad coordinate, row, pT). */
export interface ResponseSet {
  rows: number;
  features: Float32Array;
  responses: Float32Array;
}

export const PADS = 8;
export const BINS = 16;
const CELLS = PADS * BINS;

/** One value for each response. */
export interface Moments {
  padResidual: Float64Array;
  timeResidual: Float64Array;
  padVariance: Float64Array;
  timeVariance: Float64Array;
  covariance: Float64Array;
  sum: Float64Array;
  digits: Float64Array;
  peak: Float64Array;
}

/** Moments weighted with the amplitude, in cells; residuals are barycentre minus coordinate. */
export function momentsOf(set: ResponseSet): Moments {
  const make = () => new Float64Array(set.rows);
  const m: Moments = {
    padResidual: make(),
    timeResidual: make(),
    padVariance: make(),
    timeVariance: make(),
    covariance: make(),
    sum: make(),
    digits: make(),
    peak: make(),
  };
  for (let row = 0; row < set.rows; row++) {
    let [sum, x, t, xx, tt, xt, digits, peak] = [0, 0, 0, 0, 0, 0, 0, 0];
    for (let i = 0; i < PADS; i++) {
      for (let j = 0; j < BINS; j++) {
        const a = set.responses[row * CELLS + i * BINS + j];
        if (a <= 0) continue;
        digits++;
        peak = Math.max(peak, a);
        sum += a;
        x += a * i;
        t += a * j;
        xx += a * i * i;
        tt += a * j * j;
        xt += a * i * j;
      }
    }
    const drift = set.features[row * 6 + 2];
    const pad = set.features[row * 6 + 3];
    m.padResidual[row] = x / sum - (pad - Math.trunc(pad) + 3);
    m.timeResidual[row] = t / sum - (drift - Math.trunc(drift) + 7);
    m.padVariance[row] = xx / sum - (x / sum) ** 2;
    m.timeVariance[row] = tt / sum - (t / sum) ** 2;
    m.covariance[row] = xt / sum - (x / sum) * (t / sum);
    m.sum[row] = sum;
    m.digits[row] = digits;
    m.peak[row] = peak;
  }
  return m;
}

export interface Estimate {
  value: number;
  /** Standard error. */
  error: number;
}

export function mean(values: Float64Array): Estimate {
  const n = values.length;
  const value = values.reduce((a, b) => a + b, 0) / n;
  const variance = values.reduce((a, b) => a + (b - value) ** 2, 0) / (n - 1);
  return { value, error: Math.sqrt(variance / n) };
}

/** Standard deviation; its error from the fourth moment. */
export function spread(values: Float64Array): Estimate {
  const centre = mean(values).value;
  const squares = mean(values.map((v) => (v - centre) ** 2));
  const value = Math.sqrt(squares.value);
  return { value, error: squares.error / (2 * value) };
}

/** Quantile; its error from the order statistics one standard deviation of the rank away. */
export function quantile(values: Float64Array, p: number): Estimate {
  const sorted = values.slice().sort();
  const n = sorted.length;
  const at = (q: number) => sorted[Math.min(n - 1, Math.max(0, Math.round(q * (n - 1))))];
  const step = Math.sqrt((p * (1 - p)) / n);
  return { value: at(p), error: 0.5 * (at(p + step) - at(p - step)) };
}

/** Least squares y = a + Σ b_k x_k; gives the b_k. Errors allow for unequal variances (White's estimator). */
export function slopes(y: Float64Array, xs: Float64Array[]): Estimate[] {
  const n = y.length;
  const k = xs.length + 1;
  const column = (c: number, row: number) => (c === 0 ? 1 : xs[c - 1][row]);
  const inverse = invert(
    Array.from({ length: k }, (_, a) =>
      Array.from({ length: k }, (_, b) => {
        let s = 0;
        for (let row = 0; row < n; row++) s += column(a, row) * column(b, row);
        return s;
      }),
    ),
  );
  const xy = Array.from({ length: k }, (_, a) => y.reduce((s, value, row) => s + value * column(a, row), 0));
  const beta = inverse.map((line) => line.reduce((s, v, c) => s + v * xy[c], 0));
  return xs.map((_, index) => {
    const line = inverse[index + 1];
    let variance = 0;
    for (let row = 0; row < n; row++) {
      let residual = y[row];
      let lever = 0;
      for (let c = 0; c < k; c++) {
        residual -= beta[c] * column(c, row);
        lever += line[c] * column(c, row);
      }
      variance += (residual * lever) ** 2;
    }
    return { value: beta[index + 1], error: Math.sqrt(variance) };
  });
}

function invert(matrix: number[][]): number[][] {
  const n = matrix.length;
  const a = matrix.map((line, i) => [...line, ...line.map((_, j) => (i === j ? 1 : 0))]);
  for (let i = 0; i < n; i++) {
    const pivot = a[i][i];
    a[i] = a[i].map((v) => v / pivot);
    for (let r = 0; r < n; r++) {
      if (r !== i) {
        const factor = a[r][i];
        a[r] = a[r].map((v, c) => v - factor * a[i][c]);
      }
    }
  }
  return a.map((line) => line.slice(n));
}

/** Edges of the five bins in drift length (time bins) and dip angle (degrees). */
export const driftEdges = [24, 80, 136, 192, 248, 304];
export const dipEdges = [-60, -36, -12, 12, 36, 60];

export function select(values: Float64Array, keep: (row: number) => boolean): Float64Array {
  return values.filter((_, row) => keep(row));
}

export function featureOf(set: ResponseSet, column: number): Float64Array {
  return Float64Array.from({ length: set.rows }, (_, row) => set.features[row * 6 + column]);
}

/** Every figure of the comparison by name. */
export function figures(set: ResponseSet): Map<string, Estimate> {
  const m = momentsOf(set);
  const tan = (column: number) =>
    featureOf(set, column).map((degrees) => Math.tan((degrees * Math.PI) / 180));
  const crossing = tan(0);
  const dip = tan(1);
  const drift = featureOf(set, 2);
  const dipDegrees = featureOf(set, 1);
  const out = new Map<string, Estimate>();
  const binned = (name: string, values: Float64Array, by: Float64Array, edges: number[], what: string) => {
    for (let b = 0; b < 5; b++) {
      const keep = (row: number) => by[row] >= edges[b] && by[row] < edges[b + 1];
      out.set(`${name}, ${what} ${edges[b]} to ${edges[b + 1]}`, mean(select(values, keep)));
    }
  };
  binned("pad variance", m.padVariance, drift, driftEdges, "drift");
  binned("time variance", m.timeVariance, drift, driftEdges, "drift");
  binned("pad variance", m.padVariance, dipDegrees, dipEdges, "dip");
  binned("time variance", m.timeVariance, dipDegrees, dipEdges, "dip");
  const square = (values: Float64Array) => values.map((v) => v * v);
  const per100 = drift.map((d) => d / 100);
  const [padDrift, padCrossing, padDip] = slopes(m.padVariance, [per100, square(crossing), square(dip)]);
  const [timeDrift, timeCrossing, timeDip] = slopes(m.timeVariance, [per100, square(crossing), square(dip)]);
  out.set("slope of pad variance with drift (per 100 bins)", padDrift);
  out.set("slope of pad variance with tan² crossing", padCrossing);
  out.set("slope of pad variance with tan² dip", padDip);
  out.set("slope of time variance with drift (per 100 bins)", timeDrift);
  out.set("slope of time variance with tan² crossing", timeCrossing);
  out.set("slope of time variance with tan² dip", timeDip);
  out.set(
    "slope of covariance with tan crossing · tan dip",
    slopes(m.covariance, [crossing.map((c, row) => c * dip[row])])[0],
  );
  out.set("digits", mean(m.digits));
  for (const [name, p] of [
    ["lower quartile", 0.25],
    ["median", 0.5],
    ["upper quartile", 0.75],
    ["95 % quantile", 0.95],
  ] as const) {
    out.set(`sum, ${name}`, quantile(m.sum, p));
  }
  out.set("residual of the pad mean", spread(m.padResidual));
  out.set("residual of the time mean", spread(m.timeResidual));
  return out;
}
