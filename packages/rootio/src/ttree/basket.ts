// One basket: its key, which alone tells whether the content is compressed, and its content.

import type { Take } from "../budget.ts";
import { BlockError, decompress } from "../compression/blocks.ts";

/** Values end where a table of the entries' beginnings may follow. */
export interface BasketContent {
  entries: number;
  values: Uint8Array;
  /** Whether the bytes are this basket's alone, and may be brought to the machine's order where they are. */
  own: boolean;
  /** Null where the basket has no table. */
  table: EntryTable | null;
}

/** Where entries begin in the values: big-endian words, each more by `shift` than the place in the values. */
export interface EntryTable {
  words: DataView;
  shift: number;
}

/** Parses the key and decompresses the content. Throws BlockError. */
export async function readBasket(
  bytes: Uint8Array,
  expectTable: boolean,
  take: Take,
): Promise<BasketContent> {
  if (bytes.length < 18) throw new BlockError("a basket is shorter than its key");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const total = view.getInt32(0);
  const contentLength = view.getInt32(6);
  const keyLength = view.getInt16(14);
  if (total !== bytes.length)
    throw new BlockError(`a basket says that it has ${total} bytes, the branch says ${bytes.length}`);
  if (keyLength < 37 || keyLength > total || contentLength < 0)
    throw new BlockError("a basket's key is not a key");
  // Class name, name and title, then version, buffer size, size of an entry or of the table, entries, end of values.
  let at = view.getInt16(4) > 1000 ? 34 : 26;
  for (let i = 0; i < 3; i++) {
    if (at >= keyLength) throw new BlockError("a basket's key is not a key");
    at += bytes[at] === 255 ? 5 + (at + 5 <= keyLength ? view.getInt32(at + 1) : 0) : 1 + bytes[at];
  }
  if (at < 0 || at + 19 > keyLength) throw new BlockError("a basket's key is not a key");
  at += 6;
  at += view.getInt32(at) < 0 ? 5 : 4; // a negative size is followed by a byte of flags
  const entries = view.getInt32(at);
  const border = view.getInt32(at + 4) - keyLength;
  if (border < 0 || border > contentLength || entries < 0)
    throw new BlockError("a basket's values end outside its content");
  const block = bytes.subarray(keyLength);
  take(contentLength);
  const content = contentLength === block.length ? block : await decompress(block, contentLength);
  return {
    entries,
    values: content.subarray(0, border),
    own: true,
    table: expectTable ? readTable(content.subarray(border), entries, keyLength) : null,
  };
}

/** The table: a count, then where each entry begins, counted from the start of the key, and a last word without meaning. */
function readTable(bytes: Uint8Array, entries: number, keyLength: number): EntryTable | null {
  if (bytes.length === 0) return null;
  if (bytes.length < 4 * (entries + 1))
    throw new BlockError("a basket of variable-length entries has no complete table of offsets");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = view.getInt32(0);
  if (count !== entries + 1)
    throw new BlockError(`a basket of ${entries} entries has a table of ${count - 1} offsets`);
  return { words: new DataView(bytes.buffer, bytes.byteOffset + 4, 4 * entries), shift: keyLength };
}

/** One for all baskets: a fresh one for each would cost more than the work done in it. */
let scratch = new Int32Array(16_384);

/** Words of the table, big-endian, as an array that holds until the next call. */
export function inMachineOrder(words: DataView, from: number, count: number): Int32Array {
  if (scratch.length < count) scratch = new Int32Array(2 * count);
  const bytes = Buffer.from(scratch.buffer, 0, 4 * count);
  bytes.set(new Uint8Array(words.buffer, words.byteOffset + 4 * from, 4 * count));
  bytes.swap32();
  return scratch;
}
