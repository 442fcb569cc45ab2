// Decompression of ROOT's blocks: chunks of at most 16 MiB, each with a nine-byte header that names the algorithm.

import { promisify } from "node:util";
import { inflate, inflateRaw, type ZlibOptions, type ZstdOptions, zstdDecompress } from "node:zlib";

type Decompressor = (bytes: Uint8Array, options: ZlibOptions & ZstdOptions) => Promise<Uint8Array>;

/** By the first two characters of the header. "CS" is the deflate stream of the oldest files, without zlib's header. */
const decompressors: Record<string, Decompressor> = {
  ZL: promisify(inflate) as Decompressor,
  CS: promisify(inflateRaw) as Decompressor,
  ZS: promisify(zstdDecompress) as Decompressor,
};
const unsupported: Record<string, string> = { XZ: "LZMA", L4: "LZ4" };

/** The block is not what its headers say. */
export class BlockError extends Error {}
/** The block is compressed in a way that this reader does not know. */
export class CompressionError extends Error {}

/** The `length` bytes that a compressed block stands for. All headers are checked before anything is allocated. */
export async function decompress(block: Uint8Array, length: number): Promise<Uint8Array> {
  const chunks: { algorithm: string; from: number; to: number; length: number }[] = [];
  let at = 0;
  let total = 0;
  while (at < block.length) {
    if (at + 9 > block.length) throw new BlockError("a compressed block ends inside a header");
    const algorithm = String.fromCharCode(block[at], block[at + 1]);
    if (unsupported[algorithm])
      throw new CompressionError(
        `is compressed with ${unsupported[algorithm]}, which this reader does not know; it reads zlib, Zstandard and uncompressed data`,
      );
    if (!decompressors[algorithm])
      throw new BlockError("a compressed block starts with no known compression header");
    const from = at + 9;
    const to = from + int24(block, at + 3);
    const chunkLength = int24(block, at + 6);
    if (to > block.length) throw new BlockError("a compressed chunk goes beyond its block");
    chunks.push({ algorithm, from, to, length: chunkLength });
    total += chunkLength;
    at = to;
  }
  if (total !== length)
    throw new BlockError(`a compressed block stands for ${total} bytes in place of ${length}`);
  const parts = await Promise.all(
    chunks.map(async (chunk) => {
      const part = await decompressors[chunk.algorithm](block.subarray(chunk.from, chunk.to), {
        maxOutputLength: Math.max(chunk.length, 1),
      }).catch((error: Error) => {
        throw new BlockError(`a compressed chunk does not decompress (${error.message})`);
      });
      if (part.length !== chunk.length)
        throw new BlockError(`a compressed chunk gives ${part.length} bytes in place of ${chunk.length}`);
      return part;
    }),
  );
  return parts.length === 1 ? parts[0] : Buffer.concat(parts, length);
}

function int24(bytes: Uint8Array, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16);
}
