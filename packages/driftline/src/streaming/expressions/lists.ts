// Lists taken apart and put together: masks, indices, order, concatenation.

import { take } from "./take.ts";
import type { Flags, List, Numbers, Offsets, Value } from "./values.ts";

/** Of each list the items whose flag is set. */
export function select(list: List, flags: Flags): List {
  const { offsets, content } = list;
  let kept = 0;
  for (let i = 0; i < flags.length; i++) kept += flags[i];
  const lists = offsets.length - 1;
  const selected = new Int32Array(lists + 1);
  // One place more than are kept: the last may be written again and again, without a branch.
  const places = new Int32Array(kept + 1);
  for (let i = 0, item = 0, at = 0; i < lists; i++) {
    const end = offsets[i + 1];
    for (; item < end; item++) {
      places[at] = item;
      at += flags[item];
    }
    selected[i + 1] = at;
  }
  return { kind: "list", offsets: selected, content: take(content, places.subarray(0, kept)) };
}

/**
 * Of row i the item `indices[i & mask]` of the list `rows[i]` (row i where `rows` is null): its place in the content;
 * -1 where the list has no such item. A negative index counts from the end.
 */
export function pick(
  offsets: Offsets,
  rows: Offsets | null,
  indices: Numbers,
  mask: 0 | -1,
  n: number,
): Offsets {
  const places = new Int32Array(n);
  for (let i = 0; i < n; i++) {
    const list = rows === null ? i : rows[i];
    const index = indices[i & mask];
    const start = offsets[list];
    const length = offsets[list + 1] - start;
    const place = index < 0 ? index + length : index;
    places[i] = place >= 0 && place < length && Number.isInteger(place) ? start + place : -1;
  }
  return places;
}

/** As pick, for indices that count the items of their lists: row i has the index `indices[indexRows[i]]`. */
export function count(
  offsets: Offsets,
  rows: Offsets | null,
  indices: Offsets,
  indexRows: Offsets | null,
  n: number,
): Offsets {
  const places = new Int32Array(n);
  for (let i = 0; i < n; i++)
    places[i] = offsets[rows === null ? i : rows[i]] + indices[indexRows === null ? i : indexRows[i]];
  return places;
}

/** Of each list the items from one number to before another; negative numbers count from the end. */
export function slice(list: List, from: Numbers | null, to: Numbers | null, masks: [0 | -1, 0 | -1]): List {
  const { offsets, content } = list;
  const lists = offsets.length - 1;
  const cut = new Int32Array(lists + 1);
  const starts = new Int32Array(lists);
  const bound = (value: number, length: number) =>
    Math.max(0, Math.min(length, Math.trunc(value < 0 ? value + length : value) || 0));
  for (let i = 0; i < lists; i++) {
    const length = offsets[i + 1] - offsets[i];
    const first = from === null ? 0 : bound(from[i & masks[0]], length);
    const last = to === null ? length : bound(to[i & masks[1]], length);
    starts[i] = offsets[i] + first;
    cut[i + 1] = cut[i] + Math.max(0, last - first);
  }
  const places = new Int32Array(cut[lists]);
  for (let i = 0; i < lists; i++)
    for (let item = cut[i]; item < cut[i + 1]; item++) places[item] = starts[i] + item - cut[i];
  return { kind: "list", offsets: cut, content: take(content, places) };
}

/** Places of the items of each list in ascending order of the keys, equal ones as they stand, NaN last. */
export function order(keys: Numbers, offsets: Offsets): Offsets {
  const places = new Int32Array(keys.length);
  for (let i = 0; i < places.length; i++) places[i] = i;
  for (let i = 0; i + 1 < offsets.length; i++) {
    const start = offsets[i];
    const end = offsets[i + 1];
    if (end - start > 40) sortLong(places.subarray(start, end), keys);
    else
      for (let k = start + 1; k < end; k++) {
        const place = places[k];
        let at = k;
        for (; at > start && before(keys[place], keys[places[at - 1]]); at--) places[at] = places[at - 1];
        places[at] = place;
      }
  }
  return places;
}

function before(a: number, b: number): boolean {
  return a < b || (Number.isNaN(b) && !Number.isNaN(a));
}

function sortLong(places: Offsets, keys: Numbers): void {
  places.sort((a, b) => (before(keys[a], keys[b]) ? -1 : before(keys[b], keys[a]) ? 1 : a - b));
}

/** The lists of each row one after another. */
export function concatenate(lists: List[], join: (contents: Value[]) => Value): List {
  const rows = lists[0].offsets.length - 1;
  const offsets = new Int32Array(rows + 1);
  const bases: number[] = [];
  let base = 0;
  for (const list of lists) {
    bases.push(base);
    base += list.offsets[rows];
  }
  const places = new Int32Array(base);
  let at = 0;
  for (let row = 0; row < rows; row++) {
    for (let k = 0; k < lists.length; k++)
      for (let item = lists[k].offsets[row]; item < lists[k].offsets[row + 1]; item++)
        places[at++] = bases[k] + item;
    offsets[row + 1] = at;
  }
  return { kind: "list", offsets, content: take(join(lists.map((list) => list.content)), places) };
}
