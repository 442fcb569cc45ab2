// Compressed blocks: every algorithm and any cut into chunks comes back; a wrong block is an error, never wrong bytes.

import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateRawSync, deflateSync, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { BlockError, decompress } from "./blocks.ts";

const algorithms = {
  ZL: (bytes: Uint8Array) => deflateSync(bytes),
  CS: (bytes: Uint8Array) => deflateRawSync(bytes),
  ZS: (bytes: Uint8Array) => zstdCompressSync(bytes),
};
type Algorithm = keyof typeof algorithms;

function chunk(algorithm: string, compressed: Uint8Array, length: number): Buffer {
  const header = Buffer.alloc(9);
  header.write(algorithm, "latin1");
  header[2] = 8;
  header.writeUIntLE(compressed.length, 3, 3);
  header.writeUIntLE(length, 6, 3);
  return Buffer.concat([header, compressed]);
}
const block = (parts: [Algorithm, Uint8Array][]) =>
  Buffer.concat(parts.map(([name, bytes]) => chunk(name, algorithms[name](bytes), bytes.length)));
const parts = fc.array(
  fc.tuple(
    fc.constantFrom(...(Object.keys(algorithms) as Algorithm[])),
    fc.uint8Array({ minLength: 1, maxLength: 300 }),
  ),
  { minLength: 1, maxLength: 4 },
);

test("any bytes in any chunks come back", async () => {
  await fc.assert(
    fc.asyncProperty(parts, async (chunks) => {
      const whole = Buffer.concat(chunks.map(([, bytes]) => bytes));
      assert.deepEqual(Buffer.from(await decompress(block(chunks), whole.length)), whole);
    }),
    { seed: 11 },
  );
});

test("a truncated block is refused, and one of another length than the key says", async () => {
  const bytes = block([
    ["ZL", Buffer.from("drift".repeat(50))],
    ["ZS", Buffer.from("line".repeat(50))],
  ]);
  for (let length = 0; length < bytes.length; length++)
    await assert.rejects(decompress(bytes.subarray(0, length), 450), BlockError);
  await assert.rejects(decompress(bytes, 449), /stands for 450 bytes in place of 449/);
  await assert.rejects(decompress(chunk("ZL", deflateSync(Buffer.alloc(1000)), 10), 10), BlockError);
  await assert.rejects(
    decompress(chunk("ZL", deflateSync(Buffer.alloc(9)), 10), 10),
    /gives 9 bytes in place of 10/,
  );
  await assert.rejects(decompress(chunk("??", Buffer.alloc(9), 10), 10), /no known compression header/);
});
