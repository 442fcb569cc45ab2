// ROOT's compressed blocks: chunks below 16 MiB, each after a header of nine bytes that names algorithm and lengths.

import { promisify } from "node:util";
import { constants, deflate, zstdCompress } from "node:zlib";
import { compressSync } from "lz4-napi";
import { xxhash64 } from "../compression/checksums.ts";

export type Compression = "zlib" | "lz4" | "zstd" | "none";

/** ROOT's numbers for algorithm and level: 100 times the algorithm, plus the level. */
export const compressionCodes: Record<Compression, number> = { none: 0, zlib: 101, lz4: 401, zstd: 505 };

/** Lengths in a header have three bytes. */
const largestChunk = 0xff_ff_ff;
/** ROOT leaves what is smaller as it is. */
const smallest = 256;

const deflateAsync = promisify(deflate);
const zstdAsync = promisify(zstdCompress);

const algorithms: Record<
  Exclude<Compression, "none">,
  { magic: string; method: number; compress: (bytes: Uint8Array) => Promise<Uint8Array> }
> = {
  zlib: { magic: "ZL", method: 8, compress: (bytes) => deflateAsync(bytes, { level: 1 }) },
  zstd: {
    magic: "ZS",
    method: 1,
    compress: (bytes) => zstdAsync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: 5 } }),
  },
  lz4: {
    magic: "L4",
    method: 1,
    compress: async (bytes) =>
      withChecksum(compressSync(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length))),
  },
};

/** XXH64 of the block before it, in place of the length that the library puts there. */
function withChecksum(sized: Uint8Array): Uint8Array {
  const block = sized.subarray(4);
  return Buffer.concat([xxhash64(block), block]);
}

/** The bytes as they are stored: the same ones where compression would not make them fewer. */
export async function compressBlock(bytes: Uint8Array, compression: Compression): Promise<Uint8Array> {
  if (compression === "none" || bytes.length <= smallest) return bytes;
  const { magic, method, compress } = algorithms[compression];
  const parts: Uint8Array[] = [];
  let total = 0;
  for (let at = 0; at < bytes.length; at += largestChunk) {
    const chunk = bytes.subarray(at, at + largestChunk);
    const compressed = await compress(chunk);
    total += 9 + compressed.length;
    if (total >= bytes.length || compressed.length > largestChunk) return bytes;
    const header = Buffer.alloc(9);
    header.write(magic, "latin1");
    header[2] = method;
    header.writeUIntLE(compressed.length, 3, 3);
    header.writeUIntLE(chunk.length, 6, 3);
    parts.push(header, compressed);
  }
  return Buffer.concat(parts);
}
