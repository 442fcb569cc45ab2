// What a source of entries is to everything that reads it, whatever the file's format and wherever it lies.

import type { Column, Shape } from "@driftline/rootio";

export interface ColumnInfo {
  name: string;
  /** The type as the file's format calls it: "vector<float>", "FLOAT", "text". */
  typeName: string;
  /** What the column looks like; null where it cannot be read. */
  shape: Shape | null;
  /** Why it cannot be read; null where it can. */
  problem: string | null;
}

/** Consecutive entries that were read together. */
export interface Chunk {
  /** Number of the first entry within the table. */
  start: number;
  entries: number;
  columns: Record<string, Column>;
}

export interface ReadRange {
  /** First entry, 0 by default. */
  start?: number;
  /** The entry after the last, the end of the table by default. */
  stop?: number;
}

/** A table of entries: a TTree or an RNTuple, a Parquet or Arrow table, the rows of a text file. */
export interface Table {
  /** Path or address of the file, for messages. */
  location: string;
  /** What holds the columns, for messages: `tree "Events"` or `table`. */
  holder: string;
  /** What one column is called there. */
  word: "branch" | "field" | "column";
  /** Number of entries; null where only reading the whole tells, as of text. */
  entries: number | null;
  columns: ColumnInfo[];
  /**
   * The named columns, consecutive entries of the range in order, so many at a time (fewer in the last chunk, or where
   * the format prefers smaller pieces). The next chunk is fetched while the present one is worked on; memory is that
   * of two chunks and what the format must hold to make them. Throws `invalid_data`.
   */
  chunks(names: string[], entries: number, range?: ReadRange): AsyncIterable<Chunk>;
  /**
   * Ascending entries, 0 the first of them, at which reading these columns can begin without decompressing what stands
   * before; null where reading begins at 0, as of text.
   */
  boundaries(names: string[]): Promise<number[] | null>;
  /** 64 hexadecimal digits that tell the content from another's: see fingerprint.ts. */
  fingerprint(): Promise<string>;
  close(): Promise<void>;
}
