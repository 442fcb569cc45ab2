// A table of text, comma-separated or the like, as a table of typed columns: streamed, of any length.

import type { ByteSource } from "@driftline/rootio";
import { checked } from "./asked.ts";
import { DamagedError } from "./damaged.ts";
import { reading, translated, unusable } from "./failure.ts";
import { fingerprintOf } from "./fingerprint.ts";
import type { Chunk, ReadRange, Table } from "./table.ts";
import { blocksOf, type Compression } from "./text/blocks.ts";
import { type ColumnCells, columnCells, expected } from "./text/cells.ts";
import { type DialectOptions, type TextColumns, textColumns } from "./text/dialect.ts";
import { type RowReader, rowReader, WrongCellError } from "./text/rows.ts";
import { headOf, windows } from "./text/windows.ts";

export interface TextOptions extends DialectOptions {
  compression: Compression | null;
  signal?: AbortSignal;
}

const typeNames = { float64: "number", int64: "whole number", bool: "bool", string: "text" };
/** Places made for a chunk before its rows are seen. */
const firstCapacity = 65_536;

/** Opens a text table; takes over the source. Types are those of the first MiB. Throws `invalid_data`. */
export async function openCsvTable(source: ByteSource, options: TextOptions): Promise<Table> {
  const { signal, compression } = options;
  const location = source.name;
  try {
    const { head, isAll } = await reading(location, () => headOf(source, compression), signal);
    const text = textColumns(head, isAll, options);
    const columns = text.columns.map(({ name, type }) => ({
      name,
      typeName: typeNames[type],
      shape: type === "string" ? ({ kind: "string" } as const) : ({ kind: "number", type } as const),
      problem: null,
    }));
    const table = { location, holder: "table", word: "column", entries: null, columns } as const;
    return {
      ...table,
      chunks: (names, entries, range) =>
        chunks(source, text, names, entries, checked(table, names, entries, range), options),
      boundaries: async () => null,
      fingerprint: () => reading(location, () => fingerprintOf(source), signal),
      close: () => source.close(),
    };
  } catch (error) {
    await source.close();
    throw wrong(location, null, error, signal);
  }
}

async function* chunks(
  source: ByteSource,
  text: TextColumns,
  names: string[],
  size: number,
  { start, stop }: Required<ReadRange>,
  { compression, signal }: TextOptions,
): AsyncGenerator<Chunk> {
  if (start >= stop) return;
  const capacity = Math.min(size, firstCapacity);
  const named = new Map<string, ColumnCells>();
  const cells = text.columns.map(({ name, type }) => {
    if (!names.includes(name)) return undefined;
    named.set(name, columnCells(type, capacity));
    return named.get(name);
  });
  const passed = rowReader(text, []);
  const kept = rowReader(text, cells);
  let active: RowReader = start > 0 ? passed : kept;
  passed.line = kept.line = text.line;
  let at = 0;
  let rows = 0;
  const chunk = (): Chunk => {
    const columns = Object.fromEntries(names.map((name) => [name, named.get(name)!.take(rows)]));
    const made = { start: at, entries: rows, columns };
    at += rows;
    rows = 0;
    return made;
  };
  try {
    for await (const window of windows(blocksOf(source, compression), text.from)) {
      for (let from = 0; ; ) {
        signal?.throwIfAborted();
        const limit = active === passed ? start - at : Math.min(size, stop - at);
        const read = active.read(window.bytes, from, rows, limit, window.isLast);
        from = read.next;
        rows = read.rows;
        if (rows < limit) {
          window.consumed(from);
          break;
        }
        if (active === passed) {
          at += rows;
          rows = 0;
          kept.line = passed.line;
          active = kept;
          if (at >= stop) return;
          continue;
        }
        yield chunk();
        if (at >= stop) return;
      }
    }
    if (active === kept && rows > 0) yield chunk();
  } catch (error) {
    throw wrong(source.name, text, error, signal);
  }
}

function wrong(location: string, text: TextColumns | null, error: unknown, signal?: AbortSignal): unknown {
  if (signal?.aborted) return signal.reason;
  if (error instanceof WrongCellError && text) {
    const { name, type } = text.columns[error.column];
    return unusable(
      location,
      `line ${error.line}, column "${name}": ${JSON.stringify(error.text)} is not ${expected(type)}, as all values of the first MiB are`,
      "Correct the value or leave it empty; or put a text into the first lines if the column holds text.",
    );
  }
  if (error instanceof DamagedError)
    return unusable(location, error.message, "Correct the file, or write it again.", { cause: error });
  return translated(location, error);
}
