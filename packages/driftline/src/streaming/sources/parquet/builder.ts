// Values and levels of Parquet pages put together to entries: numbers, strings, lists of them to any depth.

import type { Column, ElementType, Values } from "@driftline/rootio";
import { DamagedError } from "../damaged.ts";
import { append, type Growing, growing, numbersOf, rebased, reserve, stringsOf } from "../growing.ts";
import type { Leaf } from "./schema.ts";
import { countOf, type Decoded, isStrings } from "./values.ts";

export interface Builder {
  /** Entries that are complete and not taken yet. */
  ready(): number;
  /** One page: a level of each kind for every slot, null where the schema has but one. */
  add(count: number, repetition: Uint8Array | null, definition: Uint8Array | null, values: Decoded): void;
  /** No page comes any more: the last entry is complete. */
  end(): void;
  take(entries: number): Column;
}

/**
 * The assembly of Dremel's levels (Melnik et al., VLDB 2010, section 4.3) into offsets: a slot begins a new item in the
 * list of its repetition level and new lists below it; its definition level says down to which of them items exist.
 */
export function builder(leaf: Leaf): Builder {
  const depth = leaf.lists.length;
  const type = leaf.target === "string" ? null : leaf.target;
  /** For each depth, where each list ends among the items below it, after a leading 0. */
  const ends: Growing<Int32Array<ArrayBuffer>>[] = leaf.lists.map(() => growing("int32"));
  const numbers: Growing<Values> = growing((type ?? "uint8") as ElementType);
  const stringEnds = growing("int32");
  for (const each of [...ends, stringEnds]) each.length = 1;
  let started = 0;
  let ended = false;
  let taken = 0;

  const complete = () => (depth === 0 || ended ? started : Math.max(0, started - 1));

  /** Lists of every depth from the slots' levels; gives for each innermost slot whether it has a value. */
  function place(count: number, repetition: Uint8Array, definition: Uint8Array | null): Uint8Array {
    const filled = new Uint8Array(count);
    let found = 0;
    for (const each of ends) reserve(each, count);
    for (let i = 0; i < count; i++) {
      const rep = repetition[i];
      const def = definition === null ? leaf.maxDefinition : definition[i];
      if (rep > depth || (started === 0 && rep > 0) || def > leaf.maxDefinition)
        throw new DamagedError("levels that cannot be");
      if (rep === 0) started++;
      // The list of depth rep - 1 gets an item; below it a new list begins as long as there are items.
      if (rep > 0 && def < leaf.lists[rep - 1]) throw new DamagedError("levels that cannot be");
      if (rep > 0) ends[rep - 1].array[ends[rep - 1].length - 1]++;
      let level = rep;
      for (; level < depth; level++) {
        const list = ends[level];
        list.array[list.length] = list.array[list.length - 1];
        list.length++;
        if (def < leaf.lists[level]) break;
        list.array[list.length - 1]++;
      }
      if (level === depth) filled[found++] = def === leaf.maxDefinition ? 1 : 0;
    }
    return filled.subarray(0, found);
  }

  function addNumbers(values: Values, filled: Uint8Array | null): void {
    if (filled === null || values.length === filled.length) {
      append(numbers, values);
      return;
    }
    if (type !== "float64" && type !== "float32")
      throw new DamagedError(
        "whole numbers are missing, which no statistics of the file announce; write it with statistics",
      );
    reserve(numbers, filled.length);
    const into = numbers.array as Float64Array;
    for (let i = 0, from = 0; i < filled.length; i++)
      into[numbers.length++] = filled[i] ? (values[from++] as number) : Number.NaN;
  }

  function addStrings(values: Extract<Decoded, { offsets: unknown }>, filled: Uint8Array | null): void {
    const base = numbers.length;
    // Each text begins where the one before ends, so nothing may come between pages.
    append(numbers, values.bytes.subarray(0, values.offsets[countOf(values)]) as Uint8Array<ArrayBuffer>);
    const many = filled?.length ?? countOf(values);
    reserve(stringEnds, many);
    for (let i = 0, from = 0; i < many; i++) {
      if (filled === null || filled[i]) from++;
      stringEnds.array[stringEnds.length++] = base + values.offsets[from];
    }
  }

  function forget(): void {
    let from = taken;
    for (const each of ends) from = shift(each, from);
    if (type === null) from = shift(stringEnds, from);
    numbers.array.copyWithin(0, from, numbers.length);
    numbers.length -= from;
    started -= taken;
    taken = 0;
  }

  return {
    ready: () => complete() - taken,
    end: () => {
      ended = true;
    },
    add(count, repetition, definition, values) {
      let filled: Uint8Array | null = null;
      if (depth > 0) filled = place(count, repetition ?? new Uint8Array(count), definition);
      else {
        started += count;
        if (definition !== null) filled = definition.map((level) => (level === leaf.maxDefinition ? 1 : 0));
      }
      let present = 0;
      if (filled === null) present = count;
      else for (const each of filled) present += each;
      if (countOf(values) !== present)
        throw new DamagedError(`a page has ${countOf(values)} values, and its levels say ${present}`);
      if (isStrings(values)) addStrings(values, filled);
      else addNumbers(values, filled);
    },
    take(entries) {
      let [from, to] = [taken, taken + entries];
      const offsets: Int32Array<ArrayBuffer>[] = [];
      for (const { array } of ends) {
        offsets.push(rebased(array, from, to));
        [from, to] = [array[from], array[to]];
      }
      let column: Column =
        type === null
          ? stringsOf(stringEnds.array, numbers.array as Uint8Array, from, to)
          : numbersOf(type, numbers.array, from, to);
      for (const each of offsets.reverse()) column = { kind: "list", offsets: each, content: column };
      taken += entries;
      // What was taken is let go once it is the larger part, so that each value is moved once at most.
      if (2 * taken > started) forget();
      return column;
    },
  };
}

/** Drops the first lists; gives how many items they had. */
function shift(ends: Growing<Int32Array<ArrayBuffer>>, lists: number): number {
  const items = ends.array[lists];
  for (let i = lists; i < ends.length; i++) ends.array[i - lists] = ends.array[i] - items;
  ends.length -= lists;
  return items;
}
