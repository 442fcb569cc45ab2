// Baskets to one column of exactly the entries that were asked for.

import type { Take } from "../budget.ts";
import { arrayTypes, type Column, type Values } from "../columns/column.ts";
import { TooManyValuesError } from "../columns/concat.ts";
import { BlockError } from "../compression/blocks.ts";
import type { BasketContent } from "./basket.ts";
import type { Basket } from "./branch.ts";
import { type Layout, valuesPerItem } from "./layout.ts";
import { type NumberFormat, placeNumbers, swapInPlace } from "./numbers.ts";
import { ObjectBytes } from "./objectBytes.ts";

/** A basket and what it holds. */
export interface Part {
  basket: Basket;
  content: BasketContent;
}

/** Entries start to stop - 1, all of which the parts hold, in order. */
export function decode(parts: Part[], layout: Layout, start: number, stop: number, take: Take): Column {
  const cuts = parts.map(({ basket, content }) => ({
    content,
    from: Math.max(start - basket.firstEntry, 0),
    to: Math.min(stop - basket.firstEntry, basket.entries),
  }));
  switch (layout.kind) {
    case "fixed":
      return fixed(cuts, layout, stop - start, take);
    case "counted":
      return counted(cuts, layout, stop - start, take);
    case "objects":
      return objects(cuts, layout);
  }
}

interface Cut {
  content: BasketContent;
  /** Entries of the basket. */
  from: number;
  to: number;
}

function fixed(cuts: Cut[], layout: Extract<Layout, { kind: "fixed" }>, entries: number, take: Take): Column {
  const { format, dimensions } = layout;
  const perEntry = valuesPerItem(dimensions);
  const stride = perEntry * format.bytes;
  for (const { content } of cuts)
    if (content.values.length !== content.entries * stride)
      throw new BlockError(
        `a basket of ${content.entries} entries has ${content.values.length} bytes in place of ${content.entries * stride}`,
      );
  const values = allocate(format, entries * perEntry, take);
  let at = 0;
  for (const { content, from, to } of cuts) {
    placeNumbers(content.values.subarray(from * stride, to * stride), format, values, at);
    at += (to - from) * perEntry;
  }
  swapInPlace(values, format);
  return nested({ kind: "number", type: format.type, values }, dimensions);
}

function counted(
  cuts: Cut[],
  layout: Extract<Layout, { kind: "counted" }>,
  entries: number,
  take: Take,
): Column {
  const { format, dimensions, header } = layout;
  const perItem = valuesPerItem(dimensions);
  const itemBytes = perItem * format.bytes;
  take(4 * (entries + 1));
  const offsets = new Int32Array(entries + 1);
  let entry = 0;
  for (const { content, from, to } of cuts) {
    const starts = startsOf(content);
    let items = offsets[entry];
    for (let i = from; i < to; i++) {
      const bytes = starts[i + 1] - starts[i] - header;
      const count = bytes / itemBytes;
      // Of a pointer without values, even the byte that says so may be missing.
      if (count < 0 && bytes === -header && header === 1) offsets[++entry] = items;
      else {
        if (count !== (count | 0) || count < 0)
          throw new BlockError(
            `entry ${i} of a basket has impossible offsets (${starts[i]} to ${starts[i + 1]})`,
          );
        items += count;
        offsets[++entry] = items;
      }
    }
    if (items > 2 ** 31 - 1 || offsets[entry] !== items)
      throw new TooManyValuesError(`there are ${items} values; read fewer entries at a time`);
  }
  const values = allocate(format, offsets[entry] * perItem, take);
  let at = 0;
  for (const { content, from, to } of cuts) {
    const starts = startsOf(content);
    const bytes =
      header === 0
        ? content.values.subarray(starts[from], starts[to])
        : withoutHeaders(content.values, starts, from, to, header, itemBytes);
    placeNumbers(bytes, format, values, at);
    at += bytes.length / format.bytes;
  }
  swapInPlace(values, format);
  const numbers: Column = { kind: "number", type: format.type, values };
  return { kind: "list", offsets, content: nested(numbers, dimensions) };
}

/** Where the entries of a basket begin in its values, and where the last one ends; ascending and inside. */
function startsOf({ entries, entryOffsets, values }: BasketContent): Int32Array {
  if (!entryOffsets || entryOffsets.length < entries)
    throw new BlockError("a basket of variable-length entries has no table of offsets");
  const starts = new Int32Array(entries + 1);
  starts.set(entryOffsets.subarray(0, entries));
  starts[entries] = values.length;
  if (entries > 0 && starts[0] !== 0) throw new BlockError("the first entry of a basket does not begin at 0");
  for (let i = 0; i < entries; i++)
    if (starts[i + 1] < starts[i])
      throw new BlockError(
        `entry ${i} of a basket has impossible offsets (${starts[i]} to ${starts[i + 1]})`,
      );
  return starts;
}

function withoutHeaders(
  values: Uint8Array,
  starts: Int32Array,
  from: number,
  to: number,
  header: number,
  itemBytes: number,
): Uint8Array {
  const view = new DataView(values.buffer, values.byteOffset, values.byteLength);
  const bytes = new Uint8Array(Math.max(starts[to] - starts[from] - 0, 0));
  let at = 0;
  for (let i = from; i < to; i++) {
    const begin = starts[i] + header;
    const end = starts[i + 1];
    if (end < begin) continue;
    if (header === 10) {
      const said = view.getInt32(begin - 4);
      if (said * itemBytes !== end - begin)
        throw new BlockError(
          `entry ${i} of a basket says ${said} values but has ${(end - begin) / itemBytes}`,
        );
    }
    if (end - begin > 64) {
      bytes.set(values.subarray(begin, end), at);
      at += end - begin;
    } else for (let k = begin; k < end; k++) bytes[at++] = values[k];
  }
  return bytes.subarray(0, at);
}

function objects(cuts: Cut[], layout: Extract<Layout, { kind: "objects" }>): Column {
  const collector = layout.reader.collect();
  for (const { content, from, to } of cuts) {
    const bytes = new ObjectBytes(content.values);
    const starts = content.entryOffsets ? startsOf(content) : null;
    // Without a table all entries have the same length.
    const stride = content.values.length / Math.max(content.entries, 1);
    if (!starts && !Number.isInteger(stride))
      throw new BlockError("a basket's entries are not of one length");
    for (let i = from; i < to; i++) {
      bytes.at = starts ? starts[i] : i * stride;
      bytes.end = starts ? starts[i + 1] : (i + 1) * stride;
      collector.read(bytes);
      if (bytes.at !== bytes.end)
        throw new BlockError(`entry ${i} of a basket has ${bytes.end - bytes.at} bytes more than its type`);
    }
  }
  return collector.finish();
}

function allocate(format: NumberFormat, length: number, take: Take): Values {
  if (length > 2 ** 31 - 1)
    throw new TooManyValuesError(`there are ${length} values; read fewer entries at a time`);
  take(length * arrayTypes[format.type].BYTES_PER_ELEMENT);
  return new arrayTypes[format.type](length);
}

/** Values of an array in its dimensions, from the inside out. */
function nested(values: Column & { kind: "number" }, dimensions: number[]): Column {
  let items = values.values.length;
  return dimensions.reduceRight<Column>((content, length) => {
    items /= length;
    const offsets = new Int32Array(items + 1);
    for (let i = 1; i <= items; i++) offsets[i] = i * length;
    return { kind: "list", offsets, content, length };
  }, values);
}
