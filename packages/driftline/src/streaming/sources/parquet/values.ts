// Values of Parquet pages: from bytes to typed arrays or strings, and from there to what a column holds.

import { arrayTypes, type ElementType, type Values } from "@driftline/rootio";
import type { SchemaElement } from "hyparquet";
import { parseFloat16 } from "hyparquet/src/convert.js";
import { deltaBinaryUnpack } from "hyparquet/src/delta.js";
import { DamagedError } from "../damaged.ts";
import { readHybrid } from "./levels.ts";
import type { Leaf } from "./schema.ts";

/** String i is bytes[offsets[i], offsets[i + 1]). */
export interface Strings {
  offsets: Int32Array<ArrayBuffer>;
  bytes: Uint8Array<ArrayBuffer>;
}
export type Decoded = Values | Strings;

export const isStrings = (decoded: Decoded): decoded is Strings => !ArrayBuffer.isView(decoded);
export const countOf = (decoded: Decoded) =>
  isStrings(decoded) ? decoded.offsets.length - 1 : decoded.length;

/** Text of one page; no writer makes pages of more. */
const mostBytes = 256 * 1024 * 1024;

/** Decodes so many values that are there; the result is what the column's target holds. */
export function decodeValues(
  leaf: Leaf,
  encoding: string,
  bytes: Uint8Array,
  count: number,
  dictionary: Decoded | null,
): Decoded {
  switch (encoding) {
    case "PLAIN":
      return convert(leaf, plain(leaf.element, bytes, count));
    case "PLAIN_DICTIONARY":
    case "RLE_DICTIONARY": {
      if (count === 0) return convert(leaf, plain(leaf.element, bytes, 0));
      if (!dictionary) throw new DamagedError("a page refers to a dictionary that is not there");
      const indices = new Int32Array(count);
      // No bits: all are the first.
      if (bytes[0] > 0) readHybrid(bytes, 1, bytes.length, bytes[0], indices);
      return gather(dictionary, indices);
    }
    case "RLE": {
      if (leaf.element.type !== "BOOLEAN") break;
      const bools = new Uint8Array(count);
      if (count > 0) readHybrid(bytes, 4, bytes.length, 1, bools);
      return convert(leaf, bools);
    }
    case "DELTA_BINARY_PACKED": {
      const { type } = leaf.element;
      if (type !== "INT32" && type !== "INT64") break;
      return convert(leaf, unpackDeltas(bytes, type, count).values);
    }
    case "DELTA_LENGTH_BYTE_ARRAY":
      return convert(leaf, lengthStrings(bytes, count));
    case "DELTA_BYTE_ARRAY":
      return convert(leaf, prefixedStrings(bytes, count));
    case "BYTE_STREAM_SPLIT": {
      const width = widthOf(leaf.element);
      needs(bytes, count * width);
      const joined = new Uint8Array(count * width);
      for (let b = 0; b < width; b++)
        for (let i = 0; i < count; i++) joined[i * width + b] = bytes[b * count + i];
      return convert(leaf, plain(leaf.element, joined, count));
    }
  }
  throw new DamagedError(`values in the encoding ${encoding}, which is not read for this type`);
}

/** A dictionary page's values, as the column holds them. */
export function decodeDictionary(leaf: Leaf, bytes: Uint8Array, count: number): Decoded {
  return convert(leaf, plain(leaf.element, bytes, count));
}

/** What PLAIN holds: FIXED_LEN_BYTE_ARRAY and INT96 stay bytes, side by side. */
function plain(element: SchemaElement, bytes: Uint8Array, count: number): Decoded {
  switch (element.type) {
    case "BOOLEAN": {
      needs(bytes, Math.ceil(count / 8));
      return Uint8Array.from({ length: count }, (_, i) => (bytes[i >> 3] >> (i & 7)) & 1);
    }
    case "BYTE_ARRAY":
      return plainStrings(bytes, count);
    case "INT32":
      return new Int32Array(copied(bytes, 4 * count));
    case "INT64":
      return new BigInt64Array(copied(bytes, 8 * count));
    case "FLOAT":
      return new Float32Array(copied(bytes, 4 * count));
    case "DOUBLE":
      return new Float64Array(copied(bytes, 8 * count));
    default:
      return new Uint8Array(copied(bytes, widthOf(element) * count));
  }
}

