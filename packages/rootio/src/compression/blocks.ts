// Decompression of ROOT's blocks: chunks of at most 16 MiB, each with a nine-byte header that names the algorithm.

import { algorithms } from "./algorithms.ts";

/** The block is not what its headers say. */
export class BlockError extends Error {}

/** The `length` bytes that a compressed block stands for. All headers are checked before anything is allocated. */
export async function decompress(block: Uint8Array, length: number): Promise<Uint8Array> {
  const chunks: { algorithm: string; from: number; to: number; length: number }[] = [];
  let at = 0;
  let total = 0;
  while (at < block.length) {
    if (at + 9 > block.length) throw new BlockError("a compressed block ends inside a header");
    const algorithm = String.fromCharCode(block[at], block[at + 1]);
    if (!Object.hasOwn(algorithms, algorithm))
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
  const parts: Uint8Array[] = [];
  // One after another: of a block whose headers lie, no more than one chunk is allocated.
  for (const chunk of chunks) {
    let part: Uint8Array;
    try {
      part = await algorithms[chunk.algorithm](block.subarray(chunk.from, chunk.to), chunk.length);
    } catch (error) {
      throw new BlockError(`a compressed chunk does not decompress (${(error as Error).message})`);
    }
    if (part.length !== chunk.length)
      throw new BlockError(`a compressed chunk gives ${part.length} bytes in place of ${chunk.length}`);
    // The libraries give Buffers, whose slice() is no copy.
    parts.push(new Uint8Array(part.buffer, part.byteOffset, part.length));
  }
  if (parts.length === 1) return parts[0];
  const whole = new Uint8Array(length);
  let filled = 0;
  for (const part of parts) {
    whole.set(part, filled);
    filled += part.length;
  }
  return whole;
}

function int24(bytes: Uint8Array, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16);
}
