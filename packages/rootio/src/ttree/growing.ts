// Buffers that grow by doubling while objects are read into them.

import { BlockError } from "../compression/blocks.ts";

export class GrowingBytes {
  #bytes = new Uint8Array(1024);
  #length = 0;

  push(part: Uint8Array): void {
    const end = this.#length + part.length;
    if (end > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(end, 2 * this.#bytes.length));
      larger.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = larger;
    }
    this.#bytes.set(part, this.#length);
    this.#length = end;
  }

  /** The last bytes. */
  tail(length: number): Uint8Array {
    return this.#bytes.subarray(this.#length - length, this.#length);
  }

  content(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }
}

/** Offsets of lists that are told one length after another. */
export class GrowingOffsets {
  #offsets = new Int32Array(256);
  #lists = 0;

  push(length: number): void {
    if (this.#lists + 1 === this.#offsets.length) {
      const larger = new Int32Array(2 * this.#offsets.length);
      larger.set(this.#offsets);
      this.#offsets = larger;
    }
    const end = this.#offsets[this.#lists] + length;
    if (end > 2 ** 31 - 1) throw new BlockError("there are more values than 32-bit offsets count");
    this.#offsets[++this.#lists] = end;
  }

  content(): Int32Array<ArrayBuffer> {
    return this.#offsets.slice(0, this.#lists + 1);
  }
}
