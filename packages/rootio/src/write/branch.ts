// A branch that is written: its leaf, from the shape of its column, and where its baskets lie.

import {
  arrayTypes,
  type Column,
  type ElementType,
  type NumberColumn,
  type Shape,
} from "../columns/column.ts";

/** By the type of the values: the letter of ROOT's leaf lists, the class of the leaf, bytes of a value. */
export const leafTypes: Record<ElementType | "string", { letter: string; className: string; size: number }> =
  {
    bool: { letter: "O", className: "TLeafO", size: 1 },
    int8: { letter: "B", className: "TLeafB", size: 1 },
    uint8: { letter: "b", className: "TLeafB", size: 1 },
    int16: { letter: "S", className: "TLeafS", size: 2 },
    uint16: { letter: "s", className: "TLeafS", size: 2 },
    int32: { letter: "I", className: "TLeafI", size: 4 },
    uint32: { letter: "i", className: "TLeafI", size: 4 },
    int64: { letter: "L", className: "TLeafL", size: 8 },
    uint64: { letter: "l", className: "TLeafL", size: 8 },
    float32: { letter: "F", className: "TLeafF", size: 4 },
    float64: { letter: "D", className: "TLeafD", size: 8 },
    string: { letter: "C", className: "TLeafC", size: 1 },
  };

export interface WrittenBasket {
  /** Bytes in the file, key and all. */
  bytes: number;
  firstEntry: number;
  position: number;
}

export interface WrittenBranch {
  name: string;
  type: ElementType | "string";
  /** Lengths of a fixed array, within one item of a list where the branch is counted. */
  dimensions: number[];
  /** Whether an entry is a list of as many items as another branch says. */
  jagged: boolean;
  counter: WrittenBranch | null;
  /** Whether it counts others, and the most that it counted. */
  counts: boolean;
  maximum: number;
  /** The longest text in bytes. */
  longest: number;
  entries: number;
  baskets: WrittenBasket[];
  /** Sums over the baskets before and after compression. */
  totalBytes: number;
  storedBytes: number;
}

export class UnwritableShapeError extends Error {}

/** Throws UnwritableShapeError saying what a flat tree lacks for it. */
export function branchOf(name: string, shape: Shape): WrittenBranch {
  if (shape.kind === "string") return emptyBranch(name, "string", [], false);
  if (shape.kind === "list" && shape.length === undefined) {
    if (shape.content.kind === "list" && shape.content.length === undefined)
      throw new UnwritableShapeError("holds lists of lists");
    if (shape.content.kind === "string") throw new UnwritableShapeError("holds lists of strings");
    const { type, dimensions } = fixed(shape.content);
    return emptyBranch(name, type, dimensions, true);
  }
  const { type, dimensions } = fixed(shape);
  return emptyBranch(name, type, dimensions, false);
}

function fixed(shape: Shape): { type: ElementType; dimensions: number[] } {
  if (shape.kind === "number") return { type: shape.type, dimensions: [] };
  if (shape.kind !== "list") {
    const names = {
      string: "arrays of strings",
      optional: "missing values",
      record: "records",
      union: "variants",
    };
    throw new UnwritableShapeError(`holds ${names[shape.kind]}`);
  }
  if (shape.length === undefined) throw new UnwritableShapeError("holds arrays of lists");
  if (shape.length === 0) throw new UnwritableShapeError("holds arrays of length 0");
  const { type, dimensions } = fixed(shape.content);
  return { type, dimensions: [shape.length, ...dimensions] };
}

export function emptyBranch(
  name: string,
  type: ElementType | "string",
  dimensions: number[],
  jagged: boolean,
): WrittenBranch {
  const sums = { maximum: 0, longest: 0, entries: 0, totalBytes: 0, storedBytes: 0 };
  return { name, type, dimensions, jagged, counter: null, counts: false, baskets: [], ...sums };
}

/** How many values an entry has, or an item of its list. */
export function itemValues({ dimensions }: WrittenBranch): number {
  return dimensions.reduce((product, length) => product * length, 1);
}

/**
 * The values of a column of numbers or fixed arrays: item 0 begins at `start`, each has `itemValues`. Throws
 * UnwritableShapeError where it is not as announced.
 */
export function valuesOf(
  column: Column,
  type: ElementType,
  dimensions: number[],
): { values: NumberColumn["values"]; start: number } {
  let start = 0;
  let at = column;
  for (const length of dimensions) {
    if (at.kind !== "list") throw new UnwritableShapeError(`is a ${at.kind} in place of an array`);
    const { offsets } = at;
    for (let i = 1; i < offsets.length; i++)
      if (offsets[i] - offsets[i - 1] !== length)
        throw new UnwritableShapeError(
          `has an array of ${offsets[i] - offsets[i - 1]} values in place of ${length}`,
        );
    start = offsets[0] + start * length;
    at = at.content;
  }
  if (at.kind !== "number" || at.type !== type || !(at.values instanceof arrayTypes[type]))
    throw new UnwritableShapeError(
      `holds ${at.kind === "number" ? at.type : `a ${at.kind}`} in place of ${type}`,
    );
  return { values: at.values, start };
}