function widthOf({ type, type_length = 0 }: SchemaElement): number {
  const width = { INT32: 4, FLOAT: 4, INT64: 8, DOUBLE: 8, INT96: 12 }[type as string] ?? type_length;
  if (!(width > 0 && width <= 64)) throw new DamagedError(`values of ${width} bytes`);
  return width;
}

function needs(bytes: Uint8Array, length: number): void {
  if (bytes.length < length)
    throw new DamagedError(`a page has ${bytes.length} bytes of values and needs ${length}`);
}

/** A copy, because pages lie anywhere and typed arrays don't. */
function copied(bytes: Uint8Array, length: number): ArrayBuffer {
  needs(bytes, length);
  const copy = new Uint8Array(length);
  copy.set(bytes.subarray(0, length));
  return copy.buffer;
}

function plainStrings(bytes: Uint8Array, count: number): Strings {
  needs(bytes, 4 * count);
  const offsets = new Int32Array(count + 1);
  const text = new Uint8Array(bytes.length - 4 * count);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (at + 4 > bytes.length) throw new DamagedError("texts end early");
    const length = view.getUint32(at, true);
    at += 4;
    if (at + length > bytes.length) throw new DamagedError("texts end early");
    text.set(bytes.subarray(at, at + length), offsets[i]);
    at += length;
    offsets[i + 1] = offsets[i] + length;
  }
  return { offsets, bytes: text };
}

function unpackDeltas(bytes: Uint8Array, type: "INT32" | "INT64", count: number) {
  const values = type === "INT32" ? new Int32Array(count) : new BigInt64Array(count);
  const reader = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), offset: 0 };
  if (count > 0) deltaBinaryUnpack(reader, count, values);
  return { values, end: reader.offset };
}

function lengthStrings(bytes: Uint8Array, count: number): Strings {
  const { values, end } = unpackDeltas(bytes, "INT32", count);
  const offsets = new Int32Array(count + 1);
  for (let i = 0; i < count; i++) {
    const length = Number(values[i]);
    if (length < 0 || offsets[i] + length > bytes.length - end) throw new DamagedError("texts end early");
    offsets[i + 1] = offsets[i] + length;
  }
  return { offsets, bytes: new Uint8Array(bytes.subarray(end, end + offsets[count])) };
}

/** Each text is the beginning of the one before, so long, and an ending. */
function prefixedStrings(bytes: Uint8Array, count: number): Strings {
  const { values: prefixes, end } = unpackDeltas(bytes, "INT32", count);
  const endings = lengthStrings(bytes.subarray(end), count);
  const offsets = new Int32Array(count + 1);
  let total = 0;
  for (let i = 0; i < count; i++) {
    const prefix = Number(prefixes[i]);
    const before = i === 0 ? 0 : offsets[i] - offsets[i - 1];
    total += prefix + endings.offsets[i + 1] - endings.offsets[i];
    if (prefix < 0 || prefix > before || total > mostBytes)
      throw new DamagedError("texts of impossible length");
    offsets[i + 1] = total;
  }
  const text = new Uint8Array(total);
  for (let i = 0; i < count; i++) {
    const prefix = Number(prefixes[i]);
    if (prefix > 0) text.copyWithin(offsets[i], offsets[i - 1], offsets[i - 1] + prefix);
    text.set(endings.bytes.subarray(endings.offsets[i], endings.offsets[i + 1]), offsets[i] + prefix);
  }
  return { offsets, bytes: text };
}

function gather(dictionary: Decoded, indices: Int32Array): Decoded {
  const count = countOf(dictionary);
  for (const index of indices)
    if (index < 0 || index >= count)
      throw new DamagedError(`index ${index} into a dictionary of ${count} values`);
  if (!isStrings(dictionary)) {
    const values = new (dictionary.constructor as new (n: number) => Values)(indices.length);
    for (let i = 0; i < indices.length; i++) values[i] = dictionary[indices[i]];
    return values;
  }
  const offsets = new Int32Array(indices.length + 1);
  let total = 0;
  for (let i = 0; i < indices.length; i++) {
    total += dictionary.offsets[indices[i] + 1] - dictionary.offsets[indices[i]];
    if (total > mostBytes) throw new DamagedError("a page of more than 256 MiB of text");
    offsets[i + 1] = total;
  }
  const bytes = new Uint8Array(total);
  for (let i = 0; i < indices.length; i++) {
    const from = dictionary.offsets[indices[i]];
    bytes.set(dictionary.bytes.subarray(from, dictionary.offsets[indices[i] + 1]), offsets[i]);
  }
  return { offsets, bytes };
}

