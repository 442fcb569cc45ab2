// Columns to the rows of a matrix: lists padded or cut off to a fixed width, and a mask of what is there.

import type { Column } from "@driftline/rootio";
import type { Scale } from "./scaling.ts";
import { logarithm, numbersOf } from "./statistics.ts";

export interface EncodedFeature {
  name: string;
  /** First column of the matrix, and how many: 1 of a single value, the pad length of a list. */
  first: number;
  width: number;
  list: boolean;
  scale: Scale;
}

/** Row-major. `mask` is 1 where there is a value, 0 where there is padding or the value is NaN or infinite. */
export interface Matrix {
  rows: number;
  width: number;
  values: Float32Array;
  mask: Uint8Array;
}

/** Rows that are filled feature after feature before the next: together they stay in a core's cache. */
const tileBytes = 128 * 1024;

export function emptyMatrix(rows: number, width: number): Matrix {
  return { rows, width, values: new Float32Array(rows * width), mask: new Uint8Array(rows * width) };
}

/**
 * Fills rows `firstRow` to `firstRow + rows - 1` of a matrix that is zero there. Column i is that of feature i; with
 * `withScale` false values are stored as they are.
 */
export function encode(
  features: EncodedFeature[],
  columns: Column[],
  rows: number,
  matrix: Matrix,
  firstRow: number,
  withScale: boolean,
): void {
  const fills = features.map((feature, i) => filler(feature, columns[i], matrix, firstRow, withScale));
  const tile = Math.max(1, Math.floor(tileBytes / (5 * matrix.width)));
  for (let from = 0; from < rows; from += tile) {
    const to = Math.min(from + tile, rows);
    for (const fill of fills) fill(from, to);
  }
}

function filler(
  { first, width, list, scale }: EncodedFeature,
  column: Column,
  matrix: Matrix,
  firstRow: number,
  withScale: boolean,
): (from: number, to: number) => void {
  const { values: out, mask, width: stride } = matrix;
  const begin = firstRow * stride + first;
  const { kind, offset, divisor } = withScale ? scale : { kind: "none", offset: 0, divisor: 1 };
  const values = kind === "log" ? Float64Array.from(numbersOf(column), logarithm) : numbersOf(column);
  if (!list || column.kind !== "list") {
    return (from, to) => {
      let at = begin + from * stride;
      for (let row = from; row < to; row++, at += stride) {
        const value = values[row];
        if (value - value !== 0) continue;
        out[at] = (value - offset) / divisor;
        mask[at] = 1;
      }
    };
  }
  const { offsets } = column;
  const base = offsets[0];
  return (from, to) => {
    let at = begin + from * stride;
    let start = offsets[from] - base;
    for (let row = from; row < to; row++, at += stride) {
      const end = offsets[row + 1] - base;
      const stop = end - start > width ? start + width : end;
      for (let i = start, cell = at; i < stop; i++, cell++) {
        const value = values[i];
        if (value - value !== 0) continue;
        out[cell] = (value - offset) / divisor;
        mask[cell] = 1;
      }
      start = end;
    }
  };
}
