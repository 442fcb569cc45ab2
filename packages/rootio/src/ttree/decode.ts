// Baskets to one column of exactly the entries that were asked for.

import type { Take } from "../budget.ts";
import { arrayTypes, type Column, type Values } from "../columns/column.ts";
import { TooManyValuesError } from "../columns/concat.ts";
import { BlockError } from "../compression/blocks.ts";
import type { BasketContent, EntryTable } from "./basket.ts";
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
  const itemBytes = valuesPerItem(dimensions) * format.bytes;
  take(4 * (entries + 1));
  const offsets = new Int32Array(entries + 1);
  // The bytes of the values alone: a part of the basket, or copied together where every entry has a header.
  const pieces: Uint8Array[] = [];
  let entry = 0;
  for (const cut of cuts) {
    pieces.push(
      header === 0
        ? countItems(cut, itemBytes, offsets, entry)
        : withoutHeaders(cut, header, itemBytes, offsets, entry),
    );
    entry += cut.to - cut.from;
    if (offsets[entry] < 0)
      throw new TooManyValuesError("there are more than 2,147,483,647 values; read fewer entries at a time");
  }
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0) / format.bytes;
  const values = allocate(format, length, take);
  let at = 0;
  for (const piece of pieces) {
    placeNumbers(piece, format, values, at);
    at += piece.length / format.bytes;
  }
  swapInPlace(values, format);
  const numbers: Column = { kind: "number", type: format.type, values };
  return { kind: "list", offsets, content: nested(numbers, dimensions) };
}

/** Fills the offsets after `entry` from the table of the basket, in one pass; gives the bytes of all items. */
function countItems(
  { content, from, to }: Cut,
  itemBytes: number,
  offsets: Int32Array,
  entry: number,
): Uint8Array {
  const { words, shift } = tableOf(content);
  const end = content.values.length;
  const first = from < content.entries ? words.getInt32(4 * from) - shift : end;
  if (from === 0 && to > 0 && first !== 0)
    throw new BlockError("the first entry of a basket does not begin at 0");
  // Most items are of 1, 2, 4 or 8 bytes, for which a shift does the division.
  const bits = 31 - Math.clz32(itemBytes);
  const isPower = itemBytes === 1 << bits;
  const base = offsets[entry];
  const stops = Math.min(to, content.entries - 1);
  let previous = first;
  let bad = first;
  let slot = entry;
  for (let i = from; i < stops; i++) {
    const next = words.getInt32(4 * (i + 1)) - shift;
    const bytes = next - first;
    // Negative where an entry ends before it begins or its bytes are no whole number of items.
    bad |= next - previous;
    if (isPower) {
      if ((bytes & (itemBytes - 1)) !== 0) bad = -1;
      offsets[++slot] = base + (bytes >> bits);
    } else {
      if (bytes % itemBytes !== 0) bad = -1;
      offsets[++slot] = base + bytes / itemBytes;
    }
    previous = next;
  }
  if (to === content.entries && to > from) {
    bad |= end - previous;
    if ((end - first) % itemBytes !== 0) bad = -1;
    offsets[++slot] = base + (end - first) / itemBytes;
    previous = end;
  }
  if (bad < 0 || previous > end) throw new BlockError("the entries of a basket have impossible offsets");
  return content.values.subarray(first, previous);
}

function tableOf({ table }: BasketContent): EntryTable {
  if (!table) throw new BlockError("a basket of variable-length entries has no table of offsets");
  return table;
}

/** Where the entries begin, and where the last one ends; ascending and inside. */
function startsOf(content: BasketContent, from: number, to: number): Int32Array {
  const { words, shift } = tableOf(content);
  const starts = new Int32Array(to - from + 1);
  for (let i = from; i <= to; i++)
    starts[i - from] = i < content.entries ? words.getInt32(4 * i) - shift : content.values.length;
  let previous = 0;
  for (const start of starts) {
    if (start < previous || start > content.values.length)
      throw new BlockError("the entries of a basket have impossible offsets");
    previous = start;
  }
  return starts;
}

function withoutHeaders(
  { content, from, to }: Cut,
  header: number,
  itemBytes: number,
  offsets: Int32Array,
  entry: number,
): Uint8Array {
  const { values } = content;
  const starts = startsOf(content, from, to);
  const view = new DataView(values.buffer, values.byteOffset, values.byteLength);
  const bytes = new Uint8Array(starts[to - from] - starts[0]);
  let at = 0;
  for (let i = 0; i < to - from; i++) {
    // Of a pointer without values, even the byte that says so may be missing.
    const begin = Math.min(starts[i] + header, header === 1 ? starts[i + 1] : Number.POSITIVE_INFINITY);
    const end = starts[i + 1];
    const count = (end - begin) / itemBytes;
    if (!(count >= 0 && Number.isInteger(count)))
      throw new BlockError(`entry ${from + i} of a basket has ${end - starts[i]} bytes`);
    if (header === 10 && view.getInt32(begin - 4) !== count)
      throw new BlockError(
        `entry ${from + i} of a basket says ${view.getInt32(begin - 4)} values but has ${count}`,
      );
    if (end - begin > 64) {
      bytes.set(values.subarray(begin, end), at);
      at += end - begin;
    } else for (let k = begin; k < end; k++) bytes[at++] = values[k];
    offsets[entry + i + 1] = offsets[entry + i] + count;
  }
  return bytes.subarray(0, at);
}

function objects(cuts: Cut[], layout: Extract<Layout, { kind: "objects" }>): Column {
  const collector = layout.reader.collect();
  for (const { content, from, to } of cuts) {
    const bytes = new ObjectBytes(content.values);
    const starts = content.table ? startsOf(content, from, to) : null;
    // Without a table all entries have the same length.
    const stride = content.values.length / Math.max(content.entries, 1);
    if (!starts && !Number.isInteger(stride))
      throw new BlockError("a basket's entries are not of one length");
    for (let i = from; i < to; i++) {
      bytes.at = starts ? starts[i - from] : i * stride;
      bytes.end = starts ? starts[i - from + 1] : (i + 1) * stride;
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
