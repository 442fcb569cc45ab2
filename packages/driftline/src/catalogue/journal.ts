// Journals: files beside the database from which the records can be made again, one of bindings and one of the ledger.
//
// Each line is the beginning of the SHA-256 of an entry's JSON, a blank, and that JSON. A line is on the disk before
// its entry is committed, so a journal is never behind what was acknowledged; docs/decisions/journal.md has why.
// All of it is synchronous: it happens inside a transaction that keeps other processes from appending.

import { hash } from "node:crypto";
import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { z } from "zod";

export const journalFile = "bindings.jsonl";

const journalEntry = z.strictObject({
  id: z.int().positive(),
  key: z.string(),
  family: z.string(),
  family_version: z.int(),
  bundle: z.string(),
  action: z.enum(["serve", "withdraw"]),
  reason: z.string(),
  created_at: z.string(),
});
export type JournalEntry = z.infer<typeof journalEntry>;

/** A line that is no entry: its number from 1. At the end of the file it is what a killed writer left. */
export interface DamagedLine {
  line: number;
}

export type Journal = ReturnType<typeof journal>;
export type JournalOf<E extends { id: number }> = ReturnType<typeof journalOf<E>>;

const pieceBytes = 1 << 16;
const checkDigits = 16;

/** The journal of bindings. */
export function journal(dataDirectory: string) {
  return journalOf(join(dataDirectory, journalFile), journalEntry);
}

export function journalOf<E extends { id: number }>(path: string, schema: z.ZodType<E>) {
  const parseLine = (line: string) => parse(line, schema);

  /** Appends entries durably, after cutting off what a killed writer left of its last line. */
  function append(entries: E[]): void {
    if (entries.length === 0) return;
    const created = !existsSync(path);
    const file = openSync(path, "a+");
    try {
      const whole = lengthOfWholeLines(file);
      if (whole < fstatSync(file).size) ftruncateSync(file, whole);
      writeFully(file, entries.map(lineOf).join(""));
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    if (created) syncDirectory(dirname(path));
  }

  /** The last entry, or null where there is none. Lines that are no entries are passed over. */
  function last(): E | null {
    if (!existsSync(path)) return null;
    const file = openSync(path, "r");
    try {
      for (let length = lengthOfWholeLines(file); length > 0; ) {
        const start = startOfLastLine(file, length);
        const entry = parseLine(readRange(file, start, length - 1).toString());
        if (entry) return entry;
        length = start;
      }
      return null;
    } finally {
      closeSync(file);
    }
  }

  /** All lines in order, a piece of the file at a time; an unfinished last line is left out. */
  function* read(): Generator<E | DamagedLine> {
    if (!existsSync(path)) return;
    const file = openSync(path, "r");
    try {
      const end = lengthOfWholeLines(file);
      let rest: Buffer = Buffer.alloc(0);
      let line = 0;
      for (let position = 0; position < end; position += pieceBytes) {
        const piece = Buffer.concat([rest, readRange(file, position, Math.min(end, position + pieceBytes))]);
        let start = 0;
        for (let stop = piece.indexOf(newline); stop >= 0; stop = piece.indexOf(newline, start)) {
          line++;
          yield parseLine(piece.toString("utf8", start, stop)) ?? { line };
          start = stop + 1;
        }
        rest = piece.subarray(start);
      }
    } finally {
      closeSync(file);
    }
  }

  /** The lines that are entries. */
  function* entries(): Generator<E> {
    for (const line of read()) if (!("line" in line)) yield line;
  }

  /** Puts a journal of these entries in the place of what is there, at once and durably. */
  function replace(entries: Iterable<E>): void {
    const written = `${path}.${process.pid}`;
    const file = openSync(written, "w");
    try {
      let lines = "";
      for (const entry of entries) {
        lines += lineOf(entry);
        if (lines.length < pieceBytes) continue;
        writeFully(file, lines);
        lines = "";
      }
      writeFully(file, lines);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(written, path);
    syncDirectory(dirname(path));
  }

  return { path, append, last, read, entries, replace };
}

const newline = 10;

function lineOf(entry: object): string {
  const text = JSON.stringify(entry);
  return `${hash("sha256", text).slice(0, checkDigits)} ${text}\n`;
}

function parse<E>(line: string, schema: z.ZodType<E>): E | null {
  const text = line.slice(checkDigits + 1);
  if (
    line[checkDigits] !== " " ||
    hash("sha256", text).slice(0, checkDigits) !== line.slice(0, checkDigits)
  ) {
    return null;
  }
  try {
    return schema.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}

function writeFully(file: number, text: string): void {
  const bytes = Buffer.from(text);
  // A disk that fills up takes a part and fails at the next attempt.
  for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done);
}

function readRange(file: number, start: number, end: number): Buffer {
  const bytes = Buffer.alloc(end - start);
  for (let done = 0; done < bytes.length; ) {
    const count = readSync(file, bytes, done, bytes.length - done, start + done);
    if (count === 0) return bytes.subarray(0, done);
    done += count;
  }
  return bytes;
}

/** Where the last line that ends, ends. */
function lengthOfWholeLines(file: number): number {
  return startOfLastLine(file, fstatSync(file).size + 1);
}

/** Where the line begins of which `end - 1` is the end; also where there is none, and `end - 1` is that of the file. */
function startOfLastLine(file: number, end: number): number {
  for (let stop = end - 1; stop > 0; ) {
    const start = Math.max(0, stop - pieceBytes);
    const found = readRange(file, start, stop).lastIndexOf(newline);
    if (found >= 0) return start + found + 1;
    stop = start;
  }
  return 0;
}

function syncDirectory(path: string): void {
  const directory = openSync(path, "r");
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}
