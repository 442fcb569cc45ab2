// What a file of columns is to the reader of responses, whether ROOT or Parquet.

/** Of an entry that is a list, the values are `values[offsets[i]]` to `values[offsets[i + 1] - 1]`. */
export interface NumberColumn {
  values: ArrayLike<number>;
  offsets: Int32Array | null;
}

export interface ColumnInfo {
  name: string;
  type: string;
  jagged: boolean;
  /** Why the column cannot be read as numbers; null where it can. */
  problem: string | null;
}

/** Consecutive entries that are read together. */
export interface ColumnChunk {
  start: number;
  entries: number;
  columns: Record<string, NumberColumn>;
}

export interface ColumnFile {
  path: string;
  /** What holds the columns, for messages: `tree "responses"` or `table`. */
  holder: string;
  /** What one column is called: `branch` or `column`. */
  word: "branch" | "column";
  entries: number;
  columns: ColumnInfo[];
  /** All entries in order; memory is that of one chunk. */
  chunks(names: string[]): AsyncIterable<ColumnChunk>;
  close(): Promise<void>;
}
