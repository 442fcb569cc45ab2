// How ROOT stores numbers: big-endian words, and the shortened forms of Double32_t and Float16_t.

import { arrayTypes, type ElementType, type Values } from "../columns/column.ts";
import { BlockError } from "../compression/blocks.ts";

/** A way to store one number. */
export interface NumberFormat {
  type: ElementType;
  /** Bytes of a stored value. */
  bytes: number;
  /** Value at a position, where it is not a big-endian word of the type. */
  unpack: ((view: DataView, at: number) => number) | null;
}

export function plainFormat(type: ElementType): NumberFormat {
  return { type, bytes: arrayTypes[type].BYTES_PER_ELEMENT, unpack: null };
}

/** By the codes of TVirtualStreamerInfo::EReadWrite; a Double32_t or Float16_t by the title of its member. */
export function formatOfCode(code: number, title: string): NumberFormat | null {
  if (code === 9) return shortened("float64", title);
  if (code === 19) return shortened("float32", title);
  const type = typeCodes[code];
  return type ? plainFormat(type) : null;
}

const typeCodes: Record<number, ElementType> = {
  1: "int8",
  2: "int16",
  3: "int32",
  4: "int64",
  5: "float32",
  6: "int32",
  8: "float64",
  11: "uint8",
  12: "uint16",
  13: "uint32",
  14: "uint64",
  15: "uint32",
  16: "int64",
  17: "uint64",
  18: "bool",
};

/**
 * Double32_t and Float16_t: with a range, an unsigned integer that counts steps from its minimum; without one, a float
 * (Double32_t) or an exponent and a mantissa of so many bits (TBufferFile::ReadFastArrayWithFactor and WithNbits).
 */
export function shortened(type: "float32" | "float64", title: string): NumberFormat {
  const range = parseRange(title);
  if (range?.kind === "steps") {
    const { minimum, factor } = range;
    return { type, bytes: 4, unpack: (view, at) => view.getUint32(at) / factor + minimum };
  }
  const bits = range?.bits ?? (type === "float64" ? 0 : 12);
  if (bits === 0) return { type, bytes: 4, unpack: (view, at) => view.getFloat32(at) };
  const word = new DataView(new ArrayBuffer(4));
  return {
    type,
    bytes: 3,
    unpack: (view, at) => {
      const mantissa = view.getUint16(at + 1);
      const sign = 1 << (bits + 1);
      word.setInt32(0, (view.getUint8(at) << 23) | ((mantissa & (sign - 1)) << (23 - bits)));
      const size = word.getFloat32(0);
      return mantissa & sign ? -size : size;
    },
  };
}

type Range = { kind: "steps"; minimum: number; factor: number } | { kind: "mantissa"; bits: number };

/** The `[minimum, maximum, bits]` of a member's title, after the brackets of an array's length (TStreamerElement). */
function parseRange(title: string): Range | null {
  const match = /^[^[]*(?:\[[^\],]*\])*(?:\/\w)?\[([^\],]+),([^\],]+)(?:,([^\],]+))?\]/.exec(title);
  if (!match) return null;
  let bits = match[3] === undefined ? 32 : Number.parseInt(match[3], 10);
  if (!(bits >= 2 && bits <= 32)) bits = 32;
  const minimum = parseBound(match[1]);
  const maximum = parseBound(match[2]);
  if (minimum < maximum) {
    const steps = bits < 32 ? 2 ** bits : 0xffffffff;
    return { kind: "steps", minimum, factor: steps / (maximum - minimum) };
  }
  return bits < 15 ? { kind: "mantissa", bits } : null;
}

function parseBound(text: string): number {
  const [, sign, name] = /^\s*([+-]?)\s*(.*?)\s*$/.exec(text.toLowerCase())!;
  const multiples: Record<string, number> = {
    pi: 1,
    "2pi": 2,
    "2*pi": 2,
    twopi: 2,
    "pi/2": 0.5,
    "pi/4": 0.25,
  };
  const size = Object.hasOwn(multiples, name) ? multiples[name] * Math.PI : Number.parseFloat(name);
  return sign === "-" ? -size : size;
}

/** Stored values to a typed array of their own. */
export function decodeNumbers(bytes: Uint8Array, format: NumberFormat): Values {
  const count = bytes.length / format.bytes;
  if (!Number.isInteger(count))
    throw new BlockError(`${bytes.length} bytes are no whole number of values of ${format.bytes}`);
  const values = new arrayTypes[format.type](count);
  placeNumbers(bytes, format, values, 0);
  return values;
}

/** Puts stored values into `values`. */
export function placeNumbers(bytes: Uint8Array, format: NumberFormat, values: Values, at: number): void {
  const { unpack } = format;
  if (!unpack) {
    const place = new Uint8Array(values.buffer, values.byteOffset + at * format.bytes, bytes.length);
    place.set(bytes);
    swapInPlace(place, format);
    return;
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const numbers = values as Float64Array;
  for (let i = at, from = 0; from < bytes.length; i++, from += format.bytes) numbers[i] = unpack(view, from);
}

/** Plain values from the file's byte order to the machine's (little-endian), all at once. */
function swapInPlace(bytes: Uint8Array, format: NumberFormat): void {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (format.bytes === 2) buffer.swap16();
  else if (format.bytes === 4) buffer.swap32();
  else if (format.bytes === 8) buffer.swap64();
}

/** The stored values as an array over the same bytes, which are changed; null where they do not lie so that it can be. */
export function numbersInPlace(bytes: Uint8Array, format: NumberFormat): Values | null {
  const count = bytes.length / format.bytes;
  if (format.unpack || bytes.byteOffset % format.bytes !== 0 || !Number.isInteger(count)) return null;
  swapInPlace(bytes, format);
  return new arrayTypes[format.type](bytes.buffer as ArrayBuffer, bytes.byteOffset, count);
}
