// Loops: all combinations of the items of lists, one row each, and the lists that their bodies give.

import type { Node } from "./node.ts";
import { checkItems, lift, rowsAround, rowsOf, type Space, type State } from "./state.ts";
import { spread } from "./take.ts";
import { type Leaf, type Offsets, onlyFlags, onlyList } from "./values.ts";

/** Makes the rows of `space`, one for each combination of `count` indices in ascending order of each list's items. */
export function enterLoop(state: State, space: Space, list: Node, count: number): void {
  const around = space.parent!;
  const offsets = list.offsets?.(state) ?? onlyList(list.run(state)).offsets;
  const rows = rowsAround(state, around, list.space);
  const n = rowsOf(state, around);
  let total = 0;
  for (let row = 0; row < n; row++) {
    const at = rows === null ? row : rows[row];
    total += combinations(offsets[at + 1] - offsets[at], count);
  }
  checkItems(total);
  const up = new Int32Array(total);
  const indices = Array.from({ length: count }, () => new Int32Array(total));
  let out = 0;
  for (let row = 0; row < n; row++) {
    const at = rows === null ? row : rows[row];
    const before = out;
    out = fillCombinations(indices, out, offsets[at + 1] - offsets[at]);
    for (let i = before; i < out; i++) up[i] = row;
  }
  state.frames.set(space, { up, indices, lists: { offsets, space: list.space } });
}

function combinations(items: number, count: number): number {
  let product = 1;
  for (let k = 0; k < count; k++) product = (product * (items - k)) / (k + 1);
  return items < count ? 0 : product;
}

function fillCombinations(indices: Offsets[], start: number, items: number): number {
  const count = indices.length;
  let out = start;
  const [first, second] = indices;
  if (count === 1) for (let i = 0; i < items; i++) first[out++] = i;
  else if (count === 2)
    for (let i = 0; i < items; i++)
      for (let j = i + 1; j < items; j++) {
        first[out] = i;
        second[out++] = j;
      }
  else {
    // Any number of indices: the last one that can still be raised is.
    const chosen = Int32Array.from(indices.keys());
    for (let more = items >= count; more; ) {
      for (let k = 0; k < count; k++) indices[k][out] = chosen[k];
      out++;
      let k = count - 1;
      while (k >= 0 && chosen[k] === items - count + k) k--;
      more = k >= 0;
      if (more) for (let next = chosen[k] + 1; k < count; k++) chosen[k] = next++;
    }
  }
  return out;
}

/** Makes the rows of `kept`: those of the space around it for which the condition holds. */
export function filterLoop(state: State, kept: Space, condition: Node): void {
  const all = kept.parent!;
  const value = lift(state, condition.run(state), condition.space, all);
  const flags = onlyFlags(spread(value as Leaf, rowsOf(state, all)));
  let count = 0;
  for (let i = 0; i < flags.length; i++) count += flags[i];
  const up = new Int32Array(count);
  for (let i = 0, at = 0; i < flags.length; i++) if (flags[i]) up[at++] = i;
  state.frames.set(kept, { ...state.frames.get(all)!, up, indices: [] });
}

/** The rows of `inner` as lists of the rows of `outer`. */
export function loopOffsets(state: State, inner: Space, outer: Space): Offsets {
  const rows = rowsAround(state, inner, outer)!;
  const offsets = new Int32Array(rowsOf(state, outer) + 1);
  for (let i = 0; i < rows.length; i++) offsets[rows[i] + 1]++;
  for (let i = 1; i < offsets.length; i++) offsets[i] += offsets[i - 1];
  return offsets;
}
