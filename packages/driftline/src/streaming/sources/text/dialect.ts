// How a text table is written, found from its beginning: separator, names, types of the columns.

import { DamagedError } from "../damaged.ts";
import { type CellType, probeCells } from "./cells.ts";
import { isMissing, noNumber, parseNumber } from "./number.ts";
import { type Dialect, rowReader } from "./rows.ts";

export interface DialectOptions {
  /** A blank stands for runs of blanks and tabs; found where it is left out. */
  separator?: "," | ";" | "\t" | " ";
  /** Whether the first row names the columns; found where it is left out. */
  header?: boolean;
}

export interface TextColumns extends Dialect {
  columns: { name: string; type: CellType }[];
  /** Where the rows begin, in bytes and in lines from 1. */
  from: number;
  line: number;
}

const [quote, newline, carriageReturn, hash] = [0x22, 0x0a, 0x0d, 0x23];
/** In this order, as a comma may be a decimal sign and a blank part of a cell. */
const separators = ["\t", ";", ",", " "] as const;
/** Lines that are looked at for the separator. */
const sample = 100;

/**
 * What the beginning of a file says; `isAll` where it is the whole. The separator is the first of tab, semicolon, comma
 * and blanks that parts all lines into equally many cells. The first row names the columns if it has text in it and no
 * number; else the comment right above it does, if that has as many words; else they are called c0, c1, …
 */
export function textColumns(head: Uint8Array, isAll: boolean, options: DialectOptions): TextColumns {
  let from = 0;
  if (head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf) from = 3;
  else if ((head[0] === 0xff && head[1] === 0xfe) || (head[0] === 0xfe && head[1] === 0xff))
    throw new DamagedError("it is text in UTF-16, which is not read; write it in UTF-8");
  if (head.subarray(0, 4096).includes(0)) throw new DamagedError("it has zero bytes in it, so it is no text");
  const lines = firstLines(head, from, isAll);
  if (lines.length === 0)
    throw new DamagedError(isAll ? "it has no rows" : "its first line has more than 1 MiB");
  const separator = options.separator ?? separatorOf(lines.map(({ text }) => text));
  const first = lines[0];
  const top = cellsOf(first.text, separator);
  const isHeader = options.header ?? looksLikeNames(top);
  const above = first.comment === null ? [] : cellsOf(first.comment, separator);
  const names = isHeader
    ? top
    : above.length === top.length && looksLikeNames(above)
      ? above
      : top.map((_, i) => `c${i}`);
  const start = isHeader
    ? { from: first.end, line: first.line + 1 + (first.text.match(/\n/g)?.length ?? 0) }
    : { from: first.start, line: first.line };
  const dialect = { separator: separator.charCodeAt(0), width: top.length };
  const probes = top.map(() => probeCells());
  const reader = rowReader(dialect, probes);
  reader.line = start.line;
  reader.read(head, start.from, 0, Number.MAX_SAFE_INTEGER, isAll);
  return {
    ...dialect,
    ...start,
    columns: distinct(names.map((name, i) => name || `c${i}`)).map((name, i) => ({
      name,
      type: probes[i].type(),
    })),
  };
}

interface Line {
  text: string;
  start: number;
  end: number;
  line: number;
  /** The comment right above, without its sign. */
  comment: string | null;
}

/** Lines that are neither blank nor comments; those within quotes belong together. */
function firstLines(head: Uint8Array, from: number, isAll: boolean): Line[] {
  const lines: Line[] = [];
  let comment: string | null = null;
  const text = (start: number, end: number) => {
    const stop = head[end - 1] === carriageReturn ? end - 1 : end;
    return Buffer.from(head.buffer, head.byteOffset + start, stop - start).toString("utf8");
  };
  for (let at = from, line = 1; at < head.length && lines.length < sample; ) {
    const start = at;
    let inQuotes = false;
    let within = 0;
    for (; at < head.length; at++) {
      if (head[at] === quote && head[start] !== hash) inQuotes = !inQuotes;
      else if (head[at] === newline) {
        if (!inQuotes) break;
        within++;
      }
    }
    if (at === head.length && !isAll) break;
    const found = text(start, at);
    if (found.startsWith("#")) comment = found.slice(1).trim();
    else {
      if (found.trim() !== "") lines.push({ text: found, start, end: at + 1, line, comment });
      comment = null;
    }
    line += 1 + within;
    at++;
  }
  return lines;
}

function separatorOf(lines: string[]): (typeof separators)[number] {
  const counts = separators.map((separator) => lines.map((line) => cellsOf(line, separator).length));
  const even = counts.findIndex(([first, ...rest]) => first > 1 && rest.every((count) => count === first));
  if (even >= 0) return separators[even];
  // Some line is wrong, and reading says which; or there is one column.
  const most = counts.findIndex(([first]) => first > 1);
  return most >= 0 && most < 3 ? separators[most] : ",";
}

/** The cells of one line as text. */
function cellsOf(line: string, separator: string): string[] {
  const cells: string[] = [];
  const text = separator === " " ? line.trim().replace(/[ \t]+(?=(?:[^"]*"[^"]*")*[^"]*$)/g, " ") : line;
  let cell = "";
  let inQuotes = false;
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (character === '"') {
      if (inQuotes && text[i + 1] === '"') {
        cell += character;
        i++;
      } else if (inQuotes || cell === "") inQuotes = !inQuotes;
      else cell += character;
    } else if (character === separator && !inQuotes) {
      cells.push(cell);
      cell = "";
    } else cell += character;
  }
  return [...cells, cell].map((each) => each.trim());
}

function looksLikeNames(cells: string[]): boolean {
  const bytes = cells.map((cell) => Buffer.from(cell));
  const isNumber = (cell: Buffer) => parseNumber(cell, 0, cell.length) !== noNumber;
  return !bytes.some(isNumber) && bytes.some((cell) => !isMissing(cell, 0, cell.length));
}

function distinct(names: string[]): string[] {
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new DamagedError(`two of its columns are named "${twice}"`);
  return names;
}
