// The identity of a row read from a file: a hash of the file's content and the entry number, not of its path or order.

import { createHash, hash } from "node:crypto";
import { createReadStream } from "node:fs";

/** SHA-256 of a file's content, 64 hexadecimal digits. */
export async function fileDigest(path: string, signal?: AbortSignal): Promise<string> {
  const sum = createHash("sha256");
  for await (const chunk of createReadStream(path, { signal })) sum.update(chunk);
  return sum.digest("hex");
}

/**
 * Identities of entries start to start + count - 1: the first 8 bytes of
 * SHA-256(32 bytes of the file's digest, entry number as 8 bytes little-endian), read as a signed little-endian integer.
 */
export function rowIds(digest: string, start: number, count: number): BigInt64Array<ArrayBuffer> {
  return entryIds(digest, count, (i) => start + i);
}

/** The same of `count` entries anywhere in the file. */
export function entryIds(
  digest: string,
  count: number,
  entryOf: (i: number) => number,
): BigInt64Array<ArrayBuffer> {
  const input = Buffer.alloc(40);
  input.write(digest, "hex");
  return BigInt64Array.from({ length: count }, (_, i) => {
    input.writeBigUInt64LE(BigInt(entryOf(i)), 32);
    return firstInteger(input);
  });
}

/** The same of a text: what the columns that identify an event hold, see assembly/prepare.ts. */
export function textId(text: string): bigint {
  return firstInteger(text);
}

const start8 = Buffer.alloc(8);

function firstInteger(input: string | Buffer): bigint {
  start8.write(hash("sha256", input), "hex"); // a digest as text is three times as fast as one as a buffer
  return start8.readBigInt64LE();
}
