// Nearest neighbours by exhaustive search: the memorisation test, and the generator that is the baseline.

import { breathe } from "./breathe.ts";

/** Points as rows of `width` numbers. */
export interface Points {
  rows: number;
  width: number;
  values: Float32Array;
}

/** Coordinates summed between looks at whether the point can still be the nearest. */
const stride = 16;

export interface Nearest {
  /** Row of the nearest reference point. */
  rows: Int32Array;
  /** Euclidean distance to it. */
  distances: Float64Array;
}

/**
 * The nearest reference point of queries `from` to `to`, exact: a candidate is dropped as soon as the coordinates
 * summed so far are further than the best. `exclude[q]` is a reference row that does not count for query q (-1: none).
 * Put the coordinates that vary most first: that is what makes it quick.
 */
export function nearest(
  queries: Points,
  reference: Points,
  from = 0,
  to = queries.rows,
  exclude?: Int32Array,
): Nearest {
  const { width } = queries;
  const r = reference.values;
  const found: Nearest = { rows: new Int32Array(to - from), distances: new Float64Array(to - from) };
  const query = new Float32Array(width);
  for (let q = from; q < to; q++) {
    query.set(queries.values.subarray(q * width, (q + 1) * width));
    const excluded = exclude ? exclude[q] : -1;
    let best = Infinity;
    let bestRow = -1;
    for (let row = 0, at = 0; row < reference.rows; row++, at += width) {
      let sum = 0;
      for (let k = 0; k < width && sum < best; ) {
        const end = Math.min(width, k + stride);
        for (; k < end; k++) {
          const d = query[k] - r[at + k];
          sum += d * d;
        }
      }
      if (sum < best && row !== excluded) {
        best = sum;
        bestRow = row;
      }
    }
    found.rows[q - from] = bestRow;
    found.distances[q - from] = Math.sqrt(best);
  }
  return found;
}

/** `nearest` in blocks that leave the event loop free between them; stops when `signal` is aborted. */
export async function nearestInBlocks(
  queries: Points,
  reference: Points,
  options: { exclude?: Int32Array; signal?: AbortSignal; block?: number } = {},
): Promise<Nearest> {
  const block = options.block ?? 64;
  const found: Nearest = { rows: new Int32Array(queries.rows), distances: new Float64Array(queries.rows) };
  for (let from = 0; from < queries.rows; from += block) {
    const to = Math.min(queries.rows, from + block);
    const part = nearest(queries, reference, from, to, options.exclude);
    found.rows.set(part.rows, from);
    found.distances.set(part.distances, from);
    await breathe(options.signal);
  }
  return found;
}

/** Median of values (mean of the middle two), weighted by how often each counts where `counts` is given. */
export function median(values: Float64Array, counts?: Float64Array): number {
  const sorted = counts ? expand(values, counts).sort() : values.slice().sort();
  const middle = sorted.length / 2;
  return sorted.length % 2 === 1 ? sorted[Math.floor(middle)] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function expand(values: Float64Array, counts: Float64Array): Float64Array {
  const out: number[] = [];
  for (let i = 0; i < values.length; i++) for (let k = 0; k < counts[i]; k++) out.push(values[i]);
  return Float64Array.from(out);
}
