// Types of expressions: a kind of value, and for each level of lists what the lists belong to.

import { problem, type Source, type Span } from "./problem.ts";

export type Kind = "number" | "bool" | "string" | "vector";

/** One level of lists. Lists of the same axis have the same lengths in every entry. */
export interface Axis {
  /** Collection that names or counters tell (`Jet`); null where only the data tell. */
  collection: string | null;
  /** Some items were taken out: no longer as long as the collection. */
  filtered: boolean;
  /** Length of every list, where all have the same. */
  length?: number;
  /** What a message calls it: a column's name, or how it was made. */
  label: string;
}

export interface Type {
  kind: Kind;
  /** From the outermost; none for one value an entry. */
  axes: Axis[];
  /** Numbers that are float32 as the column that they are selected from; all that is calculated is float64. */
  single?: boolean;
}

const kinds: Record<Kind, [string, string]> = {
  number: ["a number", "numbers"],
  bool: ["true or false", "true or false"],
  string: ["a string", "strings"],
  vector: ["a four-vector", "four-vectors"],
};

/** "a list of numbers", for messages. */
export function describe({ kind, axes }: Type): string {
  if (axes.length === 0) return kinds[kind][0];
  return `a list of ${"lists of ".repeat(axes.length - 1)}${kinds[kind][1]}`;
}

function named({ collection, filtered, label }: Axis): string {
  if (collection === null) return `\`${label}\``;
  return filtered ? `a selection of ${collection}` : collection;
}

/** The axis of a calculation with lists of two; an error where they are known to differ. */
export function sameAxis(source: Source, span: Span, a: Axis, b: Axis): Axis {
  if (a === b) return a;
  const refuse = (what: string, remedy: string) => problem(source, span, what, remedy);
  if (a.collection !== null && b.collection !== null) {
    if (a.collection !== b.collection)
      throw refuse(
        `Lists of ${named(a)} and of ${named(b)} cannot be combined item by item.`,
        "Reduce one of them (any, sum, max, …), pick an item ([0]), or write a loop over both: [… for i in one for j in other].",
      );
    if (a.filtered !== b.filtered)
      throw refuse(
        `Lists of ${named(a)} and of ${named(b)} have different lengths.`,
        "Apply the same selection to both.",
      );
  }
  if (a.length !== undefined && b.length !== undefined && a.length !== b.length)
    throw refuse(
      `Lists of ${a.length} and of ${b.length} items cannot be combined item by item.`,
      "Pick items with [0], or take columns of one length.",
    );
  return a.collection === null && b.collection !== null ? b : a;
}

/** The axes of a calculation with several values: those of the deepest, with which the others' must agree. */
export function commonAxes(source: Source, span: Span, types: Type[]): Axis[] {
  let axes: Axis[] = [];
  for (const type of types) {
    const longer = type.axes.length > axes.length ? type.axes : axes;
    const shorter = longer === axes ? type.axes : axes;
    axes = longer.map((axis, level) =>
      level >= shorter.length
        ? axis
        : longer === axes
          ? sameAxis(source, span, axis, shorter[level])
          : sameAxis(source, span, shorter[level], axis),
    );
  }
  return axes;
}
