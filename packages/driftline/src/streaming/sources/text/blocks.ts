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

async function* stored(source: ByteSource): AsyncGenerator<Uint8Array> {
  yield* blocksFrom(gridOf(source), source.size, 0);
}

/** Blocks on a grid, the last two of which are held: pieces that begin within one don't fetch it again. */
type Grid = (block: number) => Promise<Uint8Array>;

function gridOf(source: ByteSource): Grid {
  const held = new Map<number, Promise<Uint8Array>>();
  return (block) => {
    const known = held.get(block);
    if (known) return known;
    const position = block * blockBytes;
    const length = Math.min(blockBytes, source.size - position);
    const fetched = source.read([{ position, length }]).then(([bytes]) => bytes);
    held.set(block, fetched);
    for (const old of [...held.keys()].slice(0, -2)) held.delete(old);
    return fetched;
  };
}

async function* blocksFrom(grid: Grid, size: number, start: number): AsyncGenerator<Uint8Array> {
  for (let position = start; position < size; ) {
    const block = Math.floor(position / blockBytes);
    const bytes = await grid(block);
    const next = (block + 1) * blockBytes;
    if (next < size) grid(block + 1).catch(() => {});
    yield bytes.subarray(position - block * blockBytes);
    position = next;
  }
}

/** Compressed pieces may stand one after another: Node goes on after those of gzip by itself, after those of zstd not. */
async function* decompressed(source: ByteSource, compression: Compression): AsyncGenerator<Uint8Array> {
  const grid = gridOf(source);
  for (let at = 0; at < source.size; ) {
    const used = yield* onePiece(blocksFrom(grid, source.size, at), compression);
    at += used;
    if (at === source.size || (compression === "zstd" && used > 0)) continue;
    // Tapes and block devices pad with zeros.
    if (compression === "gzip" && (await isZero(blocksFrom(grid, source.size, at)))) return;
    throw new DamagedError(`after byte ${at} there is more than its ${compression} stream`);
  }
}

/** Gives how many compressed bytes were used. */
async function* onePiece(
  blocks: AsyncIterable<Uint8Array>,
  compression: Compression,
): AsyncGenerator<Uint8Array, number> {
  const output = decompressors[compression]();
  let failure: unknown = null;
  // Its errors come out of the output too; the callback is there so that none is lost.
  pipeline(Readable.from(blocks, { highWaterMark: 1 }), output, (error) => {
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

async function isZero(blocks: AsyncIterable<Uint8Array>): Promise<boolean> {
  for await (const block of blocks) if (block.some((byte) => byte !== 0)) return false;
  return true;
}
