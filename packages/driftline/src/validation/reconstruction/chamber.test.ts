// The geometry against MpdRoot's table and against itself.

import assert from "node:assert/strict";
import { test } from "node:test";
import { chamber, padCount, padOf, rowCentreCm, rowCount, rowHeightCm, xOfPad } from "./chamber.ts";

test("rows have the pads of MpdRoot's table", () => {
  const counts = [0, 2, 10, 23, 26, 27, 31, 52].map(padCount);
  assert.deepEqual(counts, [40, 42, 52, 70, 74, 76, 82, 124]);
});

test("rows follow one another without a gap, from 40.7 to 119.9 cm", () => {
  assert.equal(rowCount, 53);
  let edge = 40.7;
  for (let row = 0; row < rowCount; row++) {
    assert.ok(Math.abs(rowCentreCm(row) - 0.5 * rowHeightCm(row) - edge) < 1e-9, `row ${row}`);
    edge += rowHeightCm(row);
  }
  assert.ok(Math.abs(edge - 119.9) < 1e-9);
});

test("rows end within their sector of 30 degrees, and an integer coordinate is the centre of a pad", () => {
  for (let row = 0; row < rowCount; row++) {
    const half = 0.5 * padCount(row) * chamber.padWidthCm;
    assert.ok(half <= (rowCentreCm(row) + 0.5 * rowHeightCm(row)) * Math.tan(Math.PI / 12), `row ${row}`);
    assert.equal(xOfPad(row, 0), -half + 0.25);
    assert.ok(Math.abs(padOf(row, xOfPad(row, 17.3)) - 17.3) < 1e-12);
  }
});
