import assert from "node:assert/strict";
import { test } from "node:test";
import type { Column } from "@driftline/rootio";
import { type EncodedFeature, emptyMatrix, encode } from "./encode.ts";

const none = { kind: "none", offset: 0, divisor: 1 } as const;
const flat: Column = { kind: "number", type: "float32", values: Float32Array.from([1, Number.NaN, 3]) };
const lists: Column = {
  kind: "list",
  offsets: Int32Array.from([0, 0, 1, 4]),
  content: {
    kind: "number",
    type: "float32",
    values: Float32Array.from([5, 6, Number.POSITIVE_INFINITY, 8]),
  },
};

test("lists are padded and cut off, and the mask is 1 where there is a finite value alone", () => {
  const features: EncodedFeature[] = [
    { name: "x", first: 0, width: 1, list: false, scale: none },
    { name: "l", first: 1, width: 2, list: true, scale: none },
  ];
  const matrix = emptyMatrix(4, 3);
  encode(features, [flat, lists], 3, matrix, 1, true);
  assert.deepEqual([...matrix.values], [0, 0, 0, 1, 0, 0, 0, 5, 0, 3, 6, 0]);
  assert.deepEqual([...matrix.mask], [0, 0, 0, 1, 0, 0, 0, 1, 0, 1, 1, 0]);
});

test("scaling is done in float64 and rounded once; without it values are stored as they are", () => {
  const scale = { kind: "min-max", offset: 0.1, divisor: 0.7 } as const;
  const feature: EncodedFeature = { name: "x", first: 0, width: 1, list: false, scale };
  const values = Float32Array.from({ length: 1000 }, (_, i) => Math.sin(i));
  const column: Column = { kind: "number", type: "float32", values };
  const matrix = emptyMatrix(1000, 1);
  encode([feature], [column], 1000, matrix, 0, true);
  assert.deepEqual(
    matrix.values,
    values.map((x) => Math.fround((x - 0.1) / 0.7)),
  );
  const raw = emptyMatrix(1000, 1);
  encode([feature], [column], 1000, raw, 0, false);
  assert.deepEqual(raw.values, values);
});

test("rows beyond one tile are the same as one by one", () => {
  const rows = 3000;
  const features: EncodedFeature[] = Array.from({ length: 60 }, (_, i) => ({
    name: `l${i}`,
    first: 3 * i,
    width: 3,
    list: true,
    scale: { kind: "standard", offset: i, divisor: 2 },
  }));
  const offsets = Int32Array.from({ length: rows + 1 }, (_, i) => Math.floor((i * i) / 900) % 5);
  for (let i = 1; i <= rows; i++) offsets[i] += offsets[i - 1];
  const content = Float32Array.from({ length: offsets[rows] }, (_, i) => Math.cos(i));
  const column: Column = {
    kind: "list",
    offsets,
    content: { kind: "number", type: "float32", values: content },
  };
  const matrix = emptyMatrix(rows, 180);
  encode(features, Array(60).fill(column), rows, matrix, 0, true);
  for (const row of [0, 1, 145, 146, 1777, rows - 1])
    for (const [i, { first }] of features.entries())
      for (let k = 0; k < 3; k++) {
        const at = offsets[row] + k;
        const there = at < offsets[row + 1];
        assert.equal(matrix.mask[row * 180 + first + k], there ? 1 : 0);
        assert.equal(matrix.values[row * 180 + first + k], there ? Math.fround((content[at] - i) / 2) : 0);
      }
});
