// Rows of a text table found in blocks of bytes: separators, quotes, comments, line ends; each cell goes to its column.

import { DamagedError } from "../damaged.ts";
import type { Cells } from "./cells.ts";

export interface Dialect {
  /** The byte between cells; a blank stands for runs of blanks and tabs. */
  separator: number;
  /** Cells of every row. */
  width: number;
}

export interface RowReader {
  /** Line, counted from 1, at which the next row begins. */
  line: number;
  /**
   * Reads rows from bytes [from, end) to places `row` and on, up to `limit` rows in all. A row that is cut off at the end
   * is left, unless these are the last bytes. Throws DamagedError and WrongCellError.
   */
  read(
    bytes: Uint8Array,
    from: number,
    row: number,
    limit: number,
    isLast: boolean,
  ): { next: number; rows: number };
}

/** A cell that does not fit the column's type. */
export class WrongCellError extends Error {
  readonly line: number;
  readonly column: number;
  readonly text: string;

  constructor(line: number, column: number, text: string) {
    super(`line ${line}`);
    this.line = line;
    this.column = column;
    this.text = text;
  }
}

const [quote, newline, carriageReturn, hash, blank, tab] = [0x22, 0x0a, 0x0d, 0x23, 0x20, 0x09];

/** `cells[i]` takes column i of the rows; columns without one are passed over. */
export function rowReader({ separator, width }: Dialect, cells: (Cells | undefined)[]): RowReader {
  const runs = separator === blank;
  const other = runs ? tab : separator;
  let scratch = new Uint8Array(256);

  /** The text between quotes, with two for one; the quotes are at from - 1 and to. */
  function unquoted(bytes: Uint8Array, from: number, to: number): number {
    if (scratch.length < to - from) scratch = new Uint8Array(2 * (to - from));
    let length = 0;
    for (let at = from; at < to; at++) {
      scratch[length++] = bytes[at];
      if (bytes[at] === quote) at++;
    }
    return length;
  }

  const reader: RowReader = {
    line: 1,
    read(bytes, from, row, limit, isLast) {
      const end = bytes.length;
      let next = from;
      let rows = row;
      block: while (rows < limit && next < end) {
        let at = next;
        if (runs) while (bytes[at] === blank || bytes[at] === tab) at++;
        if (bytes[at] === hash) {
          at = bytes.indexOf(newline, at);
          if (at < 0 && !isLast) break;
          next = at < 0 ? end : at + 1;
          reader.line++;
          continue;
        }
        if (bytes[at] === carriageReturn && bytes[at + 1] === newline) at++;
        if (bytes[at] === newline || (at >= end && isLast)) {
          next = at + 1;
          reader.line++;
          continue;
        }
        let column = 0;
        let linesWithin = 0;
        for (; ; column++) {
          let start = at;
          let stop: number;
          if (bytes[at] === quote) {
            start = ++at;
            let isDoubled = false;
            for (; ; at++) {
              if (at >= end) {
                if (isLast) throw new DamagedError(`line ${reader.line}: a quote is not closed`);
                break block;
              }
              if (bytes[at] === newline) linesWithin++;
              if (bytes[at] !== quote) continue;
              if (at + 1 >= end && !isLast) break block;
              if (bytes[at + 1] !== quote) break;
              isDoubled = true;
              at++;
            }
            stop = at++;
            if (bytes[at] === carriageReturn && bytes[at + 1] === newline) at++;
            else if (bytes[at] === carriageReturn && at + 1 >= end) {
              if (!isLast) break block;
              at++;
            }
            if (at < end && bytes[at] !== separator && bytes[at] !== other && bytes[at] !== newline)
              throw new DamagedError(`line ${reader.line}: there is more after the quote that ends a cell`);
            if (isDoubled) {
              const length = unquoted(bytes, start, stop);
              put(scratch, 0, length, column);
              start = -1;
            }
          } else {
            for (; at < end; at++) {
              const byte = bytes[at];
              if (byte === separator || byte === newline || byte === other) break;
            }
            stop = at;
            if ((at === end || bytes[at] === newline) && stop > start && bytes[stop - 1] === carriageReturn)
              stop--;
          }
          if (at === end && !isLast) break block;
          if (start >= 0) put(bytes, start, stop, column);
          if (runs) {
            while (bytes[at] === blank || bytes[at] === tab) at++;
            if (bytes[at] === carriageReturn && (bytes[at + 1] === newline || at + 1 === end)) at++;
            if (at >= end && !isLast) break block;
            if (at < end && bytes[at] !== newline) continue;
            break;
          }
          if (at < end && bytes[at] === separator) {
            at++;
            if (at === end && !isLast) break block;
            continue;
          }
          break;
        }
        if (column + 1 !== width)
          throw new DamagedError(
            `line ${reader.line} has ${column + 1} ${column === 0 ? "cell" : "cells"}, and the first row has ${width}`,
          );
        next = at + 1;
        reader.line += 1 + linesWithin;
        rows++;
      }
      return { next: Math.min(next, end), rows };

      function put(from: Uint8Array, start: number, stop: number, column: number): void {
        const into = cells[column];
        if (into === undefined || into.put(rows, from, start, stop)) return;
        const text = Buffer.from(from.subarray(start, Math.min(stop, start + 60))).toString("utf8");
        throw new WrongCellError(reader.line, column, text);
      }
    },
  };
  return reader;
}
