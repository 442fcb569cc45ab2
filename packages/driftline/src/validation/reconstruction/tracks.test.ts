// Crossings of helices with pad rows against a step-by-step integration of the motion.

import assert from "node:assert/strict";
import { test } from "node:test";
import { chamber, padCount, rowCentreCm, sectorAngle, xOfPad } from "./chamber.ts";
import { type Crossing, crossingsOf, curvatureOf, drawTrack, type Track, turn } from "./tracks.ts";

const conditions = { fieldTesla: 0.5, cmPerBin: 0.55 };
const ranges = { pt: { low: 0.2, high: 2 }, dip: { low: -45, high: 45 } };
const step = 0.01;

/** Where a track passes the row of a crossing, in its sector's frame: followed in steps of 0.1 mm by the midpoint rule. */
function followed(track: Track, at: Crossing): { x: number; z: number; direction: number } {
  const curvature = curvatureOf(track.pt, conditions.fieldTesla);
  let [x, y, z] = track.vertex;
  let direction = track.azimuth;
  for (;;) {
    const middle = direction + 0.5 * step * curvature;
    const [nextX, nextY] = [x + step * Math.sin(middle), y + step * Math.cos(middle)];
    const before = turn(x, y, at.sector * sectorAngle);
    const after = turn(nextX, nextY, at.sector * sectorAngle);
    const line = rowCentreCm(at.row);
    if (after[1] >= line) {
      const part = (line - before[1]) / (after[1] - before[1]);
      return {
        x: before[0] + part * (after[0] - before[0]),
        z: z + part * step * Math.tan(track.dip),
        direction: direction + part * step * curvature - at.sector * sectorAngle,
      };
    }
    [x, y, z] = [nextX, nextY, z + step * Math.tan(track.dip)];
    direction += step * curvature;
  }
}

test("the inputs of every row are those of a numerical integration", () => {
  let [compared, changed] = [0, 0];
  for (let event = 0; event < 60; event++) {
    const track = drawTrack(3, event, ranges);
    const crossings = crossingsOf(track, conditions);
    if (new Set(crossings.map(({ sector }) => sector)).size > 1) changed++;
    for (const at of crossings.filter((_, k) => k % 7 === 0)) {
      const { x, z, direction } = followed(track, at);
      assert.ok(Math.abs(xOfPad(at.row, at.pad) - x) < 1e-5, `track ${event}, row ${at.row}: x`);
      assert.ok(Math.abs(Math.sin(at.crossing - direction)) < 1e-6, `track ${event}, row ${at.row}: angle`);
      assert.ok(Math.abs(at.drift * conditions.cmPerBin - (chamber.driftCm - Math.abs(z))) < 1e-5);
      assert.equal(at.side, Math.sign(z));
      assert.ok(Math.abs(at.dip - Math.sign(z) * track.dip) < 1e-12);
      compared++;
    }
  }
  assert.ok(compared > 200 && changed >= 5, `${compared} compared, ${changed} tracks change the sector`);
});

test("rows that a track misses are left out: beyond the end plate, between sectors, where it turns back", () => {
  const track: Track = { pt: 1, azimuth: 0, dip: 0.3, vertex: [0, 0, 0] };
  assert.equal(crossingsOf(track, conditions).length, 53);
  // The end plate is passed at a path of 79 cm.
  const steep = crossingsOf({ ...track, dip: Math.atan(chamber.driftCm / 79) }, conditions);
  assert.ok(steep.length > 0 && steep.every(({ row }) => rowCentreCm(row) < 79));
  const between = crossingsOf({ ...track, pt: 1e6, azimuth: sectorAngle / 2 }, conditions);
  assert.deepEqual(between, []);
  // A circle of radius 0.25 m reaches 0.5 m.
  const curling = crossingsOf({ ...track, pt: 0.25 * 0.299792458 * 0.5 }, conditions);
  assert.ok(curling.every(({ row }) => rowCentreCm(row) < 50));
  for (const { row, pad } of [...steep, ...curling]) assert.ok(pad >= 2 && pad <= padCount(row) - 3);
});

test("without a field tracks are straight, and all directions of a track are alike", () => {
  const track: Track = { pt: 1, azimuth: 0.1, dip: 0, vertex: [0, 0, 30] };
  for (const at of crossingsOf(track, { ...conditions, fieldTesla: 0 })) {
    assert.ok(Math.abs(at.crossing - 0.1) < 1e-12);
    assert.ok(Math.abs(xOfPad(at.row, at.pad) - rowCentreCm(at.row) * Math.tan(0.1)) < 1e-9);
  }
  const turned = crossingsOf({ ...track, azimuth: 0.1 + 5 * sectorAngle }, conditions);
  const original = crossingsOf(track, conditions);
  assert.equal(turned.length, original.length);
  for (const [k, at] of turned.entries()) {
    assert.equal(at.sector, original[k].sector + 5);
    assert.ok(Math.abs(at.pad - original[k].pad) < 1e-9);
  }
});
