// Columns for tests: every shape that a flat tree holds, with values of random bits, cut into chunks.

import { arrayTypes, type Column, type ElementType, type Shape } from "../columns/column.ts";

export const elementTypes = Object.keys(arrayTypes) as ElementType[];

/** The generator mulberry32: the same numbers for a seed. */
export function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export const number = (type: ElementType): Shape => ({ kind: "number", type });
export const list = (content: Shape, length?: number): Shape =>
  length === undefined ? { kind: "list", content } : { kind: "list", content, length };

/** Values of any bits: infinities and NaN with payloads among the floating-point ones. */
export function columnOf(shape: Shape, length: number, random: () => number): Column {
  if (shape.kind === "number") {
    const { type } = shape;
    const bytes = new Uint8Array(new ArrayBuffer(length * arrayTypes[type].BYTES_PER_ELEMENT));
    for (let i = 0; i < bytes.length; i++) bytes[i] = type === "bool" ? random() * 2 : random() * 256;
    return { kind: "number", type, values: new arrayTypes[type](bytes.buffer) };
  }
  if (shape.kind === "string") {
    const texts = Array.from({ length }, (_, i) =>
      i % 13 === 0 ? "" : "αβ ✓ text ".repeat(random() * (i % 17 === 0 ? 60 : 4)),
    );
    const parts = texts.map((text) => new TextEncoder().encode(text));
    const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    const offsets = new Int32Array(length + 1);
    parts.forEach((part, i) => {
      bytes.set(part, offsets[i]);
      offsets[i + 1] = offsets[i] + part.length;
    });
    return { kind: "string", offsets, bytes };
  }
  if (shape.kind !== "list") throw new TypeError(shape.kind);
  const offsets = new Int32Array(length + 1);
  for (let i = 0; i < length; i++) offsets[i + 1] = offsets[i] + (shape.length ?? Math.floor(random() * 5));
  return listOf(offsets, columnOf(shape.content, offsets[length], random), shape.length);
}

export function listOf(offsets: Int32Array<ArrayBuffer>, content: Column, length?: number): Column {
  return length === undefined
    ? { kind: "list", offsets, content }
    : { kind: "list", offsets, content, length };
}

/** Entries of a column without copying what its lists hold: offsets then begin anywhere. */
export function sliceOf(column: Column, start: number, stop: number): Column {
  if (column.kind === "number") return { ...column, values: column.values.subarray(start, stop) } as Column;
  if (column.kind !== "string" && column.kind !== "list") throw new TypeError(column.kind);
  return { ...column, offsets: column.offsets.slice(start, stop + 1) };
}

/** All bits of a column as text, to compare. */
export function bitsOf(column: Column): unknown {
  switch (column.kind) {
    case "number": {
      const { buffer, byteOffset, byteLength } = column.values;
      return [column.type, Buffer.from(buffer, byteOffset, byteLength).toString("hex")];
    }
    case "string":
      return [Array.from(column.offsets), Buffer.from(column.bytes).toString("hex")];
    case "list":
      return [column.length, Array.from(column.offsets), bitsOf(column.content)];
    default:
      throw new TypeError(column.kind);
  }
}

/** By name, one of every shape with every type of values. */
export function everyShape(): Record<string, Shape> {
  const shapes: Record<string, Shape> = {
    text: { kind: "string" },
    "two words; η-1 (GeV)": number("float32"),
  };
  for (const type of elementTypes) {
    shapes[`scalar.${type}`] = number(type);
    shapes[`fixed_${type}`] = list(number(type), 3);
    shapes[`matrix ${type}`] = list(list(number(type), 3), 2);
    shapes[`jagged${type}`] = list(number(type));
    shapes[`rows${type}`] = list(list(number(type), 2));
  }
  return shapes;
}
