import assert from "node:assert/strict";
import { test } from "node:test";
import { blocksOf, groupBlocks, rowOrder, shuffleBlocks } from "./blocks.ts";

test("every entry is in exactly one block, whatever the boundaries", () => {
  for (const [entries, boundaries] of [
    [10, [0]],
    [200_000, [0, 50_000, 100_000, 150_000]],
    [10_000, [0, 100, 200, 5000, 9999]],
    [70_000, null],
    [500_000, [0]],
    [5, [0, 5]],
  ] as const) {
    const blocks = blocksOf(0, 0, entries, boundaries && [...boundaries]);
    let at = 0;
    for (const { start, stop } of blocks) {
      assert.equal(start, at);
      assert.ok(stop > start);
      at = stop;
    }
    assert.equal(at, entries);
    // Text is read from its beginning: it must stay in one piece.
    if (boundaries === null) assert.equal(blocks.length, 1);
  }
  assert.equal(blocksOf(0, 0, 500_000, [0]).length, 8);
  assert.deepEqual(blocksOf(0, 0, 0, [0]), []);
});

test("the shuffled order holds every block once, depends on the seed alone, and mixes sources in proportion", () => {
  const blocks = [0, 1].flatMap((source) =>
    Array.from({ length: source === 0 ? 30 : 90 }, (_, i) => ({ source, file: 0, start: i, stop: i + 1 })),
  );
  const order = shuffleBlocks(blocks, 7);
  assert.deepEqual(new Set(order), new Set(blocks));
  assert.deepEqual(order, shuffleBlocks(blocks, 7));
  assert.notDeepEqual(order, shuffleBlocks(blocks, 8));
  for (let from = 0; from < 120; from += 20) {
    const first = order.slice(from, from + 20).filter(({ source }) => source === 0).length;
    assert.ok(first >= 4 && first <= 6, `${first} of 20`);
  }
});

test("the slices of a group's pieces cover its blocks", () => {
  const blocks = [0, 1, 2].map((file) => ({ source: 0, file, start: 0, stop: 1000 * (file + 1) }));
  const groups = groupBlocks(blocks, 2, 700);
  assert.deepEqual(
    groups.map(({ pieces, slices, firstPiece }) => ({ pieces, slices, firstPiece })),
    [
      { pieces: 4, slices: [250, 500], firstPiece: 0 },
      { pieces: 4, slices: [750], firstPiece: 4 },
    ],
  );
});

test("a row order holds each row once, and another one for another piece or epoch", () => {
  const order = rowOrder(1000, 1, 0, 0);
  assert.deepEqual(
    order.toSorted(),
    Int32Array.from({ length: 1000 }, (_, i) => i),
  );
  assert.notDeepEqual(order, rowOrder(1000, 1, 1, 0));
  assert.notDeepEqual(order, rowOrder(1000, 1, 0, 1));
  assert.deepEqual(rowOrder(0, 1, 0, 0), new Int32Array(0));
});
