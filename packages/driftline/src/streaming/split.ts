// Which part of a dataset a row belongs to: decided by a hash of its identity, once, whatever else the dataset holds.

import { hash } from "node:crypto";
import type { Split } from "../family/responses.ts";

/** Code i in the tensor `split` stands for splits[i]. */
export const splits: readonly Split[] = ["train", "validation", "test"];

/**
 * A number in [0, 1): the top 53 bits of the first 8 bytes, big-endian, of
 * SHA-256(salt in UTF-8, a zero byte, identity as 8 bytes little-endian), over 2^53.
 */
export function splitFraction(id: bigint, salt: string): number {
  const text = Buffer.from(`${salt}\0`);
  const input = Buffer.alloc(text.length + 8);
  text.copy(input);
  input.writeBigInt64LE(id, text.length);
  return Number(hash("sha256", input, "buffer").readBigUInt64BE() >> 11n) / 2 ** 53;
}

/** Code of the part: train below `fractions.train`, validation below train + validation (added as doubles), else test. */
export function splitCode(id: bigint, salt: string, fractions: Record<Split, number>): number {
  const u = splitFraction(id, salt);
  return u < fractions.train ? 0 : u < fractions.train + fractions.validation ? 1 : 2;
}
