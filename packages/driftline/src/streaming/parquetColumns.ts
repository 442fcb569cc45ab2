// Columns of a Parquet file: numbers, and lists of numbers in place of jagged branches.

import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from "node:zlib";
import {
  asyncBufferFromFile,
  type Compressors,
  type FileMetaData,
  parquetMetadataAsync,
  parquetReadObjects,
  parquetSchema,
  type SchemaTree,
} from "hyparquet";
import { fail } from "../errors/registry.ts";
import type { ColumnChunk, ColumnFile, ColumnInfo, NumberColumn } from "./columnFile.ts";

/** hyparquet has Snappy itself; Node has these. */
const compressors: Compressors = {
  GZIP: (bytes) => gunzipSync(bytes),
  ZSTD: (bytes) => zstdDecompressSync(bytes),
  BROTLI: (bytes) => brotliDecompressSync(bytes),
};
const numberTypes = ["INT32", "INT64", "FLOAT", "DOUBLE", "BOOLEAN"];

export async function openParquetColumns(path: string): Promise<ColumnFile> {
  const file = await asyncBufferFromFile(path);
  let metadata: FileMetaData;
  try {
    metadata = await parquetMetadataAsync(file);
  } catch (cause) {
    throw damaged(path, cause);
  }
  const columns = parquetSchema(metadata).children.map(describe);
  return {
    path,
    holder: "table",
    word: "column",
    entries: Number(metadata.num_rows),
    columns,
    async *chunks(names): AsyncGenerator<ColumnChunk> {
      let start = 0;
      for (const group of metadata.row_groups) {
        const stop = start + Number(group.num_rows);
        let rows: Record<string, unknown>[];
        try {
          rows = await parquetReadObjects({
            file,
            metadata,
            compressors,
            columns: names,
            rowStart: start,
            rowEnd: stop,
          });
        } catch (cause) {
          throw damaged(path, cause);
        }
        if (rows.length !== stop - start) throw damaged(path, `row group has ${rows.length} rows`);
        const toColumn = (name: string): [string, NumberColumn] => {
          const jagged = columns.find((column) => column.name === name)?.jagged ?? false;
          return [
            name,
            jagged ? flatten(rows, name) : { values: rows.map((row) => number(row[name])), offsets: null },
          ];
        };
        yield { start, entries: rows.length, columns: Object.fromEntries(names.map(toColumn)) };
        start = stop;
      }
    },
    close: async () => {},
  };
}

/** A list is `group (LIST) { repeated … { element } }`, or a repeated column as the oldest writers have it. */
function describe(node: SchemaTree): ColumnInfo {
  const { name } = node.element;
  let leaf = node;
  while (leaf.children.length === 1) leaf = leaf.children[0];
  const lists = countRepeated(node);
  const leafType = leaf.element.type ?? "group";
  const problem = leafType.endsWith("BYTE_ARRAY")
    ? "holds text or bytes, not numbers"
    : !numberTypes.includes(leafType)
      ? `is a ${leafType.toLowerCase()}, not numbers`
      : lists > 1
        ? "is a list of lists"
        : null;
  return { name, type: leafType.toLowerCase(), jagged: lists > 0, problem };
}

function countRepeated(node: SchemaTree): number {
  const own = node.element.repetition_type === "REPEATED" ? 1 : 0;
  return own + (node.children.length === 1 ? countRepeated(node.children[0]) : 0);
}

/** Missing values become NaN, which the reader of responses refuses with the entry's number. */
function number(value: unknown): number {
  return value === null || value === undefined ? Number.NaN : Number(value);
}

function flatten(rows: Record<string, unknown>[], name: string): NumberColumn {
  const offsets = new Int32Array(rows.length + 1);
  const values: number[] = [];
  rows.forEach((row, i) => {
    for (const value of (row[name] as ArrayLike<unknown> & Iterable<unknown>) ?? [])
      values.push(number(value));
    offsets[i + 1] = values.length;
  });
  return { values, offsets };
}

function damaged(path: string, cause: unknown) {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return fail(
    "invalid_data",
    `cannot read responses from ${path}: it is no readable Parquet file (${reason})`,
    {
      field: "data.files",
      remedy: "Write the file again, uncompressed or with Snappy, gzip, Brotli or Zstandard.",
      cause,
    },
  );
}
