// The algorithms of ROOT's compressed chunks, each to a buffer of exactly the length that the chunk's header claims.

import { promisify } from "node:util";
import {
  inflate,
  inflateRaw,
  inflateRawSync,
  inflateSync,
  type ZlibOptions,
  type ZstdOptions,
  zstdDecompress,
  zstdDecompressSync,
} from "node:zlib";
import { xz } from "@napi-rs/lzma";
import { uncompressSync } from "lz4-napi";
import { isHashBigEndian, xxhash64 } from "./checksums.ts";

type Decompressor = (bytes: Uint8Array, length: number) => Uint8Array | Promise<Uint8Array>;
type Options = ZlibOptions & ZstdOptions;
type Sync = (bytes: Uint8Array, options: Options) => Uint8Array;
type Async = (bytes: Uint8Array, options: Options) => Promise<Uint8Array>;

/** Below this, handing a chunk to a thread costs more than its decompression. */
const smallChunk = 32 * 1024;

/** Node's zlib runs in threads of its own. A little more than the length spares it a second buffer to see the end. */
function nodeZlib(now: Sync, inThread: Async): Decompressor {
  return (bytes, length) => {
    const options: Options = { maxOutputLength: Math.max(length, 1), chunkSize: length + 64 };
    return length < smallChunk ? now(bytes, options) : inThread(bytes, options);
  };
}

/** Eight bytes of XXH64 of what follows, then one LZ4 block. */
function lz4(bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.length < 9) throw new Error("shorter than its checksum");
  if (!isHashBigEndian(xxhash64(bytes.subarray(8)), bytes, 0)) throw new Error("its checksum differs");
  // The library expects the length, least significant byte first, before the block: there stands the checksum's end,
  // which comes back when it has been read.
  const place = new DataView(bytes.buffer, bytes.byteOffset + 4, 4);
  const checksum = place.getUint32(0);
  place.setUint32(0, length, true);
  try {
    return uncompressSync(bytes.subarray(4));
  } finally {
    place.setUint32(0, checksum);
  }
}

/**
 * By the first two characters of the chunk's header. "CS" is the deflate stream of the oldest files, without the
 * header and the checksum of zlib.
 */
export const algorithms: Record<string, Decompressor> = {
  ZL: nodeZlib(inflateSync as Sync, promisify(inflate) as Async),
  CS: nodeZlib(inflateRawSync as Sync, promisify(inflateRaw) as Async),
  ZS: nodeZlib(zstdDecompressSync as Sync, promisify(zstdDecompress) as Async),
  L4: lz4,
  XZ: (bytes) => xz.decompress(bytes),
};
