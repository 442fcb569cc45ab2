// Arrays that grow as values are found, and columns made of them.

import { arrayTypes, type Column, type ElementType, type NumberColumn, type Values } from "@driftline/rootio";
import { DamagedError } from "./damaged.ts";

/** Values that a column of one chunk may have: what 32-bit offsets count. */
const mostValues = 2 ** 31 - 1;

export interface Growing<A extends Values> {
  array: A;
  length: number;
}

export function growing<T extends ElementType>(
  type: T,
  capacity = 64,
): Growing<InstanceType<(typeof arrayTypes)[T]> & Values> {
  return { array: new arrayTypes[type](capacity) as never, length: 0 };
}

/** Makes room for so many more values. */
export function reserve(into: Growing<Values>, more: number): void {
  const needed = into.length + more;
  if (needed <= into.array.length) return;
  if (needed > mostValues)
    throw new DamagedError("more values than can be held; read fewer entries at a time");
  const larger = new (into.array.constructor as new (n: number) => Values)(
    Math.max(needed, 2 * into.array.length),
  );
  (larger as Float64Array).set(into.array.subarray(0, into.length) as Float64Array);
  into.array = larger;
}

export function append(into: Growing<Values>, values: Values): void {
  reserve(into, values.length);
  (into.array as Float64Array).set(values as Float64Array, into.length);
  into.length += values.length;
}

/** A column of values [from, to), which are copied. */
export function numbersOf(type: ElementType, values: Values, from: number, to: number): NumberColumn {
  return { kind: "number", type, values: values.slice(from, to) as Values };
}

/** Offsets [from, to], counted from the first. */
export function rebased(offsets: Int32Array, from: number, to: number): Int32Array<ArrayBuffer> {
  const copy = new Int32Array(to - from + 1);
  const base = offsets[from];
  for (let i = 0; i < copy.length; i++) copy[i] = offsets[from + i] - base;
  return copy;
}

/** A column of strings [from, to). */
export function stringsOf(offsets: Int32Array, bytes: Uint8Array, from: number, to: number): Column {
  return {
    kind: "string",
    offsets: rebased(offsets, from, to),
    bytes: bytes.slice(offsets[from], offsets[to]) as Uint8Array<ArrayBuffer>,
  };
}
