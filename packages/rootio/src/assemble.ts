// Decoded baskets to one column of exactly the entries that were asked for.

import type { Basket, ElementType, Layout } from "./branch.ts";
import { arrayTypes, type DecodedBasket, type Values } from "./decode.ts";
import { BlockError } from "./decompress.ts";

/**
 * Values of one branch over a range of entries; bool is bytes 0 and 1. Of entries of more than one value,
 * entry i is `values.subarray(offsets[i], offsets[i + 1])`; `offsets` is null where each entry is one value.
 */
export interface Column {
  values: Values;
  offsets: Int32Array | null;
}

/** A basket and what it holds. */
export interface Part {
  basket: Basket;
  decoded: DecodedBasket;
}

export function assemble(
  parts: Part[],
  type: ElementType,
  layout: Layout,
  start: number,
  stop: number,
): Column {
  const jagged = layout.kind !== "scalar";
  const cuts = parts.map(({ basket, decoded }) => {
    const from = Math.max(start - basket.firstEntry, 0);
    const to = Math.min(stop - basket.firstEntry, decoded.entries);
    const at = (entry: number) => (decoded.offsets ? decoded.offsets[entry] : entry);
    return { decoded, from, to, firstValue: at(from), endValue: at(to) };
  });
  const length = cuts.reduce((sum, cut) => sum + cut.endValue - cut.firstValue, 0);
  if (length > 2 ** 31 - 1)
    throw new BlockError(`entries ${start} to ${stop} have ${length} values; read fewer entries at a time`);
  const values = new arrayTypes[type](length);
  const offsets = jagged ? new Int32Array(stop - start + 1) : null;
  let entry = 0;
  let value = 0;
  for (const { decoded, from, to, firstValue, endValue } of cuts) {
    (values as Float64Array).set(decoded.values.subarray(firstValue, endValue) as Float64Array, value);
    if (offsets && decoded.offsets)
      for (let i = from; i < to; i++) offsets[++entry] = decoded.offsets[i + 1] - firstValue + value;
    value += endValue - firstValue;
  }
  return { values, offsets };
}
