// Reading the little-endian integers, strings and frames of an RNTuple's envelopes, never beyond their end.

import { BlockError } from "../compression/blocks.ts";

const utf8 = new TextDecoder();

export class Cursor {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  at: number;
  readonly end: number;

  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = at;
    this.end = end;
  }

  #take(length: number): number {
    const at = this.at;
    if (length < 0 || at + length > this.end) throw new BlockError("an envelope ends inside a value");
    this.at += length;
    return at;
  }

  uint16(): number {
    return this.#view.getUint16(this.#take(2), true);
  }

  uint32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  int32(): number {
    return this.#view.getInt32(this.#take(4), true);
  }

  int64(): bigint {
    return this.#view.getBigInt64(this.#take(8), true);
  }

  float64(): number {
    return this.#view.getFloat64(this.#take(8), true);
  }

  /** An unsigned count, size or position, which never needs more than 53 bits. */
  count64(): number {
    const value = Number(this.#view.getBigUint64(this.#take(8), true));
    if (!Number.isSafeInteger(value)) throw new BlockError(`an envelope has an impossible count, ${value}`);
    return value;
  }

  string(): string {
    const length = this.uint32();
    const at = this.#take(length);
    return utf8.decode(this.bytes.subarray(at, at + length));
  }

  /** The content of a record frame; this cursor goes on after it, whatever more a later version put in. */
  record(): Cursor {
    const start = this.at;
    const size = this.int64();
    return this.#frame(start, size, 8);
  }

  /** Calls `item` for each item of a list frame with a cursor on the frame's content, and returns that cursor. */
  list(item: (content: Cursor, index: number) => void): Cursor {
    const start = this.at;
    const size = -this.int64();
    const count = this.uint32();
    const content = this.#frame(start, size, 12);
    // Every item takes at least a byte, so a damaged count ends at the frame's end.
    for (let i = 0; i < count; i++) {
      if (content.at >= content.end) throw new BlockError("a list frame ends before its last item");
      item(content, i);
    }
    return content;
  }

  #frame(start: number, size: bigint, preamble: number): Cursor {
    const length = Number(size);
    if (size < BigInt(preamble) || start + length > this.end)
      throw new BlockError("a frame goes beyond its envelope");
    this.at = start + length;
    return new Cursor(this.bytes, start + preamble, start + length);
  }
}
