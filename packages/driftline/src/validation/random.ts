// Random choices of validation, from the counter-based noise: rows to use, events to resample, ties to break.

import { streams, uniforms } from "@driftline/client/noise";

/** Purposes keep the numbers of different uses apart. */
export const purposes = { trainRows: 1, testRows: 2, bootstrap: 3, ties: 4 } as const;

/** `count` of the numbers 0 … `from` - 1, each at most once, in random order (Fisher-Yates). */
export function chooseRows(from: number, count: number, seed: number, purpose: number): Int32Array {
  const rows = Int32Array.from({ length: from }, (_, i) => i);
  const chosen = Math.min(count, from);
  const u = uniforms(seed, purpose, 0, chosen, streams.bootstrap);
  for (let i = 0; i < chosen; i++) {
    const j = i + Math.floor(u[i] * (from - i));
    [rows[i], rows[j]] = [rows[j], rows[i]];
  }
  return rows.slice(0, chosen);
}

/** How often each of `events` events is drawn in the bootstrap's resampling number `k`: counts that sum to `events`. */
export function resamplingCounts(events: number, seed: number, k: number): Float64Array {
  const counts = new Float64Array(events);
  for (const u of uniforms(seed, purposes.bootstrap, k, events, streams.bootstrap))
    counts[Math.floor(u * events)]++;
  return counts;
}
