// Blocks of a stream laid end to end, so that a row that one block cuts off is whole in the next window.

import type { ByteSource } from "@driftline/rootio";
import { DamagedError } from "../damaged.ts";
import { blocksOf, type Compression } from "./blocks.ts";

/** Bytes by which the columns and their types are found. */
export const mostHead = 1024 * 1024;
/** A row is no longer than this. */
const mostRow = 16 * 1024 * 1024;

export interface Window {
  bytes: Uint8Array;
  isLast: boolean;
  /** How many bytes were used; the rest begins the next window. Must be called once for each window. */
  consumed(bytes: number): void;
}

/** The first MiB, decompressed, or all that there is. */
export async function headOf(
  source: ByteSource,
  compression: Compression | null,
): Promise<{ head: Uint8Array; isAll: boolean }> {
  if (compression === null) {
    // Just that: many files may be looked at before one is read.
    const [head] = await source.read([{ position: 0, length: Math.min(mostHead, source.size) }]);
    return { head, isAll: source.size <= mostHead };
  }
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const block of blocksOf(source, compression)) {
    parts.push(block);
    length += block.length;
    if (length > mostHead) break;
  }
  return { head: Buffer.concat(parts).subarray(0, mostHead), isAll: length <= mostHead };
}

/** Windows over the stream from byte `from` on. Throws DamagedError where a row has no end for 16 MiB. */
export async function* windows(blocks: AsyncIterable<Uint8Array>, from: number): AsyncGenerator<Window> {
  let rest: Uint8Array = new Uint8Array(0);
  let skip = from;
  let held: Uint8Array | null = null;
  const windowOf = (block: Uint8Array, isLast: boolean): Window => {
    const bytes = rest.length === 0 ? block : Buffer.concat([rest, block]);
    rest = bytes;
    return {
      bytes,
      isLast,
      consumed(used) {
        rest = bytes.subarray(used);
        if (rest.length > mostRow && used === 0) throw new DamagedError("a row has no end within 16 MiB");
      },
    };
  };
  for await (const block of blocks) {
    const dropped = Math.min(skip, block.length);
    skip -= dropped;
    if (dropped === block.length) continue;
    // One is kept back, so that the last is known for it.
    if (held) yield windowOf(held, false);
    held = block.subarray(dropped);
  }
  yield windowOf(held ?? new Uint8Array(0), true);
}
