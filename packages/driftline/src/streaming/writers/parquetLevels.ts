// A column as Parquet stores it: the values of each leaf one after another, and for each of them two levels that say where
// lists begin and what is missing (Melnik et al., Dremel, VLDB 2010).

import { type Column, lengthOf, type NumberColumn, type StringColumn } from "@driftline/rootio";

export interface LeafValues {
  values: NumberColumn | StringColumn;
  /** Places: a value, or an empty list or a missing value where one would be. */
  places: number;
  /** Null where no list is above. */
  repetition: Uint8Array | null;
  /** Null where nothing can be missing. */
  definition: Uint8Array | null;
}

/** Places so far: the item that each stands for, or -1 where there is none; null for all items in order. */
interface Places {
  count: number;
  items: Int32Array | null;
  repetition: Uint8Array | null;
  definition: Uint8Array | null;
}

/** Leaves in the order of the schema, of a compact column: each holds all of its values and no others. */
export function leavesOf(column: Column): LeafValues[] {
  const leaves: LeafValues[] = [];
  const walk = (part: Column, places: Places, depth: { repetition: number; definition: number }) => {
    const { count, repetition, definition } = places;
    switch (part.kind) {
      case "number":
      case "string":
        leaves.push({ values: part, places: count, repetition, definition });
        return;
      case "list": {
        const deeper = { repetition: depth.repetition + 1, definition: depth.definition + 1 };
        walk(part.content, openLists(part.offsets, places, deeper), deeper);
        return;
      }
      case "optional": {
        const deeper = { repetition: depth.repetition, definition: depth.definition + 1 };
        walk(part.content, openLists(part.offsets, places, deeper), deeper);
        return;
      }
      case "record":
        for (const field of part.fields.values()) walk(field, places, depth);
        return;
      case "union":
        throw new TypeError("a union");
    }
  };
  const all = { count: lengthOf(column), items: null, repetition: null, definition: null };
  walk(column, all, { repetition: 0, definition: 0 });
  return leaves;
}

/** The places within lists: an empty list keeps one place, without an item. An optional is a list of one or none. */
function openLists(
  offsets: Int32Array,
  { count, items, repetition, definition }: Places,
  depth: { repetition: number; definition: number },
): Places {
  let total = 0;
  for (let i = 0; i < count; i++) {
    const item = items ? items[i] : i;
    total += item < 0 ? 1 : Math.max(1, offsets[item + 1] - offsets[item]);
  }
  const inner = {
    count: total,
    items: new Int32Array(total),
    repetition: depth.repetition > 0 ? new Uint8Array(total) : null,
    definition: new Uint8Array(total),
  };
  let at = 0;
  for (let i = 0; i < count; i++) {
    const item = items ? items[i] : i;
    const from = item < 0 ? 0 : offsets[item];
    const length = item < 0 ? 0 : offsets[item + 1] - from;
    if (inner.repetition && repetition) inner.repetition[at] = repetition[i];
    if (length === 0) {
      inner.items[at] = -1;
      inner.definition[at++] = definition ? definition[i] : 0;
      continue;
    }
    for (let k = 0; k < length; k++, at++) {
      inner.items[at] = from + k;
      inner.definition[at] = depth.definition;
      if (k > 0) inner.repetition![at] = depth.repetition;
    }
  }
  return inner;
}
