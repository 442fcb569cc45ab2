// A position in ROOT's streamed objects, never beyond their end: byte counts, versions and big-endian numbers.

import { BlockError } from "../compression/blocks.ts";

const byteCountBit = 0x40000000;
const memberwiseBit = 0x4000;

/** What stands before an object. */
export interface ObjectHeader {
  /** Where the object ends; null where it does not say. */
  end: number | null;
  version: number;
  /** Of a collection: its items' first members come first, then all second ones. */
  memberwise: boolean;
}

export class ObjectBytes {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  at = 0;
  end: number;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.end = bytes.length;
  }

  get length(): number {
    return this.#bytes.length;
  }

  take(length: number): Uint8Array {
    const from = this.skip(length);
    return this.#bytes.subarray(from, from + length);
  }

  /** Gives the position before. */
  skip(length: number): number {
    const from = this.at;
    if (!(length >= 0) || from + length > this.end) throw new BlockError("an object goes beyond its entry");
    this.at = from + length;
    return from;
  }

  uint8(): number {
    return this.#bytes[this.skip(1)];
  }

  uint16(): number {
    return this.#view.getUint16(this.skip(2));
  }

  uint32(): number {
    return this.#view.getUint32(this.skip(4));
  }

  /** A count of items, of which each takes at least a byte (classes without members aside). */
  count(): number {
    const count = this.#view.getInt32(this.skip(4));
    if (count < 0) throw new BlockError(`a list has ${count} items`);
    return count;
  }

  /** Byte count and version. */
  header(): ObjectHeader {
    const start = this.at;
    const word = this.end - start >= 4 ? this.#view.getUint32(start) : 0;
    let end: number | null = null;
    if (word & byteCountBit) {
      this.at += 4;
      end = start + 4 + (word & ~byteCountBit);
      if (end > this.end) throw new BlockError("an object's byte count goes beyond its entry");
    }
    const version = this.uint16();
    const memberwise = end !== null && (version & memberwiseBit) !== 0;
    return { end, version: version & ~memberwiseBit, memberwise };
  }

  /** An object that was read must have taken the bytes that it says. */
  checkEnd(header: ObjectHeader, what: string): void {
    if (header.end !== null && header.end !== this.at)
      throw new BlockError(
        `an object of class ${what} has ${header.end - this.at} bytes more or less than its members`,
      );
  }
}
