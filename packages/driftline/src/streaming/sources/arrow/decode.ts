// One leaf of a record batch as a column: validity, offsets and values from their buffers, all lengths checked.

import { arrayTypes, type Column, type ElementType, type Shape, type Values } from "@driftline/rootio";
import { DamagedError } from "../damaged.ts";
import { keptItems, keptOffsets, slice } from "../slice.ts";
import type { Batch } from "./messages.ts";
import type { ArrowLeaf, Placed, Step, ValueKind } from "./schema.ts";

/** The bytes of a batch's buffer by its number, decompressed. */
export type Buffers = (index: number) => Uint8Array;
/** The values of a dictionary, as a column of its own. */
export type DictionaryOf = (value: Extract<ValueKind, { kind: "dictionary" }>) => Column;

/** Numbers of the buffers that a leaf takes. */
export function buffersOf({ steps, value }: ArrowLeaf): number[] {
  const counts = { list: 2, fixed: 1, struct: 1 };
  const ofSteps = steps.flatMap(({ kind, buffer }) => range(buffer, counts[kind]));
  const { buffer, variadic } = value!;
  return [...ofSteps, ...range(buffer, value!.kind === "text" ? 3 : 2 + variadic)];
}

const range = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i);

/** Decodes a leaf whose column has this shape. */
export function decodeLeaf(
  leaf: ArrowLeaf,
  shape: Shape,
  batch: Batch,
  buffers: Buffers,
  dictionaryOf: DictionaryOf,
): Column {
  const nodes = batch.header.structs(1, 16);
  const lengthOf = (node: number) => {
    const length = nodes.int64(node, 0);
    if (length < 0 || length > 2 ** 31 - 1) throw new DamagedError(`a column claims ${length} values`);
    return length;
  };
  /** 1 where there is a value; null where all are there. */
  const valid = ({ node, buffer }: Placed, rows: number): Uint8Array | null => {
    if (lengthOf(node) < rows) throw new DamagedError("a column has fewer values than its batch");
    if (nodes.int64(node, 8) === 0) return null;
    const bits = buffers(buffer);
    needs(bits, Math.ceil(rows / 8));
    return Uint8Array.from({ length: rows }, (_, i) => (bits[i >> 3] >> (i & 7)) & 1);
  };
  const walk = (at: number, rows: number, above: Uint8Array | null, shape: Shape): Column => {
    const step = leaf.steps[at];
    if (step === undefined) {
      const value = leaf.value!;
      const keep = both(above, valid(value, rows));
      return decodeValues(value, rows, keep, shape, buffers, dictionaryOf);
    }
    const keep = both(above, valid(step, rows));
    if (step.kind === "struct") return walk(at + 1, rows, keep, shape);
    if (shape.kind !== "list") throw new DamagedError("a list where none was announced");
    const offsets = step.kind === "list" ? offsetsOf(step, rows, buffers) : everyNth(step.size, rows);
    const [from, to] = [offsets[0], offsets[rows]];
    if (lengthOf(step.child) < to) throw new DamagedError("lists refer to items that are not there");
    const items = slice(walk(at + 1, to, null, shape.content), from, to);
    for (let i = 0; i <= rows; i++) offsets[i] -= from;
    if (keep === null)
      return { ...listOf(offsets, items), ...(shape.length === undefined ? {} : { length: shape.length }) };
    return listOf(keptOffsets(offsets, keep), keptItems(items, shape.content, offsets, keep));
  };
  return walk(0, batch.entries, null, shape);
}

const listOf = (offsets: Int32Array<ArrayBuffer>, content: Column) => ({
  kind: "list" as const,
  offsets,
  content,
});

function both(a: Uint8Array | null, b: Uint8Array | null): Uint8Array | null {
  if (a === null || b === null) return a ?? b;
  return a.map((each, i) => each & b[i]);
}

function needs(bytes: Uint8Array, length: number): void {
  if (bytes.length < length) throw new DamagedError(`a buffer has ${bytes.length} bytes and needs ${length}`);
}

