// The Wasserstein-1 distance of two weighted samples in one dimension: the area between their distribution functions.

/** Values of two samples in one sorted list, so that each resampling costs one pass. */
export interface Merged {
  values: Float64Array;
  /** Row in the sample, and which sample (0 or 1), of each value. */
  rows: Int32Array;
  sides: Uint8Array;
  lengths: [number, number];
}

export function merge(a: ArrayLike<number>, b: ArrayLike<number>): Merged {
  const total = a.length + b.length;
  const at = (i: number) => (i < a.length ? a[i] : b[i - a.length]);
  const order = Int32Array.from({ length: total }, (_, i) => i).sort((i, j) => at(i) - at(j));
  return {
    values: Float64Array.from(order, at),
    rows: order.map((i) => (i < a.length ? i : i - a.length)),
    sides: Uint8Array.from(order, (i) => (i < a.length ? 0 : 1)),
    lengths: [a.length, b.length],
  };
}

/**
 * ∫|F - G| dx, in the unit of the values. Row r has the weight `weights[side][r mod weights[side].length]`, or 1.
 */
export function wasserstein(merged: Merged, weights?: [Float64Array, Float64Array]): number {
  const { values, rows, sides, lengths } = merged;
  const total = [0, 0];
  for (const side of [0, 1] as const) {
    if (!weights) total[side] = lengths[side];
    else for (let r = 0; r < lengths[side]; r++) total[side] += weights[side][r % weights[side].length];
  }
  let [distance, difference] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    if (i > 0) distance += Math.abs(difference) * (values[i] - values[i - 1]);
    const side = sides[i];
    const weight = weights ? weights[side][rows[i] % weights[side].length] : 1;
    difference += (side === 0 ? weight : -weight) / total[side];
  }
  return distance;
}