/** What the column holds, from what the page holds: times become seconds, decimals the nearest float64. */
function convert({ element, target }: Leaf, decoded: Decoded): Decoded {
  if (target === "string") return decoded;
  const scale = decimalScale(element);
  if (scale !== null) {
    const unit = 10 ** scale;
    return Float64Array.from(unscaled(element, decoded), (value) => value / unit);
  }
  if (isStrings(decoded)) throw new DamagedError("text where numbers were announced");
  if (element.type === "INT96") return int96Seconds(decoded as Uint8Array);
  if (element.logical_type?.type === "FLOAT16") return float16(decoded as Uint8Array);
  const seconds = secondsOf(element);
  if (seconds !== null)
    return Float64Array.from(decoded as ArrayLike<number | bigint> as number[], (value) =>
      seconds < 1 ? Number(value) / Math.round(1 / seconds) : Number(value) * seconds,
    );
  return cast(decoded, target);
}

function cast(values: Values, target: ElementType): Values {
  const type = arrayTypes[target];
  if (values instanceof type) return values;
  if (values instanceof BigInt64Array && target === "uint64") return new BigUint64Array(values.buffer);
  if (values instanceof BigInt64Array || values instanceof BigUint64Array) {
    // Small integers may be announced in 64 bits.
    const from = Float64Array.from(values, Number);
    return target === "int64" || target === "uint64" ? values : (new type(from as never) as Values);
  }
  if (target === "int64" || target === "uint64")
    return (type as typeof BigInt64Array).from(values as unknown as bigint[], BigInt) as Values;
  return new (type as typeof Float64Array)(values as Float64Array) as Values;
}

/** Seconds in a unit of the column; null where it is no time. */
function secondsOf({ converted_type = "DECIMAL", logical_type }: SchemaElement): number | null {
  if (logical_type?.type === "DATE" || converted_type === "DATE") return 86_400;
  if (logical_type?.type === "TIMESTAMP" || logical_type?.type === "TIME")
    return { MILLIS: 1e-3, MICROS: 1e-6, NANOS: 1e-9 }[logical_type.unit];
  if (/^TIME(STAMP)?_MILLIS$/.test(converted_type)) return 1e-3;
  return /^TIME(STAMP)?_MICROS$/.test(converted_type) ? 1e-6 : null;
}

function decimalScale({ converted_type, logical_type, scale }: SchemaElement): number | null {
  if (logical_type?.type === "DECIMAL") return logical_type.scale ?? 0;
  return converted_type === "DECIMAL" ? (scale ?? 0) : null;
}

/** The whole numbers of a decimal: integers, or bytes of two's complement with the most significant first. */
function unscaled(element: SchemaElement, decoded: Decoded): number[] {
  const bytes = (from: number, to: number, of: Uint8Array) => {
    if (to - from > 64) throw new DamagedError(`a decimal of ${to - from} bytes`);
    let value = 0n;
    for (let at = from; at < to; at++) value = (value << 8n) | BigInt(of[at]);
    return Number(BigInt.asIntN(8 * (to - from), value));
  };
  if (isStrings(decoded)) {
    const { offsets } = decoded;
    return Array.from({ length: countOf(decoded) }, (_, i) =>
      bytes(offsets[i], offsets[i + 1], decoded.bytes),
    );
  }
  if (element.type !== "FIXED_LEN_BYTE_ARRAY") return Array.from(decoded as ArrayLike<number>, Number);
  const width = widthOf(element);
  const raw = decoded as Uint8Array;
  return Array.from({ length: raw.length / width }, (_, i) => bytes(i * width, (i + 1) * width, raw));
}

/** Nanoseconds of the day (8 bytes) and the Julian day (4). */
function int96Seconds(raw: Uint8Array): Float64Array<ArrayBuffer> {
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  return Float64Array.from({ length: raw.length / 12 }, (_, i) => {
    const days = view.getInt32(12 * i + 8, true) - 2_440_588;
    return days * 86_400 + Number(view.getBigInt64(12 * i, true)) / 1e9;
  });
}

function float16(raw: Uint8Array): Float32Array<ArrayBuffer> {
  return Float32Array.from(
    { length: raw.length / 2 },
    (_, i) => parseFloat16(raw.subarray(2 * i, 2 * i + 2))!,
  );
}