function everyNth(size: number, rows: number): Int32Array<ArrayBuffer> {
  if (size * rows > 2 ** 31 - 1) throw new DamagedError("more values than can be held");
  return Int32Array.from({ length: rows + 1 }, (_, i) => i * size);
}

function offsetsOf(
  step: Extract<Step, { kind: "list" }>,
  rows: number,
  buffers: Buffers,
): Int32Array<ArrayBuffer> {
  return rising(buffers(step.buffer + 1), rows, step.wide);
}

/** Offsets that don't fall; an empty buffer is that of no entries. */
function rising(bytes: Uint8Array, rows: number, wide: boolean): Int32Array<ArrayBuffer> {
  if (rows === 0) return new Int32Array(1);
  const raw = typed(bytes, wide ? "int64" : "int32", rows + 1);
  const offsets = wide ? Int32Array.from(raw as BigInt64Array, Number) : (raw as Int32Array<ArrayBuffer>);
  if (wide && (raw as BigInt64Array)[rows] !== BigInt(offsets[rows]))
    throw new DamagedError("more values than can be held");
  let before = 0;
  for (const offset of offsets) {
    if (offset < before) throw new DamagedError("offsets of lists or texts fall");
    before = offset;
  }
  return offsets;
}

/** A copy of the first values of a buffer. */
function typed(bytes: Uint8Array, type: ElementType, count: number): Values {
  const array = arrayTypes[type];
  needs(bytes, count * array.BYTES_PER_ELEMENT);
  const copy = new Uint8Array(count * array.BYTES_PER_ELEMENT);
  copy.set(bytes.subarray(0, copy.length));
  return new array(copy.buffer) as Values;
}

function decodeValues(
  value: Placed & ValueKind,
  rows: number,
  keep: Uint8Array | null,
  shape: Shape,
  buffers: Buffers,
  dictionaryOf: DictionaryOf,
): Column {
  const data = () => buffers(value.buffer + 1);
  switch (value.kind) {
    case "text": {
      const offsets = rising(data(), rows, value.wide);
      const bytes = buffers(value.buffer + 2);
      needs(bytes, offsets[rows]);
      return texts(offsets, bytes, keep);
    }
    case "views":
      return viewTexts(value, rows, keep, buffers);
    case "dictionary": {
      const indices = Array.from(typed(data(), value.index, rows) as Int32Array, Number);
      return picked(dictionaryOf(value), indices, keep, shape);
    }
    default: {
      if (shape.kind !== "number") throw new DamagedError("numbers where none were announced");
      const values = numbers(value, data(), rows, shape.type);
      if (keep !== null) {
        if (!(values instanceof Float64Array || values instanceof Float32Array))
          throw new DamagedError("values are missing that were announced");
        for (let i = 0; i < rows; i++) if (!keep[i]) values[i] = Number.NaN;
      }
      return { kind: "number", type: shape.type, values };
    }
  }
}

function numbers(
  value: Exclude<ValueKind, { kind: "text" | "views" | "dictionary" }>,
  bytes: Uint8Array,
  rows: number,
  target: ElementType,
): Values {
  switch (value.kind) {
    case "half": {
      const raw = typed(bytes, "uint16", rows) as Uint16Array;
      return Float32Array.from(raw, halfToNumber);
    }
    case "time": {
      const raw = typed(bytes, value.wide ? "int64" : "int32", rows) as ArrayLike<number | bigint>;
      return Float64Array.from({ length: rows }, (_, i) => seconds(Number(raw[i]), value.perSecond));
    }
    case "decimal": {
      needs(bytes, rows * value.bytes);
      const unit = 10 ** value.scale;
      return Float64Array.from({ length: rows }, (_, i) => {
        let whole = 0n;
        for (let b = value.bytes - 1; b >= 0; b--) whole = (whole << 8n) | BigInt(bytes[i * value.bytes + b]);
        return Number(BigInt.asIntN(8 * value.bytes, whole)) / unit;
      });
    }
    case "number": {
      if (value.type === "bool") {
        needs(bytes, Math.ceil(rows / 8));
        const bits = new Uint8Array(rows);
        for (let i = 0; i < rows; i++) bits[i] = (bytes[i >> 3] >> (i & 7)) & 1;
        return target === "bool" ? bits : Float64Array.from(bits);
      }
      const raw = typed(bytes, value.type, rows);
      return value.type === target ? raw : Float64Array.from(raw as unknown as number[], Number);
    }
  }
}

