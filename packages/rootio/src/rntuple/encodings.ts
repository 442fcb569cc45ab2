// The encodings of RNTuple columns: from the bytes of a page to a typed array.

import { arrayTypes, type ElementType, type Values } from "../columns/column.ts";
import { BlockError } from "../compression/blocks.ts";
import { joinBytes16, joinBytes32, joinBytes64 } from "./split.ts";

/** What a column holds: numbers of a type, ends of collections, or the alternatives of variants. */
export type Content = ElementType | "index" | "switch";

interface Encoding {
  /** Fixed bits of an element, or the smallest and largest number of them. */
  bits: number | [number, number];
  content: Content;
  decode(
    bytes: Uint8Array,
    elements: number,
    bits: number,
    range: { min: number; max: number } | null,
  ): Values;
}

const plain = (type: ElementType): Encoding => {
  const size = arrayTypes[type].BYTES_PER_ELEMENT;
  return {
    bits: 8 * size,
    content: type,
    decode: (bytes, elements) => new arrayTypes[type](copy(bytes, elements * size), 0, elements),
  };
};

const split = (type: "uint16" | "uint32" | "uint64" | "float32" | "float64"): Encoding => {
  const size = arrayTypes[type].BYTES_PER_ELEMENT;
  return {
    bits: 8 * size,
    content: type,
    decode: (bytes, elements) => {
      const join = size === 2 ? joinBytes16 : size === 4 ? joinBytes32 : joinBytes64;
      return new arrayTypes[type](join(bytes, elements).buffer);
    },
  };
};

/** Types by their number in the format. */
const encodings: Encoding[] = [];
encodings[0x00] = { bits: 1, content: "bool", decode: unpackBits };
encodings[0x01] = plain("uint8");
encodings[0x02] = plain("uint8");
encodings[0x03] = plain("int8");
encodings[0x04] = plain("uint8");
encodings[0x05] = plain("int16");
encodings[0x06] = plain("uint16");
encodings[0x07] = plain("int32");
encodings[0x08] = plain("uint32");
encodings[0x09] = plain("int64");
encodings[0x0a] = plain("uint64");
encodings[0x0b] = {
  bits: 16,
  content: "float32",
  decode: (bytes, elements) => halves(new Uint16Array(copy(bytes, 2 * elements), 0, elements)),
};
encodings[0x0c] = plain("float32");
encodings[0x0d] = plain("float64");
encodings[0x0e] = {
  bits: 32,
  content: "index",
  decode: (bytes, elements) => Float64Array.from(new Uint32Array(copy(bytes, 4 * elements), 0, elements)),
};
encodings[0x0f] = {
  bits: 64,
  content: "index",
  decode: (bytes, elements) => wide(new Uint32Array(copy(bytes, 8 * elements), 0, 2 * elements)),
};
encodings[0x10] = {
  bits: 96,
  content: "switch",
  decode: (bytes, elements) => new Uint32Array(copy(bytes, 12 * elements), 0, 3 * elements),
};
encodings[0x11] = {
  bits: 16,
  content: "int16",
  decode: (bytes, elements) => {
    const words = new Int16Array(joinBytes16(bytes, elements).buffer);
    for (let i = 0; i < elements; i++) words[i] = ((words[i] & 0xffff) >>> 1) ^ -(words[i] & 1);
    return words;
  },
};
encodings[0x12] = split("uint16");
encodings[0x13] = {
  bits: 32,
  content: "int32",
  decode: (bytes, elements) => {
    const words = new Int32Array(joinBytes32(bytes, elements).buffer);
    for (let i = 0; i < elements; i++) words[i] = (words[i] >>> 1) ^ -(words[i] & 1);
    return words;
  },
};
encodings[0x14] = split("uint32");
encodings[0x15] = {
  bits: 64,
  content: "int64",
  decode: (bytes, elements) => {
    const words = joinBytes64(bytes, elements);
    for (let i = 0; i < words.length; i += 2) {
      const sign = -(words[i] & 1);
      words[i] = ((words[i] >>> 1) | (words[i + 1] << 31)) ^ sign;
      words[i + 1] = (words[i + 1] >>> 1) ^ sign;
    }
    return new BigInt64Array(words.buffer);
  },
};
encodings[0x16] = split("uint64");
encodings[0x17] = {
  bits: 16,
  content: "float32",
  decode: (bytes, elements) => halves(joinBytes16(bytes, elements)),
};
encodings[0x18] = split("float32");
encodings[0x19] = split("float64");
encodings[0x1a] = {
  bits: 32,
  content: "index",
  decode: (bytes, elements) => sums(Float64Array.from(joinBytes32(bytes, elements))),
};
encodings[0x1b] = {
  bits: 64,
  content: "index",
  decode: (bytes, elements) => sums(wide(joinBytes64(bytes, elements))),
};
encodings[0x1c] = {
  bits: [10, 31],
  content: "float32",
  decode: (bytes, elements, bits) => {
    const words = unpackWords(bytes, elements, bits);
    for (let i = 0; i < elements; i++) words[i] <<= 32 - bits;
    return new Float32Array(words.buffer);
  },
};
encodings[0x1d] = {
  bits: [1, 32],
  content: "float64",
  decode: (bytes, elements, bits, range) => {
    if (!range) throw new BlockError("a quantised column has no range");
    const words = unpackWords(bytes, elements, bits);
    const step = (range.max - range.min) / (2 ** bits - 1);
    return Float64Array.from(words, (word) => word * step + range.min);
  },
};

