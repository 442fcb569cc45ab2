// Width and mean of the central 90 %, against Gaussians and against repeated values.

import assert from "node:assert/strict";
import { test } from "node:test";
import { normals } from "@driftline/client/noise";
import { normalQuantile, spreadOf } from "./spread.ts";

test("the width is σ of a Gaussian, with a relative error of 0.80/√n", () => {
  const [n, trials] = [2000, 400];
  const widths = Array.from({ length: trials }, (_, k) => {
    const { width, mean } = spreadOf(Float64Array.from(normals(5, k, 0, n), (v) => 3 + 2 * v).sort());
    assert.ok(Math.abs(mean - 3) < 0.25);
    return width / 2;
  });
  const mean = widths.reduce((sum, w) => sum + w, 0) / trials;
  const error = Math.sqrt(widths.reduce((sum, w) => sum + (w - mean) ** 2, 0) / trials) * Math.sqrt(n);
  // The mean is known to 0.80/√(800,000) = 0.0009, the error to 1/√800 = 3.5 %: 4.5 times these.
  assert.ok(Math.abs(mean - 1) < 0.004, `mean ${mean}`);
  assert.ok(Math.abs(error - 0.8) < 0.13, `error ${error}`);
});

test("outliers of 2 % do not widen it by more than 4 %", () => {
  const values = Float64Array.from(normals(6, 0, 0, 10_000), (v, i) => (i % 50 === 0 ? 1000 : 1) * v).sort();
  assert.ok(Math.abs(spreadOf(values).width - 1) < 0.04);
});

test("counting a value twice is the same as having it twice", () => {
  const values = Float64Array.from([1, 2, 4, 5, 7, 9, 12, 13]);
  const counts = Float64Array.from([0, 3, 1, 2]);
  const of = Int32Array.from([0, 1, 2, 3, 3, 2, 1, 0]);
  const repeated = [...values].flatMap((value, i) => Array<number>(counts[of[i]]).fill(value));
  const [weighted, plain] = [spreadOf(values, of, counts), spreadOf(Float64Array.from(repeated))];
  assert.ok(Math.abs(weighted.width - plain.width) < 1e-12);
  assert.ok(Math.abs(weighted.mean - plain.mean) < 1e-12);
});

test("quantiles of the normal distribution", () => {
  for (const [p, z] of [
    [0.975, 1.95996],
    [0.5, 0],
    [0.9995, 3.29053],
    [0.025, -1.95996],
  ]) {
    assert.ok(Math.abs(normalQuantile(p) - z) < 5e-4, `${p}`);
  }
});
