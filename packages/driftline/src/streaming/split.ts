// Which part of a dataset a row belongs to: decided by a hash of its identity, once, whatever else the dataset holds.

import { hash } from "node:crypto";
import type { Split } from "../family/responses.ts";

/** Code i in the tensor `split` stands for splits[i]. */
export const splits: readonly Split[] = ["train", "validation", "test"];

/**
 * A number in [0, 1) for each identity: the top 53 bits of the first 8 bytes, big-endian, of
 * SHA-256(salt in UTF-8, a zero byte, identity as 8 bytes little-endian), over 2^53.
 */
export function splitFraction(salt: string): (id: bigint) => number {
  const text = Buffer.from(`${salt}\0`);
  const input = Buffer.alloc(text.length + 8);
  text.copy(input);
  return (id) => {
    input.writeBigInt64LE(id, text.length);
    const digest = hash("sha256", input);
    return (Number.parseInt(digest.slice(0, 13), 16) * 2 + (Number.parseInt(digest[13], 16) >> 3)) / 2 ** 53;
  };
}

/** Code of a row's part: train below `fractions.train`, validation below train + validation (added as doubles), else test. */
export function splitter(salt: string, fractions: Record<Split, number>): (id: bigint) => number {
  const fraction = splitFraction(salt);
  const first = fractions.train;
  const second = fractions.train + fractions.validation;
  return (id) => {
    const u = fraction(id);
    return u < first ? 0 : u < second ? 1 : 2;
  };
}