function seconds(value: number, perSecond: number): number {
  return perSecond < 1 ? value * Math.round(1 / perSecond) : value / perSecond;
}

/** IEEE 754 binary16. */
function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** Texts without those that are not there, which become empty. */
function texts(offsets: Int32Array<ArrayBuffer>, bytes: Uint8Array, keep: Uint8Array | null): Column {
  const from = offsets[0];
  const to = offsets[offsets.length - 1];
  const column: Column = {
    kind: "string",
    offsets: offsets.map((offset) => offset - from),
    bytes: bytes.slice(from, to) as Uint8Array<ArrayBuffer>,
  };
  if (keep === null || keep.every((each) => each === 1)) return column;
  return picked(column, Array.from(keep.keys()), keep, { kind: "string" });
}

/** 16 bytes each: the length, and the text itself, or its first 4 bytes and where it lies. */
function viewTexts(value: Placed, rows: number, keep: Uint8Array | null, buffers: Buffers): Column {
  const views = buffers(value.buffer + 1);
  needs(views, 16 * rows);
  const view = new DataView(views.buffer, views.byteOffset, views.byteLength);
  const offsets = new Int32Array(rows + 1);
  const parts: Uint8Array[] = [];
  let total = 0;
  for (let i = 0; i < rows; i++) {
    const length = keep === null || keep[i] ? view.getInt32(16 * i, true) : 0;
    let from = views.subarray(16 * i + 4, 16 * i + 16);
    if (length > 12) {
      const index = view.getInt32(16 * i + 8, true);
      const offset = view.getInt32(16 * i + 12, true);
      if (index < 0 || index >= value.variadic || offset < 0)
        throw new DamagedError("a text lies outside its buffers");
      from = buffers(value.buffer + 2 + index).subarray(offset);
    }
    if (length < 0 || length > from.length) throw new DamagedError("a text lies outside its buffers");
    parts.push(from.subarray(0, length));
    total += length;
    // Many views may share one text.
    if (total > 512 * 1024 * 1024) throw new DamagedError("more text than can be held");
    offsets[i + 1] = total;
  }
  return { kind: "string", offsets, bytes: new Uint8Array(Buffer.concat(parts, total)) };
}

/** Items of a dictionary by their numbers; what is missing is NaN or an empty text. */
function picked(dictionary: Column, indices: number[], keep: Uint8Array | null, shape: Shape): Column {
  const size =
    dictionary.kind === "string"
      ? dictionary.offsets.length - 1
      : dictionary.kind === "number"
        ? dictionary.values.length
        : 0;
  const has = (i: number) => keep === null || keep[i] === 1;
  for (const [i, index] of indices.entries())
    if (has(i) && !(index >= 0 && index < size))
      throw new DamagedError(`index ${index} into a dictionary of ${size} values`);
  if (dictionary.kind === "number" && shape.kind === "number") {
    const { values } = dictionary;
    const target = arrayTypes[shape.type];
    const all = indices.map((index, i) => (has(i) ? Number(values[index]) : Number.NaN));
    return { kind: "number", type: shape.type, values: (target as typeof Float64Array).from(all) };
  }
  if (dictionary.kind !== "string") throw new DamagedError("a dictionary of lists");
  const offsets = new Int32Array(indices.length + 1);
  let total = 0;
  for (const [i, index] of indices.entries()) {
    if (has(i)) total += dictionary.offsets[index + 1] - dictionary.offsets[index];
    if (total > 512 * 1024 * 1024) throw new DamagedError("more text than can be held");
    offsets[i + 1] = total;
  }
  const bytes = new Uint8Array(total);
  for (const [i, index] of indices.entries())
    if (has(i))
      bytes.set(
        dictionary.bytes.subarray(dictionary.offsets[index], dictionary.offsets[index + 1]),
        offsets[i],
      );
  return { kind: "string", offsets, bytes };
}
