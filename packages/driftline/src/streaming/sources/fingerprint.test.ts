// The fingerprint as it is defined, worked out again; and what it tells apart.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { memorySource } from "@driftline/rootio";
import { fingerprintOf } from "./fingerprint.ts";

const of = (bytes: Uint8Array) => fingerprintOf(memorySource(bytes, "m"));
const edge = 65_536;

function expected(bytes: Uint8Array): string {
  const size = Buffer.alloc(8);
  size.writeUInt32LE(bytes.length);
  const ends = [bytes.subarray(0, edge), bytes.subarray(Math.max(0, bytes.length - edge))];
  return createHash("sha256")
    .update(Buffer.concat([size, ...ends]))
    .digest("hex");
}

test("size, first and last 64 KiB, of files of any length", async () => {
  for (const length of [1, 100, edge - 1, edge, edge + 1, 2 * edge, 3 * edge + 7]) {
    const bytes = new Uint8Array(length).map((_, i) => (i * 7) % 251);
    assert.equal(await of(bytes), expected(bytes), `${length} bytes`);
  }
});

test("it follows size and edges, and by design not the middle", async () => {
  const bytes = new Uint8Array(4 * edge);
  const changed = (at: number) => {
    const copy = bytes.slice();
    copy[at] = 1;
    return of(copy);
  };
  const plain = await of(bytes);
  assert.notEqual(await changed(0), plain);
  assert.notEqual(await changed(edge - 1), plain);
  assert.notEqual(await changed(3 * edge), plain);
  assert.notEqual(await of(new Uint8Array(4 * edge + 1)), plain);
  assert.equal(await changed(2 * edge), plain);
});
