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

/** Offsets of one read by the branch that counts: arrays with one counter mostly have the same. */
export type SharedOffsets = Map<string, Int32Array<ArrayBuffer>>;

/**
 * Entries start to stop - 1, all of which the parts hold, in order. Offsets that an array of the same counter has had in
 * `shared` are checked against this one's and used again.
 */
export function decode(
  parts: Part[],
  layout: Layout,
  start: number,
  stop: number,
  take: Take,
  shared: SharedOffsets,
): Column {
  const cuts = parts.map(({ basket, content }) => ({
    content,
    from: Math.max(start - basket.firstEntry, 0),
    to: Math.min(stop - basket.firstEntry, basket.entries),
  }));
  switch (layout.kind) {
    case "fixed":
      return fixed(cuts, layout, stop - start, take);
    case "counted":
      return counted(cuts, layout, stop - start, take, shared);
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
  shared: SharedOffsets,
): Column {
  const { format, dimensions, header, counter } = layout;
  const itemBytes = valuesPerItem(dimensions) * format.bytes;
  const known = header === 0 && counter !== null ? shared.get(counter) : undefined;
  const offsets = known ?? new Int32Array(entries + 1);
  if (!known) take(4 * (entries + 1));
  // The bytes of the values alone: a part of the basket, or copied together where every entry has a header.
  const pieces: Uint8Array[] = [];
  let entry = 0;
  for (const cut of cuts) {
    if (known) {
      const items = itemsAt(cut, itemBytes, known, entry);
      // Another number of objects than the others of its collection: it is counted by itself.
      if (!items) return counted(cuts, layout, entries, take, new Map());
      pieces.push(items);
    } else if (header === 0) pieces.push(countItems(cut, itemBytes, offsets, entry));
    else pieces.push(withoutHeaders(cut, header, itemBytes, offsets, entry));
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
  if (header === 0 && counter !== null) shared.set(counter, offsets);
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
  const end = content.values.length;
  if (from === to) return content.values.subarray(end);
  // Beginnings of the entries from..to - 1, and of the one after them where the basket has it.
  const beginnings = Math.min(to + 1, content.entries) - from;
  const { words, shift } = tableOf(content);
  const table = inMachineOrder(words, from, beginnings);
  const first = table[0] - shift;
  if (from === 0 && first !== 0) throw new BlockError("the first entry of a basket does not begin at 0");
  const base = offsets[entry];
  // Most items are of 1, 2, 4 or 8 bytes, for which a shift does the division.
  const bits = 31 - Math.clz32(itemBytes);
  const isPower = itemBytes === 1 << bits;
  const origin = table[0];
  let previous = 0;
  // Negative where an entry ends before it begins; with a bit set where its bytes are no whole number of items.
  let order = first;
  let rest = 0;
  if (isPower) {
    for (let i = 1, slot = entry + 1; i < beginnings; i++, slot++) {
      const bytes = table[i] - origin;
      order |= bytes - previous;
      rest |= bytes;
      offsets[slot] = base + (bytes >> bits);
      previous = bytes;
    }
    rest &= itemBytes - 1;
  } else {
    for (let i = 1, slot = entry + 1; i < beginnings; i++, slot++) {
      const bytes = table[i] - origin;
      order |= bytes - previous;
      rest |= bytes % itemBytes;
      offsets[slot] = base + bytes / itemBytes;
      previous = bytes;
    }
  }
  if (to === content.entries) {
    const bytes = end - first;
    order |= bytes - previous;
    rest |= bytes % itemBytes;
    offsets[entry + to - from] = base + bytes / itemBytes;
    previous = bytes;
  }
  if (order < 0 || rest !== 0 || first + previous > end)
    throw new BlockError("the entries of a basket have impossible offsets");
  return content.values.subarray(first, first + previous);
}

/** The bytes of all items where the table of the basket agrees with the offsets after `entry`; null where not. */
function itemsAt(
  { content, from, to }: Cut,
  itemBytes: number,
  offsets: Int32Array,
  entry: number,
): Uint8Array | null {
  if (from === to) return content.values.subarray(content.values.length);
  const beginnings = Math.min(to + 1, content.entries) - from;
  const { words, shift } = tableOf(content);
  const table = inMachineOrder(words, from, beginnings);
  const first = table[0] - shift;
  const bytes = (offsets[entry + to - from] - offsets[entry]) * itemBytes;
  const stop = first + bytes;
  if (first < 0 || (from === 0 && first !== 0) || stop > content.values.length) return null;
  if (to === content.entries && stop !== content.values.length) return null;
  const origin = table[0] - Math.imul(offsets[entry], itemBytes);
  let differences = 0;
  for (let i = 1, slot = entry + 1; i < beginnings; i++, slot++)
    differences |= table[i] - origin - Math.imul(offsets[slot], itemBytes);
  return differences === 0 ? content.values.subarray(first, stop) : null;
}

/** One for all baskets: a fresh one for each would cost more than the work done in it. */
let scratch = new Int32Array(16_384);

/** Words of the table, big-endian, as an array that holds until the next call. */
function inMachineOrder(words: DataView, from: number, count: number): Int32Array {
  if (scratch.length < count) scratch = new Int32Array(2 * count);
  const bytes = Buffer.from(scratch.buffer, 0, 4 * count);
  bytes.set(new Uint8Array(words.buffer, words.byteOffset + 4 * from, 4 * count));
  bytes.swap32();
  return scratch;
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
