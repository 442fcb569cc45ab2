// Every column encoding against values worked out by hand from the specification.

import assert from "node:assert/strict";
import { test } from "node:test";
import { contentOf, decodePage, pageBytes } from "./encodings.ts";

const decode = (type: number, bits: number, elements: number, bytes: number[], range: Range | null = null) =>
  Array.from(
    decodePage(Uint8Array.from(bytes), elements, { type, bits, range }) as ArrayLike<number | bigint>,
  );
type Range = { min: number; max: number };

test("bits, integers and floats", () => {
  assert.deepEqual(decode(0x00, 1, 10, [0b10110001, 0b10]), [1, 0, 0, 0, 1, 1, 0, 1, 0, 1]);
  assert.deepEqual(decode(0x03, 8, 2, [0xff, 5]), [-1, 5]);
  assert.deepEqual(decode(0x07, 32, 1, [0xfe, 0xff, 0xff, 0xff]), [-2]);
  assert.deepEqual(decode(0x0a, 64, 1, [1, 0, 0, 0, 0, 0, 0, 0x80]), [2n ** 63n + 1n]);
  // Half precision: 1.5, the smallest subnormal, minus infinity.
  assert.deepEqual(decode(0x0b, 16, 3, [0x00, 0x3e, 0x01, 0x00, 0x00, 0xfc]), [1.5, 2 ** -24, -Infinity]);
});

test("split, zigzag and delta", () => {
  // 0x0201, 0x0403: first bytes 01 03, second bytes 02 04.
  assert.deepEqual(decode(0x12, 16, 2, [1, 3, 2, 4]), [0x0201, 0x0403]);
  // Zigzag 3 is -2, 4 is 2.
  assert.deepEqual(decode(0x11, 16, 2, [3, 4, 0, 0]), [-2, 2]);
  assert.deepEqual(decode(0x13, 32, 2, [3, 4, 0, 0, 0, 0, 0, 0]), [-2, 2]);
  // Zigzag 2^33 + 1 is -(2^32 + 1): bytes 01 00 00 00 02 00 00 00.
  assert.deepEqual(decode(0x15, 64, 1, [1, 0, 0, 0, 2, 0, 0, 0]), [-(2n ** 32n) - 1n]);
  assert.deepEqual(decode(0x1a, 32, 3, [2, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0]), [2, 2, 5]);
  assert.deepEqual(decode(0x1b, 64, 2, [2, 3, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]), [
    2 + 2 ** 32,
    5 + 2 ** 32,
  ]);
  // 1.0f is 3f800000, -2.0f is c0000000.
  assert.deepEqual(decode(0x18, 32, 2, [0, 0, 0, 0, 0x80, 0, 0x3f, 0xc0]), [1, -2]);
});

test("truncated and quantised floats of any width", () => {
  // Twelve bits of 1.0 are 3f8, of -2.0 c00: 0xc003f8 from the least significant bit.
  assert.deepEqual(decode(0x1c, 12, 2, [0xf8, 0x03, 0xc0]), [1, -2]);
  // 31 bits of 1.0, 3f800000 >> 1, then of -1.0, bf800000 >> 1: the second begins in the last bit of the first word.
  assert.deepEqual(decode(0x1c, 31, 2, [0, 0, 0xc0, 0x1f, 0, 0, 0xe0, 0x2f]), [1, -1]);
  // Steps of (10 - 0) / 7: 0, 7 and 3.
  assert.deepEqual(decode(0x1d, 3, 3, [0b11111000, 0], { min: 0, max: 10 }), [0, 10, 3 * (10 / 7)]);
  assert.deepEqual(decode(0x1d, 32, 1, [255, 255, 255, 255], { min: -1, max: 1 }), [1]);
});

test("types and widths that version 1.0 does not have are known as such", () => {
  assert.equal(contentOf(0x1e, 8), null);
  assert.equal(contentOf(0x07, 31), null);
  assert.equal(contentOf(0x1c, 9), null);
  assert.equal(contentOf(0x10, 96), "switch");
  assert.equal(pageBytes(9, 1), 2);
});
