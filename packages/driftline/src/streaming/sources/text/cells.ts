// Where the cells of a text table end up: typed columns, or what they look like, one place for each column.

import type { Column } from "@driftline/rootio";
import { append, type Growing, growing, reserve } from "../growing.ts";
import { isMissing, noNumber, parseNumber } from "./number.ts";

export type CellType = "float64" | "int64" | "bool" | "string";

/** Takes the cells of one column, one a row. */
export interface Cells {
  /**
   * Puts bytes [from, to) at a row, which is the next or the last again (rows that were cut off are read anew). Gives
   * false where they don't fit the column's type.
   */
  put(row: number, bytes: Uint8Array, from: number, to: number): boolean;
}

export interface ColumnCells extends Cells {
  /** The column of the first rows; the next cells go to a new one. */
  take(rows: number): Column;
}

const utf8 = new TextDecoder();
const expectations: Record<CellType, string> = {
  float64: "a number",
  int64: "a whole number of 64 bits",
  bool: "true or false",
  string: "a text",
};
export const expected = (type: CellType) => expectations[type];

/** Cells of a column whose type is known; `capacity` rows are expected. */
export function columnCells(type: CellType, capacity: number): ColumnCells {
  if (type === "string") return stringCells(capacity);
  let into = growing(type, capacity) as Growing<Float64Array<ArrayBuffer>>;
  const put = { float64: putNumber, int64: putInteger, bool: putBool }[type];
  return {
    put(row, bytes, from, to) {
      if (row >= into.array.length) {
        into.length = row;
        reserve(into, 1);
      }
      return put(into.array, row, bytes, from, to);
    },
    take(rows) {
      const values = rows === into.array.length ? into.array : into.array.slice(0, rows);
      into = growing(type, capacity) as Growing<Float64Array<ArrayBuffer>>;
      return { kind: "number", type, values };
    },
  };
}

function putNumber(into: Float64Array, row: number, bytes: Uint8Array, from: number, to: number): boolean {
  const value = parseNumber(bytes, from, to);
  if (value === noNumber) {
    if (!isMissing(bytes, from, to)) return false;
    into[row] = Number.NaN;
    return true;
  }
  into[row] = value;
  return true;
}

function putInteger(into: unknown, row: number, bytes: Uint8Array, from: number, to: number): boolean {
  const value = wholeNumber(bytes, from, to);
  if (value === null) return false;
  (into as BigInt64Array)[row] = value;
  return true;
}

function putBool(into: unknown, row: number, bytes: Uint8Array, from: number, to: number): boolean {
  const value = boolOf(bytes, from, to);
  if (value === null) return false;
  (into as Uint8Array)[row] = value ? 1 : 0;
  return true;
}

/** null where the bytes are no whole number, or none of 64 bits with a sign. */
export function wholeNumber(bytes: Uint8Array, from: number, to: number): bigint | null {
  if (to - from > 40) return null;
  const text = utf8.decode(bytes.subarray(from, to)).trim();
  if (!/^[+-]?\d+$/.test(text)) return null;
  const value = text.startsWith("-") ? -BigInt(text.slice(1)) : BigInt(text.replace("+", ""));
  return BigInt.asIntN(64, value) === value ? value : null;
}

export function boolOf(bytes: Uint8Array, from: number, to: number): boolean | null {
  if (to - from > 16) return null;
  const text = utf8.decode(bytes.subarray(from, to)).trim().toLowerCase();
  return text === "true" ? true : text === "false" ? false : null;
}

function stringCells(capacity: number): ColumnCells {
  let ends = growing("int32", capacity + 1);
  let text = growing("uint8", 8 * capacity);
  return {
    put(row, bytes, from, to) {
      ends.length = row + 1;
      reserve(ends, 1);
      text.length = ends.array[row];
      append(text, bytes.subarray(from, to) as Uint8Array<ArrayBuffer>);
      ends.array[row + 1] = text.length;
      return true;
    },
    take(rows) {
      const offsets = ends.array.slice(0, rows + 1);
      const bytes = text.array.slice(0, offsets[rows]);
      ends = growing("int32", capacity + 1);
      text = growing("uint8", 8 * capacity);
      return { kind: "string", offsets, bytes };
    },
  };
}

export interface ProbeCells extends Cells {
  /** What all the cells are; a column of missing values may hold numbers. */
  type(): CellType;
}

/** Cells that only look at what comes, to find the column's type. */
export function probeCells(): ProbeCells {
  const seen = { missing: 0, number: 0, whole: 0, large: 0, bool: 0, text: 0 };
  return {
    put(_row, bytes, from, to) {
      const value = parseNumber(bytes, from, to);
      if (value !== noNumber) {
        seen.number++;
        if (wholeNumber(bytes, from, to) !== null) {
          seen.whole++;
          if (Math.abs(value) > Number.MAX_SAFE_INTEGER) seen.large++;
        }
      } else if (isMissing(bytes, from, to)) seen.missing++;
      else if (boolOf(bytes, from, to) !== null) seen.bool++;
      else seen.text++;
      return true;
    },
    type() {
      if (seen.text > 0) return "string";
      if (seen.bool > 0) return seen.number + seen.missing === 0 ? "bool" : "string";
      const allWhole = seen.whole === seen.number && seen.missing === 0;
      return allWhole && seen.large > 0 ? "int64" : "float64";
    },
  };
}
