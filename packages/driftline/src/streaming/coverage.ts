// The range of each input that rows cover.

import type { ResponseBatch } from "../family/responses.ts";

export type Coverage = Record<string, { low: number; high: number }>;

/** Lowest and highest value of each input, in its unit; low is Infinity and high -Infinity where there are no rows. */
export function coverage(batch: ResponseBatch, inputs: { name: string }[]): Coverage {
  return Object.fromEntries(
    inputs.map(({ name }, column) => {
      let low = Number.POSITIVE_INFINITY;
      let high = Number.NEGATIVE_INFINITY;
      for (let i = column; i < batch.rows * inputs.length; i += inputs.length) {
        low = Math.min(low, batch.features[i]);
        high = Math.max(high, batch.features[i]);
      }
      return [name, { low, high }];
    }),
  );
}

/** The range that both cover together. */
export function mergeCoverage(a: Coverage, b: Coverage): Coverage {
  return Object.fromEntries(
    Object.keys(a).map((name) => [
      name,
      { low: Math.min(a[name].low, b[name].low), high: Math.max(a[name].high, b[name].high) },
    ]),
  );
}
