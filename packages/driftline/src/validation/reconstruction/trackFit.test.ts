// Tracks fitted to hits where they belong, and to hits with errors of known size. Seeds are fixed.

import assert from "node:assert/strict";
import { test } from "node:test";
import { normals } from "@driftline/client/noise";
import { chamber } from "./chamber.ts";
import type { Cluster } from "./clusters.ts";
import { type FitConditions, fitTrack, hitErrors } from "./trackFit.ts";
import { type Crossing, crossingsOf, drawTrack, type Track } from "./tracks.ts";

const conditions: FitConditions = {
  fieldTesla: 0.5,
  cmPerBin: 0.55,
  transverseDiffusion: 185e-4,
  longitudinalDiffusion: 320e-4,
};
const ranges = { pt: { low: 0.2, high: 2 }, dip: { low: -45, high: 45 } };

function clusterAt(at: Crossing, dx = 0, dz = 0, charge = 1): Cluster {
  const pad = at.pad + dx / chamber.padWidthCm;
  return { pad, bin: at.drift + dz / conditions.cmPerBin, padWidth: 0, binWidth: 0, charge };
}

test("hits without errors give back the track", () => {
  let compared = 0;
  for (let event = 0; event < 200; event++) {
    const track = drawTrack(4, event, ranges);
    const crossings = crossingsOf(track, conditions);
    if (crossings.length < 15) continue;
    const clusters = crossings.map((at) => clusterAt(at));
    const fitted = fitTrack(crossings, clusters, track.vertex, conditions)!;
    assert.ok(Math.abs(fitted.dcaXy) < 1e-8, `track ${event}: ${fitted.dcaXy}`);
    assert.ok(Math.abs(fitted.dcaZ) < 1e-8);
    assert.ok(Math.abs(fitted.pt / track.pt - 1) < 1e-9);
    assert.ok(Math.abs(Math.sin(fitted.azimuth - track.azimuth)) < 1e-9);
    assert.ok(Math.abs(fitted.dip - track.dip) < 1e-9);
    compared++;
  }
  assert.ok(compared > 100);
});

test("a vertex beside the track is at its distance, on either side, in x–y and in z", () => {
  const track: Track = { pt: 0.8, azimuth: 0.4, dip: 0.5, vertex: [0, 0, 12] };
  const crossings = crossingsOf(track, conditions);
  const clusters = crossings.map((at) => clusterAt(at));
  for (const d of [0.3, -0.3]) {
    // Across the direction (sin 0.4, cos 0.4) of the track.
    const vertex: Track["vertex"] = [d * Math.cos(0.4), -d * Math.sin(0.4), 11.5];
    const fitted = fitTrack(crossings, clusters, vertex, conditions)!;
    assert.ok(Math.abs(Math.abs(fitted.dcaXy) - 0.3) < 1e-4, `${fitted.dcaXy}`);
    assert.ok(Math.abs(fitted.dcaZ - 0.5) < 2e-3, `${fitted.dcaZ}`);
  }
});

// The error of a weighted fit is known from its weights: for the line, 1/σ² = Σw − (Σws)²/Σws² at the path s = 0. 3,000
// fits know the spread to 1.3 %; 6 % is 4.5 of that.
test("the error of the DCA in z is that of the weighted line", () => {
  const track: Track = { pt: 1.5, azimuth: 0.05, dip: 0.4, vertex: [0, 0, 5] };
  const crossings = crossingsOf(track, conditions);
  const errors = crossings.map((at) => hitErrors(at, conditions).drift);
  let [w, ws, wss] = [0, 0, 0];
  const curvature = (0.00299792458 * 0.5) / 1.5;
  for (const [k, at] of crossings.entries()) {
    // The direction has turned by curvature · path since the vertex.
    const path = (at.crossing - track.azimuth) / curvature;
    const weight = 1 / errors[k] ** 2;
    w += weight;
    ws += weight * path;
    wss += weight * path * path;
  }
  const expected = 1 / Math.sqrt(w - (ws * ws) / wss);
  let squares = 0;
  for (let trial = 0; trial < 3000; trial++) {
    const noise = normals(8, trial, 0, crossings.length);
    const clusters = crossings.map((at, k) => clusterAt(at, 0, errors[k] * noise[k]));
    squares += fitTrack(crossings, clusters, track.vertex, conditions)!.dcaZ ** 2;
  }
  const spread = Math.sqrt(squares / 3000);
  assert.ok(Math.abs(spread / expected - 1) < 0.06, `${spread} for ${expected}`);
});

test("the energy loss is the mean of the lowest 70 % of charge per path", () => {
  const track: Track = { pt: 1e6, azimuth: 0, dip: 0.5, vertex: [0, 0, 30] };
  const crossings = crossingsOf(track, conditions).slice(0, 20);
  // Rows of 12 mm, path 1.2/cos 0.5; charges 1 to 20 of which 1 to 14 count: their mean is 7.5.
  const clusters = crossings.map((at, k) => clusterAt(at, 0, 0, ((7 * k) % 20) + 1));
  const { dedx } = fitTrack(crossings, clusters, track.vertex, conditions)!;
  assert.ok(Math.abs(dedx - (7.5 * Math.cos(0.5)) / 1.2) < 1e-6, `${dedx}`);
});

test("rows without a cluster are skipped, and too few hits are no track", () => {
  const track: Track = { pt: 1, azimuth: 0, dip: 0.2, vertex: [0, 0, 0] };
  const crossings = crossingsOf(track, conditions);
  const some = (n: number) => crossings.map((at, k) => (k < n ? clusterAt(at) : null));
  assert.equal(fitTrack(crossings, some(12), track.vertex, conditions)?.hits, 12);
  assert.equal(fitTrack(crossings, some(9), track.vertex, conditions), null);
});
