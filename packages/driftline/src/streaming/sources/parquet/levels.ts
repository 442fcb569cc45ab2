// Parquet's hybrid of runs and packed bits, in which levels, dictionary indices and bools are written.

import { DamagedError } from "../damaged.ts";

/**
 * Reads `out.length` numbers of so many bits from bytes[from, to). A run that claims more than is asked for is cut.
 * Specification: https://parquet.apache.org/docs/file-format/data-pages/encodings/
 */
export function readHybrid(
  bytes: Uint8Array,
  from: number,
  to: number,
  bits: number,
  out: Uint8Array | Int32Array,
): void {
  if (bits > 32) throw new DamagedError(`numbers of ${bits} bits`);
  const mask = bits === 32 ? -1 : (1 << bits) - 1;
  const runBytes = (bits + 7) >> 3;
  let at = from;
  for (let done = 0; done < out.length; ) {
    let header = 0;
    for (let shift = 0; ; shift += 7) {
      if (at >= to || shift > 28) throw new DamagedError("a run of levels or indices ends early");
      const byte = bytes[at++];
      header |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    const left = out.length - done;
    if (header & 1) {
      const groups = header >>> 1;
      const count = Math.min(groups * 8, left);
      // The last group may be cut after what it must hold.
      if (at + Math.ceil((count * bits) / 8) > to) throw new DamagedError("packed bits end early");
      for (let i = 0, bit = 0; i < count; i++, bit += bits) {
        const byte = at + (bit >>> 3);
        const shift = bit & 7;
        let value =
          (bytes[byte] | (bytes[byte + 1] << 8) | (bytes[byte + 2] << 16) | (bytes[byte + 3] << 24)) >>>
          shift;
        if (shift + bits > 32) value |= bytes[byte + 4] << (32 - shift);
        out[done + i] = value & mask;
      }
      at += groups * bits;
      done += count;
    } else {
      if (at + runBytes > to) throw new DamagedError("a run ends early");
      let value = 0;
      for (let i = 0; i < runBytes; i++) value |= bytes[at++] << (8 * i);
      const count = Math.min(header >>> 1, left);
      out.fill(value & mask, done, done + count);
      done += count;
    }
  }
}

/** Bits that numbers up to the largest take. */
export function bitsFor(largest: number): number {
  return 32 - Math.clz32(largest);
}
