// What the gate on ratios decides, by hand calculation.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { ReconstructionFigure } from "./figures.ts";
import { judgeRatios, outside, ratioInterval, simultaneous } from "./verdict.ts";

const limits = {
  resolution: { minimum: 0.95, maximum: 1.05 },
  dedx: { minimum: 0.8, maximum: 1.2 },
  hit: { minimum: 0.85, maximum: 1.15 },
  cluster: { minimum: 0.97, maximum: 1.03 },
};
function figure(change: Partial<ReconstructionFigure>): ReconstructionFigure {
  const spread = { width: 1, mean: 0 };
  return {
    quantity: "dca_xy",
    statistic: "resolution",
    label: "DCA in x–y",
    unit: "mm",
    by: "pT",
    bin: "pT 1 to 2 GeV/c",
    low: 1,
    high: 2,
    count: 500,
    tracks: 500,
    simulator: spread,
    model: spread,
    ratio: 1,
    error: 0.02,
    floor: 1,
    shift: 0,
    shiftError: 0.05,
    ...change,
  };
}

test("intervals hold for all figures at once", () => {
  // One figure: 1.96; fifty: a tail of 0.05/100 on each side, 3.29.
  assert.ok(Math.abs(simultaneous(1) - 1.96) < 1e-3);
  assert.ok(Math.abs(simultaneous(50) - 3.2905) < 1e-3);
  const [low, high] = ratioInterval(figure({ ratio: 1.1, error: 0.1 }), 2);
  assert.ok(Math.abs(low - 1.1 * Math.exp(-0.2)) < 1e-12 && Math.abs(high - 1.1 * Math.exp(0.2)) < 1e-12);
});

test("a bin fails when its whole interval is outside, on either side; the worst bin speaks for the quantity", () => {
  // Two figures: z = 2.2414; 1.12 · exp(−2.2414 · 0.02) = 1.071, and of error 0.04 1.024.
  const wide = figure({ ratio: 1.12, error: 0.04, bin: "wide" });
  const narrow = figure({ ratio: 1.12, error: 0.02, bin: "narrow" });
  const low = figure({ ratio: 0.88, error: 0.02, bin: "low" });
  const [failed] = judgeRatios([wide, narrow], limits);
  assert.deepEqual([failed.passed, failed.at, failed.value], [false, "narrow", 1.12]);
  assert.equal(judgeRatios([wide, figure({})], limits)[0].passed, true);
  assert.equal(judgeRatios([low, figure({})], limits)[0].passed, false);
  const both = judgeRatios([wide, figure({ quantity: "dca_z", ratio: 1.2 })], limits);
  assert.deepEqual(
    both.map(({ metric, passed }) => [metric, passed]),
    [
      ["ratio_dca_xy", true],
      ["ratio_dca_z", false],
    ],
  );
  assert.deepEqual(
    outside([wide, narrow, low, figure({})], limits).map(({ bin }) => bin),
    ["wide", "narrow", "low"],
  );
});

test("energy loss, hits and means of clusters have limits of their own", () => {
  const wide = figure({ quantity: "pad_width", statistic: "mean", ratio: 1.04, error: 0.001 });
  const [result] = judgeRatios([wide], limits);
  assert.deepEqual([result.passed, result.minimum, result.maximum], [false, 0.97, 1.03]);
  assert.equal(judgeRatios([figure({ quantity: "dedx", ratio: 1.19 })], limits)[0].maximum, 1.2);
  const hit = figure({ quantity: "hit_pad", ratio: 1.1, error: 0.001 });
  assert.equal(judgeRatios([hit], limits)[0].passed, true);
  assert.equal(judgeRatios([{ ...hit, ratio: 1.2 }], limits)[0].passed, false);
});

test("bins with fewer than 200 tracks are not gated", () => {
  assert.deepEqual(judgeRatios([figure({ ratio: 2, tracks: 199 })], limits), []);
  assert.equal(judgeRatios([figure({ ratio: 2, tracks: 200 })], limits)[0].passed, false);
});
