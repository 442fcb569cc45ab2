// Counted arrays: lists of numbers whose lengths the baskets' tables of entries tell.

import type { Take } from "../budget.ts";
import type { Column, Values } from "../columns/column.ts";
import { TooManyValuesError } from "../columns/concat.ts";
import { BlockError } from "../compression/blocks.ts";
import { type BasketContent, type EntryTable, inMachineOrder } from "./basket.ts";
import { type Layout, valuesPerItem } from "./layout.ts";
import { placeNumbers } from "./numbers.ts";
import {
  allNumbers,
  allocate,
  type Cut,
  nested,
  type Offsets,
  type Part,
  type SharedOffsets,
  setNumbers,
  sharedOffsets,
} from "./parts.ts";

type Counted = Extract<Layout, { kind: "counted" }>;

export function counted(
  cuts: Cut[],
  layout: Counted,
  entries: number,
  take: Take,
  shared: SharedOffsets,
): Column {
  const { format, dimensions, header, counter } = layout;
  const itemBytes = valuesPerItem(dimensions) * format.bytes;
  if (header === 0 && cuts.length === 1) return countedInOne(cuts[0], layout, take, shared);
  if (cuts.some(({ part }) => part.whole)) return countedTogether(cuts, layout, entries, take, shared);
  const known = header === 0 && counter !== null ? shared.read.get(counter) : undefined;
  const offsets = known ?? new Int32Array(entries + 1);
  if (!known) take(4 * (entries + 1));
  // The bytes of the values alone: a part of the basket, or copied together where every entry has a header.
  const pieces: Uint8Array[] = [];
  let entry = 0;
  for (const cut of cuts) {
    if (known) {
      const items = itemsAt(cut, itemBytes, known, entry);
      // Another number of objects than the others of its collection: it is counted by itself.
      if (!items) return counted(cuts, layout, entries, take, sharedOffsets());
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
  if (header === 0 && counter !== null) shared.read.set(counter, offsets);
  const numbers: Column = { kind: "number", type: format.type, values };
  return { kind: "list", offsets, content: nested(numbers, dimensions) };
}

/** Entries of one basket: a part of its values, which are decoded once for all reads of it. */
function countedInOne(cut: Cut, layout: Counted, take: Take, shared: SharedOffsets): Column {
  const { format, dimensions } = layout;
  const { values, offsets } = wholeOf(cut.part, layout, take, shared);
  const perItem = valuesPerItem(dimensions);
  const { from, to } = cut;
  const numbers: Column = {
    kind: "number",
    type: format.type,
    values: values.subarray(offsets[from] * perItem, offsets[to] * perItem),
  };
  return { kind: "list", offsets: sliceOf(offsets, from, to, shared), content: nested(numbers, dimensions) };
}

/** Entries of several baskets, of which one was decoded by an earlier read. */
function countedTogether(
  cuts: Cut[],
  layout: Counted,
  entries: number,
  take: Take,
  shared: SharedOffsets,
): Column {
  const { format, dimensions } = layout;
  const perItem = valuesPerItem(dimensions);
  const wholes = cuts.map(({ part }) => wholeOf(part, layout, take, shared));
  const offsets = joinedOffsets(
    cuts,
    wholes.map((whole) => whole.offsets),
    entries,
    take,
    shared,
  );
  const values = allocate(format, offsets[entries] * perItem, take);
  let at = 0;
  cuts.forEach(({ from, to }, i) => {
    const own = wholes[i].offsets;
    setNumbers(values, at, wholes[i].values, own[from] * perItem, own[to] * perItem);
    at += (own[to] - own[from]) * perItem;
  });
  const numbers: Column = { kind: "number", type: format.type, values };
  return { kind: "list", offsets, content: nested(numbers, dimensions) };
}

/** Offsets of all entries, from those of whole baskets; all arrays of a collection have the same. */
function joinedOffsets(
  cuts: Cut[],
  baskets: Offsets[],
  entries: number,
  take: Take,
  { joined }: SharedOffsets,
): Offsets {
  const known = joined.get(baskets[0]);
  if (known?.baskets.every((one, i) => one === baskets[i])) return known.offsets;
  take(4 * (entries + 1));
  const offsets = new Int32Array(entries + 1);
  let slot = 0;
  cuts.forEach(({ from, to }, i) => {
    const own = baskets[i];
    const shift = offsets[slot] - own[from];
    for (let k = from + 1; k <= to; k++) offsets[++slot] = own[k] + shift;
    if (offsets[slot] < 0)
      throw new TooManyValuesError("there are more than 2,147,483,647 values; read fewer entries at a time");
  });
  joined.set(baskets[0], { baskets, offsets });
  return offsets;
}

function wholeOf(
  part: Part,
  { format, dimensions, counter }: Counted,
  take: Take,
  shared: SharedOffsets,
): { values: Values; offsets: Offsets } {
  if (part.whole?.offsets) return { values: part.whole.values, offsets: part.whole.offsets };
  const { basket, content } = part;
  const itemBytes = valuesPerItem(dimensions) * format.bytes;
  const cut = { part, content, from: 0, to: basket.entries };
  const key = `${counter} ${basket.firstEntry} ${basket.entries}`;
  let offsets = counter === null ? undefined : shared.basket.get(key);
  let bytes = offsets ? itemsAt(cut, itemBytes, offsets, 0) : null;
  if (!offsets || !bytes) {
    take(4 * (basket.entries + 1));
    offsets = new Int32Array(basket.entries + 1);
    bytes = countItems(cut, itemBytes, offsets, 0);
    if (counter !== null) shared.basket.set(key, offsets);
  }
  part.whole = { values: allNumbers(content, bytes, format, take), offsets };
  return { values: part.whole.values, offsets };
}

/** Offsets of entries from .. to - 1, from 0; all arrays of a collection have the same. */
function sliceOf(offsets: Offsets, from: number, to: number, { slice }: SharedOffsets): Offsets {
  if (from === 0 && to === offsets.length - 1) return offsets;
  const known = slice.get(offsets);
  if (known) return known;
  const part = offsets.slice(from, to + 1);
  const first = part[0];
  for (let i = 0; i < part.length; i++) part[i] -= first;
  slice.set(offsets, part);
  return part;
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

function tableOf({ table }: BasketContent): EntryTable {
  if (!table) throw new BlockError("a basket of variable-length entries has no table of offsets");
  return table;
}

/** Where the entries begin, and where the last one ends; ascending and inside. */
export function startsOf(content: BasketContent, from: number, to: number): Int32Array {
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
