// The two checksums of ROOT's formats: XXH64 guards a chunk of LZ4, XXH3 an envelope or page of an RNTuple.

import { createXXHash3, createXXHash64, type IHasher } from "hash-wasm";

// The WebAssembly behind these takes a moment to compile; hashing itself is synchronous, so that one of each is enough.
const [hasher64, hasher3] = await Promise.all([createXXHash64(), createXXHash3()]);

function digest(hasher: IHasher, bytes: Uint8Array): Uint8Array {
  return hasher.init().update(bytes).digest("binary");
}

/** XXH64 with seed 0, most significant byte first. */
export function xxhash64(bytes: Uint8Array): Uint8Array {
  return digest(hasher64, bytes);
}

/** XXH3 of 64 bits with seed 0, most significant byte first. */
export function xxhash3(bytes: Uint8Array): Uint8Array {
  return digest(hasher3, bytes);
}

/** Whether the eight bytes that are stored at `at`, least significant first (as in an RNTuple), are this hash. */
export function isHashLittleEndian(hash: Uint8Array, bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < 8; i++) if (bytes[at + i] !== hash[7 - i]) return false;
  return true;
}

/** The same with the most significant byte first (as before a chunk of LZ4). */
export function isHashBigEndian(hash: Uint8Array, bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < 8; i++) if (bytes[at + i] !== hash[i]) return false;
  return true;
}
