// The bytes of a text file in order, decompressed, one block fetched ahead.

import { pipeline, Readable } from "node:stream";
import { createBrotliDecompress, createGunzip, createZstdDecompress } from "node:zlib";
import type { ByteSource } from "@driftline/rootio";
import { DamagedError } from "../damaged.ts";

export type Compression = "gzip" | "zstd" | "brotli";

/** Bytes asked for at a time: few requests for what lies far away. */
const blockBytes = 4 * 1024 * 1024;
const decompressors = {
  gzip: () => createGunzip({ chunkSize: 256 * 1024 }),
  zstd: () => createZstdDecompress({ chunkSize: 256 * 1024 }),
  brotli: () => createBrotliDecompress({ chunkSize: 256 * 1024 }),
};

/** By the first bytes; Brotli has none and goes by the name. */
export function compressionOf(head: Uint8Array, name: string): Compression | null {
  if (head[0] === 0x1f && head[1] === 0x8b) return "gzip";
  if (head[0] === 0x28 && head[1] === 0xb5 && head[2] === 0x2f && head[3] === 0xfd) return "zstd";
  return /\.br$/i.test(name) ? "brotli" : null;
}

/** Blocks from the beginning; each belongs to who gets it. Throws DamagedError where they can't be decompressed. */
export function blocksOf(source: ByteSource, compression: Compression | null): AsyncGenerator<Uint8Array> {
  return compression === null ? stored(source) : decompressed(source, compression);
}

async function* stored(source: ByteSource, from = 0): AsyncGenerator<Uint8Array> {
  const fetch = async (position: number) => {
    const length = Math.min(blockBytes, source.size - position);
    return (await source.read([{ position, length }]))[0];
  };
  let next = from < source.size ? fetch(from) : null;
  for (let position = from; next; ) {
    const block: Uint8Array = await next;
    position += block.length;
    next = position < source.size ? fetch(position) : null;
    next?.catch(() => {});
    yield block;
  }
}

/** Compressed pieces may stand one after another: Node goes on after those of gzip by itself, after those of zstd not. */
async function* decompressed(source: ByteSource, compression: Compression): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < source.size; ) {
    const used = yield* onePiece(source, compression, from);
    from += used;
    if (from === source.size || (compression === "zstd" && used > 0)) continue;
    // Tapes and block devices pad with zeros.
    if (compression === "gzip" && (await isZero(source, from))) return;
    throw new DamagedError(`after byte ${from} there is more than its ${compression} stream`);
  }
}

/** Gives how many compressed bytes were used. */
async function* onePiece(
  source: ByteSource,
  compression: Compression,
  from: number,
): AsyncGenerator<Uint8Array, number> {
  const output = decompressors[compression]();
  let failure: unknown = null;
  // Its errors come out of the output too; the callback is there so that none is lost.
  pipeline(Readable.from(stored(source, from), { highWaterMark: 1 }), output, (error) => {
    failure = error ?? null;
  });
  try {
    for await (const block of output) yield block as Uint8Array;
    return output.bytesWritten;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (typeof code === "string" && /^(Z_|ERR_BROTLI|ZSTD_|ERR_ZSTD|ERR__ERROR|ERR_ZLIB)/.test(code))
      throw new DamagedError(`its ${compression} stream is damaged or cut off (${(error as Error).message})`);
    throw failure ?? error;
  } finally {
    output.destroy();
  }
}

async function isZero(source: ByteSource, from: number): Promise<boolean> {
  for await (const block of stored(source, from)) if (block.some((byte) => byte !== 0)) return false;
  return true;
}