/** What a column of this type holds, or null for a type or width that version 1.0 does not have. */
export function contentOf(type: number, bits: number): Content | null {
  const encoding = encodings[type];
  if (!encoding) return null;
  const fits =
    typeof encoding.bits === "number"
      ? bits === encoding.bits
      : bits >= encoding.bits[0] && bits <= encoding.bits[1];
  return fits ? encoding.content : null;
}

/** Bytes of a page once decompressed. */
export function pageBytes(elements: number, bits: number): number {
  return Math.ceil((elements * bits) / 8);
}

/** Decodes a page of a type that contentOf knows; of an index column the ends are doubles, exact to 2^53. */
export function decodePage(
  bytes: Uint8Array,
  elements: number,
  column: { type: number; bits: number; range: { min: number; max: number } | null },
): Values {
  return encodings[column.type].decode(bytes, elements, column.bits, column.range);
}

/** A copy in a buffer of its own, aligned whatever the page's place was. */
function copy(bytes: Uint8Array, length: number): ArrayBuffer {
  const copied = new Uint8Array(length);
  copied.set(bytes.subarray(0, length));
  return copied.buffer;
}

function unpackBits(bytes: Uint8Array, elements: number): Values {
  const bits = new Uint8Array(elements);
  for (let i = 0; i < elements; i++) bits[i] = (bytes[i >> 3] >> (i & 7)) & 1;
  return bits;
}

/** Elements of any width up to 32 bits, packed one after another from the least significant bit. */
function unpackWords(bytes: Uint8Array, elements: number, bits: number): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(elements);
  const mask = 2 ** bits - 1;
  for (let i = 0; i < elements; i++) {
    const first = i * bits;
    let at = Math.floor(first / 8);
    // At most 32 bits and 7 before them lie in five bytes, which a double holds.
    let word = 0;
    let scale = 1;
    for (const last = Math.floor((first + bits - 1) / 8); at <= last; at++, scale *= 256)
      word += bytes[at] * scale;
    const shifted = Math.floor(word / 2 ** (first & 7));
    words[i] = bits === 32 ? shifted % 2 ** 32 : (shifted & mask) >>> 0;
  }
  return words;
}

/** Halves of 64-bit words to doubles. */
function wide(halves: Uint32Array): Float64Array<ArrayBuffer> {
  const values = new Float64Array(halves.length / 2);
  for (let i = 0; i < values.length; i++) values[i] = halves[2 * i] + halves[2 * i + 1] * 2 ** 32;
  return values;
}

function sums(deltas: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  for (let i = 1; i < deltas.length; i++) deltas[i] += deltas[i - 1];
  return deltas;
}

/** IEEE 754 half precision, by its definition. */
function halves(words: Uint16Array): Float32Array<ArrayBuffer> {
  const values = new Float32Array(words.length);
  for (let i = 0; i < words.length; i++) {
    const exponent = (words[i] >> 10) & 31;
    const fraction = words[i] & 1023;
    const size =
      exponent === 0
        ? fraction * 2 ** -24
        : exponent === 31
          ? fraction === 0
            ? Number.POSITIVE_INFINITY
            : Number.NaN
          : (1024 + fraction) * 2 ** (exponent - 25);
    values[i] = words[i] & 0x8000 ? -size : size;
  }
  return values;
}
