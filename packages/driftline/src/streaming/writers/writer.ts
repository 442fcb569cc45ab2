// What a writer of a table is to whatever fills it, whichever format the file has.

import type { Column, Shape } from "@driftline/rootio";

export interface WrittenColumn {
  name: string;
  shape: Shape;
}

export interface TableChunk {
  entries: number;
  columns: Record<string, Column>;
}

export interface TableWriter {
  /** The next entries: every column of the table. One call at a time. Throws `invalid_data` or `machine_failed`. */
  append(chunk: TableChunk): Promise<void>;
  /** Writes what is left; from then on there is a file of the name. */
  close(): Promise<{ bytes: number; entries: number }>;
  /** Leaves nothing behind; does nothing after `close`. */
  abort(): Promise<void>;
}

/** What a format has to do; counting entries, checking chunks and cleaning up is done for it. */
export interface FormatWriter {
  append(chunk: TableChunk): Promise<void>;
  /** Gives the size of the file. */
  close(): Promise<number>;
  abort(): Promise<void>;
}

export interface FormatOptions {
  /** Name of the tree in a ROOT file. */
  tree: string;
  compression: string;
  /** Entries of a row group of Parquet, where they shall not be as many as its bytes allow. */
  rowGroupEntries?: number;
}

export interface Format {
  /** As messages call it. */
  name: string;
  /** What it can compress with, the default first. */
  compressions: string[];
  /** Why it cannot hold such a column, "holds lists of lists"; null where it can. */
  problemOf(shape: Shape): string | null;
  open(path: string, columns: WrittenColumn[], options: FormatOptions): Promise<FormatWriter>;
}
