// One source of a dataset, ready to be read: its tables, and from a chunk of their columns to rows.

import type { Column } from "@driftline/rootio";
import type { ReadRange } from "../sources/table.ts";

/** What becomes of consecutive entries: rows that passed the cuts. */
export interface Rows {
  /** Entries read. */
  entries: number;
  rows: number;
  /** Of each feature. */
  columns: Column[];
  labels: Float32Array<ArrayBuffer>;
  /** Of the specification and the source, before balancing. */
  weights: Float32Array<ArrayBuffer>;
  ids: BigInt64Array<ArrayBuffer>;
  /** Code of the part of the split. */
  parts: Uint8Array<ArrayBuffer>;
  /** What is balanced: the label, the source's place or the number of the bin; NaN where there is none. */
  classes: Float64Array<ArrayBuffer>;
}

export interface SourceFile {
  location: string;
  entries: number;
  fingerprint: string;
}

export interface PreparedSource {
  name: string;
  files: SourceFile[];
  /** The entries of one of the files, cut by cut to rows, so many entries at a time. */
  rows(file: number, entries: number, range: ReadRange): AsyncGenerator<Rows>;
}
