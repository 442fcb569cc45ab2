// Condition keys as text: `k1-` and 64 hexadecimal digits, or a prefix of at least 8 of them.

import { DriftlineError } from "../error.ts";

const prefixOfKey = /^(?:k1-)?([0-9a-f]{8,64})$/;

/** The key of a canonical form, given its SHA-256 in hexadecimal digits. */
export function formatKey(digest: string): string {
  return `k1-${digest}`;
}

/**
 * Reads a key or a prefix of one, with or without `k1-`; gives it with `k1-`. Throws `usage` where it is neither.
 * Whether the prefix is unique is for the catalogue to say.
 */
export function parseKeyPrefix(text: string): string {
  const match = prefixOfKey.exec(text);
  if (match) return formatKey(match[1]);
  throw new DriftlineError("usage", `${JSON.stringify(text.slice(0, 80))} is not a condition key.`, {
    field: "key",
    remedy: "Write k1- and 64 hexadecimal digits (0-9, a-f), or the first 8 or more of them.",
  });
}
