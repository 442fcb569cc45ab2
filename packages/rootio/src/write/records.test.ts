// Records of small and of large files: beyond 2 GB positions have eight bytes, and the versions say so.

import assert from "node:assert/strict";
import { test } from "node:test";
import { decompress } from "../compression/blocks.ts";
import { compressBlock } from "./compress.ts";
import { bigFile, datime, directoryBytes, freeBytes, headerBytes, keyBytes } from "./records.ts";
import { randomOf } from "./testing.ts";

const key = {
  className: "TTree",
  name: "t",
  title: "",
  objectBytes: 70,
  storedBytes: 50,
  parent: 100,
  time: 1,
};

test("a key has positions of eight bytes where one needs them, or where it is asked to", () => {
  const small = keyBytes({ ...key, position: bigFile - 1 });
  assert.deepEqual(
    [small.length, small.readInt16BE(4), small.readInt32BE(18)],
    [26 + 6 + 2 + 1, 4, bigFile - 1],
  );
  for (const [position, big] of [
    [bigFile, false],
    [12_345_678_901, false],
    [5, true],
  ] as const) {
    const large = keyBytes({ ...key, position, big });
    assert.equal(large.length, small.length + 8);
    assert.equal(large.readInt32BE(0), large.length + 50);
    assert.equal(large.readInt16BE(4), 1004);
    assert.equal(large.readInt32BE(6), 70);
    assert.equal(large.readInt16BE(14), large.length);
    assert.deepEqual([large.readBigInt64BE(18), large.readBigInt64BE(26)], [BigInt(position), 100n]);
  }
});

test("the header of a large file raises its version by a million and says that positions have eight bytes", () => {
  const fields = {
    info: { position: 300, bytes: 20 },
    nameBytes: 60,
    compression: 101,
    uuid: new Uint8Array(16).fill(9),
  };
  const small = headerBytes({ ...fields, end: 1000, free: { position: 900, bytes: 30 } });
  assert.deepEqual([small.readInt32BE(4), small.readInt32BE(12), small.readInt32BE(16)], [62400, 1000, 900]);
  assert.deepEqual([small.readUInt8(32), small.readInt32BE(33), small.length], [4, 101, 63]);
  const end = 5_000_000_000;
  const large = headerBytes({ ...fields, end, free: { position: end - 40, bytes: 40 } });
  assert.equal(large.toString("latin1", 0, 4), "root");
  assert.deepEqual([large.readInt32BE(4), large.readBigInt64BE(12)], [1_062_400, BigInt(end)]);
  assert.deepEqual([large.readBigInt64BE(20), large.readInt32BE(28)], [BigInt(end - 40), 40]);
  assert.deepEqual([large.readInt32BE(32), large.readInt32BE(36), large.readUInt8(40)], [1, 60, 8]);
  assert.deepEqual([large.readBigInt64BE(45), large.readInt32BE(53), large.length], [300n, 20, 75]);
});

test("the root directory takes as much room in a small file as in a large one", () => {
  const fields = { time: 7, nameBytes: 60, uuid: new Uint8Array(16) };
  const small = directoryBytes({ ...fields, keys: { position: 1234, bytes: 80 } });
  const large = directoryBytes({ ...fields, keys: { position: 3_000_000_000, bytes: 80 } });
  assert.equal(small.length, large.length);
  assert.deepEqual([small.readInt16BE(0), small.readInt32BE(26)], [5, 1234]);
  assert.deepEqual([large.readInt16BE(0), large.readBigInt64BE(34)], [1005, 3_000_000_000n]);
});

test("the free segment begins where the list itself ends", () => {
  const small = freeBytes(1000);
  assert.deepEqual([small.readInt16BE(0), small.readInt32BE(2), small.readInt32BE(6)], [1, 1010, bigFile]);
  const large = freeBytes(4_000_000_000);
  assert.deepEqual([large.readInt16BE(0), large.readBigInt64BE(2)], [1001, 4_000_000_018n]);
  assert.ok(large.readBigInt64BE(10) > 4_000_000_018n);
});

test("dates are bit fields since 1995", () => {
  assert.equal(datime(new Date(1995, 0, 1, 0, 0, 0)), (1 << 22) | (1 << 17));
  const code = datime(new Date(2058, 11, 31, 23, 59, 58));
  assert.deepEqual([code >>> 26, (code >>> 22) & 15, (code >>> 17) & 31], [63, 12, 31]);
  assert.deepEqual([(code >>> 12) & 31, (code >>> 6) & 63, code & 63], [23, 59, 58]);
});

test("a block of more than 16 MiB is several chunks; one that does not shrink stays as it is", async () => {
  const bytes = new Uint8Array(2 ** 24 + 1000);
  for (let i = 0; i < bytes.length; i += 4096) bytes[i] = i >> 12;
  for (const compression of ["zlib", "lz4", "zstd"] as const) {
    const stored = await compressBlock(bytes, compression);
    assert.ok(stored.length < bytes.length / 10);
    assert.equal(Buffer.compare(await decompress(stored, bytes.length), bytes), 0);
  }
  const random = randomOf(3);
  const noise = Uint8Array.from({ length: 10_000 }, () => random() * 256);
  for (const compression of ["zlib", "lz4", "zstd", "none"] as const)
    assert.equal(await compressBlock(noise, compression), noise);
});
