// Where a block of entries stands while its expressions are worked out: the rows of each loop, and what is shared.

import type { Column } from "@driftline/rootio";
import { take } from "./take.ts";
import type { Offsets, Value } from "./values.ts";

/** The rows that values stand for: the entries, or the combinations of a loop within another space. */
export interface Space {
  parent: Space | null;
  depth: number;
}

export const entriesSpace: Space = { parent: null, depth: 0 };

/** The combinations of a loop: for each, its row in the space around the loop, and the index of each variable. */
export interface Frame {
  up: Offsets;
  indices: Offsets[];
  /** The lists that the indices count: to see that another list indexed by them is as long. */
  lists: { offsets: Offsets; space: Space };
}

export interface State {
  /** Entries `from` to `to - 1` of the columns. */
  columns: Record<string, Column>;
  from: number;
  to: number;
  /** Number of entry `from` in its table, for messages. */
  first: number;
  frames: Map<Space, Frame>;
  /** Results of what occurs more than once. */
  results: Map<object, Value>;
}

/** A block has more combinations than are held at once; fewer entries at a time may help. */
export class TooManyItems extends Error {}

/** Combinations, or items of copied lists, that are held at once: some hundred megabytes. */
export const maximalItems = 2 ** 22;

export function checkItems(items: number): void {
  if (items > maximalItems) throw new TooManyItems(`${items} combinations`);
}

export function rowsOf(state: State, space: Space): number {
  return space.parent === null ? state.to - state.from : state.frames.get(space)!.up.length;
}

/** For each row of a space its row in a space around it; null where they are the same. */
export function rowsAround(state: State, inner: Space, outer: Space): Offsets | null {
  let rows: Offsets | null = null;
  for (let space = inner; space !== outer; space = space.parent!) {
    const { up } = state.frames.get(space)!;
    rows = rows === null ? up : compose(rows, up);
  }
  return rows;
}

function compose(rows: Offsets, up: Offsets): Offsets {
  const out = new Int32Array(rows.length);
  for (let i = 0; i < out.length; i++) out[i] = up[rows[i]];
  return out;
}

/** A value of a space around, repeated for the rows of an inner one. */
export function lift(state: State, value: Value, from: Space, to: Space): Value {
  if (from === to) return value;
  const rows = rowsAround(state, to, from)!;
  if (value.kind === "list") {
    let items = 0;
    for (let i = 0; i < rows.length; i++) items += value.offsets[rows[i] + 1] - value.offsets[rows[i]];
    checkItems(items);
  }
  return take(value, rows);
}

export function deepest(spaces: Space[]): Space {
  return spaces.reduce((a, b) => (b.depth > a.depth ? b : a), entriesSpace);
}

/** Number of the first row where the rows are entries, null where they are combinations. */
export function firstEntry(state: State, space: Space): number | null {
  return space === entriesSpace ? state.first : null;
}
