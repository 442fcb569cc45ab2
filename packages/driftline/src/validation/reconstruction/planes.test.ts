// Windows in the readout plane: where they lie, what is read of them, and several on one another.

import assert from "node:assert/strict";
import { test } from "node:test";
import { makeImage } from "../../family/testing.ts";
import { neighbourOf, overlay, planeOf, writeInputs } from "./planes.ts";
import type { Crossing } from "./tracks.ts";

const output = makeImage([
  { name: "pad", size: 8, coordinate: "pad_coordinate", first: -3 },
  { name: "time", size: 16, coordinate: "drift_length", first: -7 },
]);
const at: Crossing = { sector: 0, row: 40, side: 1, crossing: 0.1, dip: 0.3, pad: 71.3, drift: 150.6 };

test("the pad coordinate is moved by whole pads into the range of the input, and its window back", () => {
  const features = new Float32Array(6);
  for (const pad of [3.9, 34.25, 99.75]) {
    const placed = writeInputs(
      { ...at, pad },
      0.7,
      [0, 1, 2, 3, 4, 5],
      { low: 27, high: 42 },
      output,
      features,
      0,
    );
    assert.ok(features[3] >= 27 && features[3] <= 42);
    assert.ok(Math.abs((features[3] % 1) - (pad % 1)) < 1e-5);
    assert.deepEqual(placed, { firstPad: Math.trunc(pad) - 3, firstBin: 143 });
  }
  const expected = [(0.1 * 180) / Math.PI, (0.3 * 180) / Math.PI, 150.6, features[3], 40, 0.7];
  for (const [k, value] of expected.entries()) assert.ok(Math.abs(features[k] - value) < 1e-4);
});

test("pads beyond the row's end and amplitudes below the threshold are empty", () => {
  const response = new Float32Array(128).fill(5);
  response[20] = 0.5;
  response[21] = Number.NaN;
  // Row 0 has 40 pads: of pads 36 to 43 four are there.
  const { amplitudes } = planeOf(response, { firstPad: 36, firstBin: 0 }, 0, output, 1);
  assert.equal(amplitudes.filter((amplitude) => amplitude > 0).length, 4 * 16 - 2);
  assert.equal(response[20], 0.5, "the response itself stays");
});

test("responses of neighbours add up where they meet, cut at the saturation", () => {
  const plane = (firstPad: number, firstBin: number) => ({
    firstPad,
    firstBin,
    pads: 2,
    bins: 2,
    amplitudes: Float32Array.from([1, 2, 3, 700]),
  });
  const both = overlay([plane(10, 100), plane(11, 101), plane(11, 101)], 1000);
  assert.deepEqual([both.firstPad, both.firstBin, both.pads, both.bins], [10, 100, 3, 3]);
  assert.deepEqual([...both.amplitudes], [1, 2, 0, 3, 702, 4, 0, 6, 1000]);
});

test("a neighbour crosses the same row, or none beyond its ends", () => {
  assert.deepEqual(neighbourOf(at, 3, -5, 0.55), { ...at, pad: 74.3, drift: 145.6 });
  assert.equal(neighbourOf(at, 60, 0, 0.55), null);
  assert.equal(neighbourOf(at, 0, 200, 0.55), null);
});
