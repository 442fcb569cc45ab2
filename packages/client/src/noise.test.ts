// Known answers and properties of the counter-based random numbers.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import {
  eventWordPairs,
  eventWords,
  latents,
  normals,
  philox4x32,
  streamKey,
  streams,
  uniforms,
} from "./noise.ts";

interface Vectors {
  philox: { counter: string[]; key: string[]; block: string[] }[];
  streams: { seed: number; stream: number; event: string; row: number; words: string[]; normals: number[] }[];
}
const vectors: Vectors = JSON.parse(readFileSync(new URL("./noise.vectors.json", import.meta.url), "utf8"));

const hex = (words: Iterable<number>) => [...words].map((w) => w.toString(16).padStart(8, "0"));
const block = (counter: number[], key: number[]) => {
  const out = new Uint32Array(4);
  philox4x32(counter[0], counter[1], counter[2], counter[3], key[0], key[1], out);
  return out;
};

test("Philox4x32-10 gives the known answers of Random123 (kat_vectors, philox4x32 10)", () => {
  const f = 0xffffffff;
  assert.deepEqual(hex(block([0, 0, 0, 0], [0, 0])), ["6627e8d5", "e169c58d", "bc57ac4c", "9b00dbd8"]);
  assert.deepEqual(hex(block([f, f, f, f], [f, f])), ["408f276d", "41c83b0e", "a20bc7c6", "6d5451fd"]);
  assert.deepEqual(hex(block([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0])), [
    "d16cfe09",
    "94fdcceb",
    "5001e420",
    "24126ea1",
  ]);
});

/** The same by 64-bit integers, as in the paper. */
function philoxByBigint(counter: number[], key: number[]): number[] {
  let [c0, c1, c2, c3] = counter.map(BigInt);
  let [k0, k1] = key.map(BigInt);
  const low = (v: bigint) => BigInt.asUintN(32, v);
  for (let round = 0; round < 10; round++) {
    const p0 = 0xd2511f53n * c0;
    const p1 = 0xcd9e8d57n * c2;
    [c0, c1, c2, c3] = [(p1 >> 32n) ^ c1 ^ k0, low(p1), (p0 >> 32n) ^ c3 ^ k1, low(p0)];
    k0 = low(k0 + 0x9e3779b9n);
    k1 = low(k1 + 0xbb67ae85n);
  }
  return [c0, c1, c2, c3].map(Number);
}

test("upper words by float64 equal 64-bit integer arithmetic", () => {
  const word = fc.oneof(
    fc.integer({ min: 0, max: 0xffffffff }),
    fc.constantFrom(0, 1, 0x7fffffff, 0x80000000),
  );
  fc.assert(
    fc.property(fc.tuple(word, word, word, word), fc.tuple(word, word), (counter, key) => {
      assert.deepEqual([...block(counter, key)], philoxByBigint(counter, key));
    }),
    { seed: 1, numRuns: 20_000 },
  );
});

test("the committed vectors for other languages hold: words to the bit, normals as float32", () => {
  for (const { counter, key, block: wanted } of vectors.philox) {
    const parse = (words: string[]) => words.map((w) => Number.parseInt(w, 16));
    assert.deepEqual(hex(block(parse(counter), parse(key))), wanted);
  }
  for (const { seed, stream, event, row, words, normals: wanted } of vectors.streams) {
    const u = uniforms(seed, BigInt(event), row, words.length, stream);
    assert.deepEqual(hex(u.map((v) => v * 2 ** 32 - 0.5)), words);
    assert.deepEqual([...normals(seed, BigInt(event), row, wanted.length, stream)], wanted);
  }
});

test("normals are Box-Muller in float64, rounded once", () => {
  const u = uniforms(5, 9, 2, 4000);
  const n = normals(5, 9, 2, 4000);
  for (let i = 0; i < 4000; i += 2) {
    const r = Math.sqrt(-2 * Math.log(u[i]));
    // One float32 step: rounding boundaries may be met once in 10^7.
    assert.ok(Math.abs(n[i] - r * Math.cos(2 * Math.PI * u[i + 1])) <= 3e-7);
    assert.ok(Math.abs(n[i + 1] - r * Math.sin(2 * Math.PI * u[i + 1])) <= 3e-7);
  }
});

test("moments of 200,000 normals; each bound is 4.5 standard errors, false alarms 3 in 10^5", () => {
  const n = normals(11, 0, 0, 200_000);
  const moment = (power: number) => n.reduce((s, v) => s + v ** power, 0) / n.length;
  assert.ok(Math.abs(moment(1)) < 4.5 / Math.sqrt(n.length));
  assert.ok(Math.abs(moment(2) - 1) < 4.5 * Math.sqrt(2 / n.length));
  assert.ok(Math.abs(moment(3)) < 4.5 * Math.sqrt(15 / n.length));
  assert.ok(Math.abs(moment(4) - 3) < 4.5 * Math.sqrt(96 / n.length));
});

test("latents in bulk are the normals of each event, and don't depend on the batch", () => {
  const events = BigInt64Array.from([0n, 7n, -1n, 2n ** 62n, 4294967296n]);
  const rows = Uint32Array.from([0, 3, 0xffffffff, 1, 2]);
  for (const width of [1, 2, 3, 24, 25]) {
    const bulk = latents(2 ** 53 - 1, events, rows, width);
    for (let i = 0; i < events.length; i++) {
      assert.deepEqual(
        bulk.subarray(i * width, (i + 1) * width),
        normals(2 ** 53 - 1, events[i], rows[i], width),
      );
    }
    assert.deepEqual(
      latents(2 ** 53 - 1, events.subarray(2), 0xffffffff, width).subarray(0, width),
      bulk.subarray(2 * width, 3 * width),
    );
  }
});

test("every one of seed, stream, event and row matters; streams share no key", () => {
  const base = hex(uniforms(1, 1, 1, 4).map((v) => v * 2 ** 32 - 0.5)).join();
  const variants: [number, number | bigint, number, number][] = [
    [2, 1, 1, 0],
    [1 + 2 ** 32, 1, 1, 0],
    [1, 2, 1, 0],
    [1, 2n ** 40n + 1n, 1, 0],
    [1, 1, 2, 0],
    [1, 1, 1, streams.simulation],
  ];
  for (const [seed, event, row, stream] of variants) {
    const other = hex(uniforms(seed, event, row, 4, stream).map((v) => v * 2 ** 32 - 0.5)).join();
    assert.notEqual(other, base);
  }
  for (const stream of Object.values(streams)) assert.equal(stream % 2 ** 21, 0);
  assert.equal(new Set(Object.values(streams)).size, Object.keys(streams).length);
});

test("seeds and events outside their range are refused", () => {
  for (const seed of [-1, 0.5, Number.NaN, 2 ** 53]) assert.throws(() => streamKey(seed, 0), RangeError);
  for (const event of [0.5, Number.NaN, 2 ** 53]) assert.throws(() => eventWords(event), RangeError);
});

test("event words are two's complement, by number, bigint and array", () => {
  assert.deepEqual(eventWords(-1), [0xffffffff, 0xffffffff]);
  assert.deepEqual(eventWords(2 ** 32 + 5), [5, 1]);
  assert.deepEqual([...eventWordPairs(BigInt64Array.from([-2n, 2n ** 33n]))], [0xfffffffe, 0xffffffff, 0, 2]);
});
