// What the decoding of numbers and of counted arrays works on: baskets with what they hold, and offsets that are shared.

import type { Take } from "../budget.ts";
import { arrayTypes, type Column, type Values } from "../columns/column.ts";
import { TooManyValuesError } from "../columns/concat.ts";
import type { BasketContent } from "./basket.ts";
import type { Basket } from "./branch.ts";
import { type NumberFormat, numbersInPlace, placeNumbers } from "./numbers.ts";

/** A basket and what it holds. */
export interface Part {
  basket: Basket;
  content: BasketContent;
  /** All of its values, decoded when a read first needed this basket alone; its bytes are no longer what was stored. */
  whole?: { values: Values; offsets: Offsets | null };
}

export type Offsets = Int32Array<ArrayBuffer>;

/** Offsets of one read: arrays with one counter mostly have the same. */
export interface SharedOffsets {
  /** Of all entries that are read, by the branch that counts. */
  read: Map<string, Offsets>;
  /** Of a whole basket, by the branch that counts and the basket's first entry. */
  basket: Map<string, Offsets>;
  /** The part of a basket's that is read, from 0. */
  slice: Map<Offsets, Offsets>;
  /** Of all entries that are read, by the offsets of the first of several baskets, with those of the others. */
  joined: Map<Offsets, { baskets: Offsets[]; offsets: Offsets }>;
}

export function sharedOffsets(): SharedOffsets {
  return { read: new Map(), basket: new Map(), slice: new Map(), joined: new Map() };
}

export interface Cut {
  part: Part;
  content: BasketContent;
  /** Entries of the basket. */
  from: number;
  to: number;
}

/** The stored values of a basket, where they lie if that can be. */
export function allNumbers(
  content: BasketContent,
  bytes: Uint8Array,
  format: NumberFormat,
  take: Take,
): Values {
  const inPlace = content.own ? numbersInPlace(bytes, format) : null;
  if (inPlace) return inPlace;
  const values = allocate(format, bytes.length / format.bytes, take);
  placeNumbers(bytes, format, values, 0);
  return values;
}

export function setNumbers(into: Values, at: number, values: Values, from: number, to: number): void {
  (into as Float64Array).set(values.subarray(from, to) as Float64Array, at);
}

export function allocate(format: NumberFormat, length: number, take: Take): Values {
  if (length > 2 ** 31 - 1)
    throw new TooManyValuesError(`there are ${length} values; read fewer entries at a time`);
  take(length * arrayTypes[format.type].BYTES_PER_ELEMENT);
  return new arrayTypes[format.type](length);
}

/** Values of an array in its dimensions, from the inside out. */
export function nested(values: Column & { kind: "number" }, dimensions: number[]): Column {
  let items = values.values.length;
  return dimensions.reduceRight<Column>((content, length) => {
    items /= length;
    const offsets = new Int32Array(items + 1);
    for (let i = 1; i <= items; i++) offsets[i] = i * length;
    return { kind: "list", offsets, content, length };
  }, values);
}
