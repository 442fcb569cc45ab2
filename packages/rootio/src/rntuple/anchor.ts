// The anchor: the object of class ROOT::RNTuple in the file's directory that says where header and footer lie.

import { BlockError } from "../compression/blocks.ts";
import { isHashBigEndian, xxhash3 } from "../compression/checksums.ts";
import { type Link, UnknownFeatureError } from "./envelope.ts";

export interface Anchor {
  header: Link;
  footer: Link;
  /** Longer blocks are cut into several; 0 where they never are. */
  largestKey: number;
}

/** Byte count and version of the class, as every object begins. */
const preamble = 6;
const fields = 4 * 2 + 7 * 8;

/** Big-endian, as all objects in directories are, unlike the rest of an RNTuple. */
export function readAnchor(bytes: Uint8Array): Anchor {
  if (bytes.length < preamble + fields + 8) throw new BlockError("its anchor is too short");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // A later version may append fields; the checksum follows the last of them.
  const byteCount = view.getUint32(0) & 0x3fffffff;
  const end = Math.min(4 + byteCount, bytes.length - 8);
  if (end < preamble + fields || !isHashBigEndian(xxhash3(bytes.subarray(preamble, end)), bytes, end))
    throw new BlockError("the checksum of its anchor differs");
  const epoch = view.getUint16(preamble);
  if (epoch !== 1)
    throw new UnknownFeatureError(
      `is of version ${epoch}.${view.getUint16(preamble + 2)}; this reader reads version 1`,
    );
  const number = (index: number) => {
    const value = Number(view.getBigUint64(preamble + 8 + 8 * index));
    if (!Number.isSafeInteger(value)) throw new BlockError("its anchor has an impossible size");
    return value;
  };
  return {
    header: { position: number(0), stored: number(1), length: number(2) },
    footer: { position: number(3), stored: number(4), length: number(5) },
    largestKey: number(6),
  };
}
