// How the entries of a branch lie in its baskets, and what comes out of them.

import type { Shape } from "../columns/column.ts";
import type { ObjectReader } from "./classes.ts";
import type { NumberFormat } from "./numbers.ts";

export type Layout =
  /** So many values an entry, one after another; the lengths of an array from the outside in, none for one value. */
  | { kind: "fixed"; format: NumberFormat; dimensions: number[] }
  /**
   * Any number of values (or of arrays of them) an entry, after `header` bytes: 10 for a std::vector (byte count,
   * version, length), 1 for a pointer (whether there are any).
   */
  | {
      kind: "counted";
      format: NumberFormat;
      dimensions: number[];
      header: 0 | 1 | 10;
      counter: string | null;
    }
  /** Entries that are read object by object. */
  | { kind: "objects"; reader: ObjectReader };

export function shapeOf(layout: Layout): Shape {
  if (layout.kind === "objects") return layout.reader.shape;
  const item = layout.dimensions.reduceRight<Shape>(
    (content, length) => ({ kind: "list", content, length }),
    { kind: "number", type: layout.format.type },
  );
  return layout.kind === "counted" ? { kind: "list", content: item } : item;
}

/** Values of one item: of an entry, or of one of the counted arrays. */
export function valuesPerItem(dimensions: number[]): number {
  return dimensions.reduce((product, length) => product * length, 1);
}
