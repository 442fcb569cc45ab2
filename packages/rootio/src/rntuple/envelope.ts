// Where an RNTuple's parts lie, and its envelopes: header, footer and page lists, each with its checksum.

import { BlockError, decompress } from "../compression/blocks.ts";
import { isHashLittleEndian, xxhash3 } from "../compression/checksums.ts";
import { Cursor } from "./cursor.ts";

/** A block in the file and its size once decompressed. */
export interface Link {
  position: number;
  /** Bytes in the file. */
  stored: number;
  length: number;
}

export const envelopeTypes = { header: 1, footer: 2, "page list": 3 } as const;

/** What an envelope may hold at most: far more than the page list of any cluster group in use. */
const largestEnvelope = 256 * 1024 * 1024;

/** Position and stored size; what it links to is of a size that is known from elsewhere. */
export function readLocator(cursor: Cursor): { position: number; stored: number } {
  const start = cursor.at;
  const size = cursor.int32();
  if (size >= 0) return { stored: size, position: cursor.count64() };
  const word = -size;
  const locatorSize = word & 0xffff;
  const type = (word >>> 24) & 0x7f;
  if (type !== 1 || locatorSize < 20)
    throw new BlockError(`an envelope has a locator of type ${type}, which this reader does not know`);
  const locator = { stored: cursor.count64(), position: cursor.count64() };
  cursor.at = start + locatorSize;
  return locator;
}

/** Decompresses an envelope, checks its type, length and checksum, and gives its content. */
export async function openEnvelope(
  block: Uint8Array,
  length: number,
  kind: keyof typeof envelopeTypes,
): Promise<{ content: Cursor; checksum: bigint }> {
  if (length < 16 || length > largestEnvelope)
    throw new BlockError(`its ${kind} claims ${length} bytes, which none has`);
  const bytes = block.length === length ? block : await decompress(block, length);
  const checked = bytes.subarray(0, length - 8);
  if (!isHashLittleEndian(xxhash3(checked), bytes, length - 8))
    throw new BlockError(`the checksum of its ${kind} differs`);
  const cursor = new Cursor(bytes, 0, length - 8);
  const word = cursor.int64();
  const type = Number(word & 0xffffn);
  if (type !== envelopeTypes[kind] || Number((word >> 16n) & 0xffffffffffffn) !== length)
    throw new BlockError(`its ${kind} is an envelope of type ${type} and another length`);
  const checksum = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(length - 8, true);
  return { content: cursor, checksum };
}

/** Feature flags say what a reader must know to read at all; version 1.0 has none. */
export function readFeatureFlags(cursor: Cursor): void {
  let flags: bigint;
  do {
    flags = cursor.int64();
    if ((flags & 0x7fffffffffffffffn) !== 0n)
      throw new UnknownFeatureError(
        `uses features of the format (${flags.toString(16)}) that came after version 1.0`,
      );
  } while (flags < 0n);
}

/** The RNTuple says that it cannot be read by a reader of version 1.0. */
export class UnknownFeatureError extends Error {}
