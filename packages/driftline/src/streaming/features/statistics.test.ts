import assert from "node:assert/strict";
import { test } from "node:test";
import { normals, uniforms } from "@driftline/client/noise";
import type { Column } from "@driftline/rootio";
import { scaled, scaleOf } from "./scaling.ts";
import {
  addColumn,
  deviation,
  emptyStatistics,
  lengthQuantile,
  mergeStatistics,
  quantileOf,
} from "./statistics.ts";

const numbers = (values: ArrayLike<number>): Column => ({
  kind: "number",
  type: "float64",
  values: Float64Array.from(values),
});

/** Of very different sizes, both signs, with zeros. */
const sample = Float64Array.from(normals(3, 0, 0, 5000), (n, i) => (i % 97 === 0 ? 0 : n * 10 ** (i % 7)));

test("moments of parts, merged in any way, are those of the whole by two passes over all", () => {
  const whole = emptyStatistics();
  addColumn(whole, numbers(sample), true);
  const merged = emptyStatistics();
  for (const [from, to] of [
    [0, 1],
    [1, 1],
    [1, 4000],
    [4000, 5000],
  ]) {
    const part = emptyStatistics();
    addColumn(part, numbers(sample.subarray(from, to)), true);
    mergeStatistics(merged, part);
  }
  const mean = sample.reduce((sum, x) => sum + x, 0) / sample.length;
  const variance = sample.reduce((sum, x) => sum + (x - mean) ** 2, 0) / sample.length;
  for (const statistics of [whole, merged]) {
    assert.ok(Math.abs(statistics.mean - mean) < 1e-9 * Math.sqrt(variance));
    assert.ok(Math.abs(deviation(statistics) / Math.sqrt(variance) - 1) < 1e-12);
    assert.equal(statistics.min, Math.min(...sample));
    assert.equal(statistics.max, Math.max(...sample));
    assert.equal(statistics.rows, 5000);
  }
  assert.ok(Math.abs(whole.logMean - merged.logMean) < 1e-12);
  assert.deepEqual(whole.quantiles.total, merged.quantiles.total);
});

test("quantiles are within 1/128 of the exact ones, and the same however the values come", () => {
  const statistics = emptyStatistics();
  addColumn(statistics, numbers(sample), false);
  const backwards = emptyStatistics();
  for (let i = sample.length - 1; i >= 0; i--) addColumn(backwards, numbers([sample[i]]), false);
  const sorted = sample.toSorted();
  for (const q of [0, 0.001, 0.1, 0.25, 0.5, 0.75, 0.9, 0.999, 1]) {
    const exact = sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(q * sorted.length) - 1))];
    const found = quantileOf(statistics, q);
    assert.ok(Math.abs(found - exact) <= Math.abs(exact) / 128 + 1e-12, `${q}: ${found} for ${exact}`);
    assert.equal(quantileOf(backwards, q), found);
  }
});

test("NaN and infinities are counted as missing and are in nothing else", () => {
  const statistics = emptyStatistics();
  addColumn(
    statistics,
    numbers([1, Number.NaN, 3, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]),
    true,
  );
  assert.deepEqual(
    [statistics.values, statistics.missing, statistics.mean, statistics.min, statistics.max],
    [2, 3, 2, 1, 3],
  );
  assert.ok(Number.isNaN(quantileOf(emptyStatistics(), 0.5)));
});

test("of lists the lengths are counted, of a slice of a longer content only what is in it", () => {
  const content = numbers([9, 1, 2, 3, 9]) as Column & { kind: "number" };
  const column: Column = { kind: "list", offsets: Int32Array.from([1, 1, 3, 4]), content };
  const statistics = emptyStatistics();
  addColumn(statistics, column, false);
  assert.deepEqual(statistics.lengths, [1, 1, 1]);
  assert.deepEqual([statistics.values, statistics.max], [3, 3]);
  assert.equal(lengthQuantile([90, 9, 1], 0.99), 1);
  assert.equal(lengthQuantile([90, 9, 1], 1), 2);
  assert.equal(lengthQuantile([], 0.5), 0);
});

test("each scale does what it says; what is constant becomes 0", () => {
  const values = Float64Array.from(uniforms(5, 0, 0, 4001), (u) => 10 + 5 * u);
  const statistics = emptyStatistics();
  addColumn(statistics, numbers(values), true);
  const of = (kind: Parameters<typeof scaleOf>[0]) => {
    const scale = scaleOf(kind, statistics);
    return Array.from(values, (x) => scaled(scale, x));
  };
  const ends = of("min-max");
  assert.deepEqual([Math.min(...ends), Math.max(...ends)], [0, 1]);
  for (const kind of ["standard", "log"] as const) {
    const mean = of(kind).reduce((sum, x) => sum + x, 0) / values.length;
    const variance = of(kind).reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length;
    assert.ok(Math.abs(mean) < 1e-9 && Math.abs(variance - 1) < 1e-9, `${kind}: ${mean}, ${variance}`);
  }
  const robust = of("robust").toSorted((a, b) => a - b);
  assert.ok(Math.abs(robust[2000]) < 0.03);
  assert.ok(Math.abs(robust[3000] - robust[1000] - 1) < 0.05);
  assert.deepEqual(of("none"), [...values]);
  const constant = emptyStatistics();
  addColumn(constant, numbers([4, 4, 4]), true);
  for (const kind of ["min-max", "standard", "robust", "log"] as const)
    assert.equal(scaled(scaleOf(kind, constant), 4), 0);
});
