// Peaks and charge sharing on planes of known Gaussians.

import assert from "node:assert/strict";
import { test } from "node:test";
import { findClusters, type Plane } from "./clusters.ts";

/** Charge of Gaussians with the widths of real clusters, integrated over pads, sampled in time; cut at 1. */
function planeOf(...blobs: { pad: number; bin: number; height: number }[]): Plane {
  const [pads, bins] = [20, 32];
  const amplitudes = new Float32Array(pads * bins);
  for (let i = 0; i < pads; i++) {
    for (let j = 0; j < bins; j++) {
      let sum = 0;
      for (const { pad, bin, height } of blobs) {
        sum += height * Math.exp(-0.5 * (((i - pad) / 0.55) ** 2 + ((j - bin) / 1.15) ** 2));
      }
      amplitudes[i * bins + j] = sum < 1 ? 0 : sum;
    }
  }
  return { firstPad: 30, firstBin: 100, pads, bins, amplitudes };
}

test("a cluster's centroid is unbiased on average, and nowhere off by more than 0.03 pads", () => {
  let [sum, n] = [0, 0];
  for (let pad = 9; pad < 10; pad += 0.05) {
    const [cluster, ...others] = findClusters(planeOf({ pad, bin: 15.3, height: 80 }));
    assert.equal(others.length, 0);
    assert.ok(Math.abs(cluster.pad - 30 - pad) < 0.03, `${pad}: ${cluster.pad - 30}`);
    assert.ok(Math.abs(cluster.bin - 115.3) < 0.03);
    sum += cluster.pad - 30 - pad;
    n++;
  }
  assert.ok(Math.abs(sum / n) < 2e-3);
});

test("two tracks a few pads or bins apart are two clusters, closer than that one", () => {
  const pair = (pads: number, bins: number) =>
    findClusters(
      planeOf({ pad: 8, bin: 14, height: 80 }, { pad: 8 + pads, bin: 14 + bins, height: 60 }),
    ).sort((a, b) => a.pad - b.pad || a.bin - b.bin);
  for (const [pads, bins] of [
    [2, 0],
    [3, 2],
    [0, 4],
    [6, 0],
  ]) {
    const found = pair(pads, bins);
    assert.equal(found.length, 2, `${pads} pads, ${bins} bins apart`);
    const [first, second] = found;
    assert.ok(Math.hypot(first.pad - 38, first.bin - 114) < 0.12, `first of ${pads}, ${bins}`);
    assert.ok(
      Math.hypot(second.pad - 38 - pads, second.bin - 114 - bins) < 0.15,
      `second of ${pads}, ${bins}`,
    );
    assert.ok(Math.abs(second.charge / first.charge - 0.75) < 0.05);
  }
  assert.equal(pair(1, 0).length, 1);
  assert.equal(pair(0, 2).length, 1);
});

test("all charge is given away, whatever the plane", () => {
  const plane = planeOf(
    { pad: 5, bin: 8, height: 50 },
    { pad: 8, bin: 12, height: 90 },
    { pad: 12, bin: 20, height: 10 },
    { pad: 12.5, bin: 9, height: 300 },
  );
  const charge = plane.amplitudes.reduce((sum, amplitude) => sum + amplitude, 0);
  const clusters = findClusters(plane);
  assert.ok(Math.abs(clusters.reduce((sum, cluster) => sum + cluster.charge, 0) / charge - 1) < 1e-6);
  assert.equal(clusters.length, 4);
});

test("a saturated plateau is one cluster, an empty plane none", () => {
  const plane = planeOf({ pad: 9.5, bin: 15, height: 3000 });
  plane.amplitudes.forEach((amplitude, i) => {
    plane.amplitudes[i] = Math.min(1023, amplitude);
  });
  assert.equal(findClusters(plane).length, 1);
  assert.deepEqual(findClusters({ ...plane, amplitudes: new Float32Array(20 * 32) }), []);
});
