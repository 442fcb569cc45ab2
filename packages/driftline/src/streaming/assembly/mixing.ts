// Where the order of the files follows the label, mixing has to undo it: how far it does, in numbers.

import type { Group } from "./blocks.ts";
import type { Measured } from "./measure.ts";
import type { Assembly } from "./prepare.ts";

export interface Mixing {
  /** Part of the label's variance that the place in the files explains, 0 to 1: 1 where files hold one class each. */
  files: number;
  /** The same of the pieces that are shuffled together, and what rows drawn at random would give. */
  pieces: number;
  chance: number;
}

/** Null where the label is the same everywhere. */
export function mixingOf({ blocks }: Assembly, measured: Measured, groups: Group[]): Mixing | null {
  const all = sum(measured.blocks);
  const variance = all.squares / all.rows - (all.sum / all.rows) ** 2;
  if (!(variance > 1e-12 * (all.squares / all.rows))) return null;
  const explained = (parts: Measured["blocks"]) => {
    const between = parts.reduce((between, part) => {
      const step = part.rows > 0 ? part.sum / part.rows - all.sum / all.rows : 0;
      return between + part.rows * step * step;
    }, 0);
    return Math.min(1, between / (all.rows * variance));
  };
  const pieces = groups.reduce((count, group) => count + group.pieces, 0);
  const tallies = new Map(blocks.map((block, i) => [block, measured.blocks[i]]));
  const mixed = groups.map((group) => sum(group.blocks.map((block) => tallies.get(block)!)));
  return {
    files: explained(measured.blocks),
    pieces: explained(mixed),
    chance: Math.min(1, pieces / all.rows),
  };
}

/** Said where mixing leaves more than a hundredth of what it could. */
export function mixingWarning(mixing: Mixing | null, places: number): string | null {
  if (!mixing || mixing.pieces < mixing.chance + 0.01) return null;
  const percent = (part: number) => `${Number((100 * part).toPrecision(2))} %`;
  return `The files are ordered by the label: the place in the files explains ${percent(mixing.files)} of its variance, and of pieces mixed from ${places === 1 ? "one place" : `${places} places`} still ${percent(mixing.pieces)} (${percent(mixing.chance)} by chance). Raise order.places and order.rows.`;
}

function sum(parts: Measured["blocks"]): Measured["blocks"][number] {
  return parts.reduce(
    (total, part) => ({
      rows: total.rows + part.rows,
      sum: total.sum + part.sum,
      squares: total.squares + part.squares,
    }),
    { rows: 0, sum: 0, squares: 0 },
  );
}
