// JSON records, one a line or in one array, as a table of typed columns: streamed, of any length.

import type { ByteSource } from "@driftline/rootio";
import { checked } from "./asked.ts";
import { DamagedError } from "./damaged.ts";
import { reading, translated, unusable } from "./failure.ts";
import { fingerprintOf } from "./fingerprint.ts";
import type { Chunk, ReadRange, Table } from "./table.ts";
import { blocksOf, type Compression } from "./text/blocks.ts";
import {
  common,
  type JsonCells,
  jsonCells,
  type Look,
  lookOf,
  missing,
  shapeOf,
  typeNameOf,
  unknown,
} from "./text/jsonValues.ts";
import { headRecords, type JsonRecord, recordsOf } from "./text/records.ts";
import { headOf } from "./text/windows.ts";

export interface JsonOptions {
  compression: Compression | null;
  signal?: AbortSignal;
}

interface JsonColumn {
  name: string;
  /** Keys from the record down: objects within objects become `muon.pt`. */
  path: string[];
  look: Look;
}

/** Objects within objects deeper than this are not taken apart. */
const deepest = 8;

/** Opens JSON records; takes over the source. Columns are those of the first MiB. Throws `invalid_data`. */
export async function openJsonTable(
  source: ByteSource,
  { compression, signal }: JsonOptions,
): Promise<Table> {
  const location = source.name;
  try {
    const { head, isAll } = await reading(location, () => headOf(source, compression), signal);
    const found = columnsOf(headRecords(head, isAll), isAll);
    const columns = found.map(({ name, look }) => {
      const shape = shapeOf(look);
      const problem = look.kind === "other" ? look.problem : shape ? null : "holds objects within lists";
      return { name, typeName: typeNameOf(look), shape: problem === null ? shape : null, problem };
    });
    const table = { location, holder: "table", word: "column", entries: null, columns } as const;
    return {
      ...table,
      chunks: (names, entries, range) => {
        const asked = checked(table, names, entries, range);
        const chosen = names.map((name) => found.find((column) => column.name === name)!);
        const records = () => recordsOf(blocksOf(source, compression), head);
        return chunks(location, records, chosen, entries, asked, signal);
      },
      boundaries: async () => null,
      fingerprint: () => reading(location, () => fingerprintOf(source), signal),
      close: () => source.close(),
    };
  } catch (error) {
    await source.close();
    throw wrong(location, error, signal);
  }
}

function columnsOf(records: JsonRecord[], isAll: boolean): JsonColumn[] {
  if (records.length === 0)
    throw new DamagedError(isAll ? "it has no records" : "its first record has more than 1 MiB");
  const columns = new Map<string, JsonColumn & { seen: number }>();
  let count = 0;
  const walk = (object: Record<string, unknown>, above: string[]) => {
    for (const [key, value] of Object.entries(object)) {
      const path = [...above, key];
      if (isObject(value) && path.length < deepest) {
        walk(value, path);
        continue;
      }
      const name = path.join(".");
      const column = columns.get(name) ?? { name, path, look: unknown, seen: 0 };
      columns.set(name, column);
      column.look = common(column.look, lookOf(value));
      if (value !== null) column.seen++;
    }
  };
  for (const record of records) {
    walk(parsed(record), []);
    count++;
  }
  return [...columns.values()].map(({ seen, ...column }) => ({
    ...column,
    look: seen < count ? missing(column.look) : column.look,
  }));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parsed({ bytes, number }: JsonRecord): Record<string, unknown> {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    // Python writes NaN and Infinity, which JSON has not.
    const plain = text.replace(/"(?:[^"\\]|\\.)*"|-?\bInfinity\b|\bNaN\b/g, (part) =>
      part === "NaN" ? "null" : part.endsWith("Infinity") ? part.replace("Infinity", "1e999") : part,
    );
    try {
      value = JSON.parse(plain);
    } catch {
      throw new DamagedError(`record ${number} is no JSON (${(cause as Error).message})`);
    }
  }
  if (isObject(value)) return value;
  throw new DamagedError(
    `record ${number} is ${Array.isArray(value) ? "a list" : "a bare value"}, not an object with names`,
  );
}

async function* chunks(
  location: string,
  records: () => AsyncIterable<JsonRecord[]>,
  columns: JsonColumn[],
  size: number,
  { start, stop }: Required<ReadRange>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Chunk> {
  const cells = columns.map(({ look }) => jsonCells(look));
  let at = 0;
  let held = 0;
  const chunk = (): Chunk => {
    const made = Object.fromEntries(columns.map(({ name }, i) => [name, cells[i].take()]));
    const from = at - held;
    const entries = held;
    held = 0;
    return { start: from, entries, columns: made };
  };
  try {
    if (start >= stop) return;
    for await (const block of records()) {
      signal?.throwIfAborted();
      for (const record of block) {
        if (at >= start) {
          add(columns, cells, record);
          held++;
        }
        at++;
        if (held === size || (at === stop && held > 0)) {
          yield chunk();
          signal?.throwIfAborted();
        }
        if (at === stop) return;
      }
    }
    if (held > 0) yield chunk();
  } catch (error) {
    throw wrong(location, error, signal);
  }
}

function add(columns: JsonColumn[], cells: JsonCells[], record: JsonRecord): void {
  const object = parsed(record);
  for (const [i, { name, path, look }] of columns.entries()) {
    let value: unknown = object;
    for (const key of path) {
      if (value !== undefined && value !== null && !isObject(value))
        throw new DamagedError(`record ${record.number}, column "${name}": there is no object to look into`);
      value = value === undefined || value === null || !Object.hasOwn(value, key) ? undefined : value[key];
    }
    if (cells[i].add(value)) continue;
    const shown = JSON.stringify(value === undefined ? null : value).slice(0, 60);
    throw new DamagedError(
      `record ${record.number}, column "${name}": ${shown} is no ${typeNameOf(look)}, as the values of the first MiB are`,
    );
  }
}

function wrong(location: string, error: unknown, signal?: AbortSignal): unknown {
  if (signal?.aborted) return signal.reason;
  if (error instanceof DamagedError)
    return unusable(location, error.message, "Correct the record, or write one object a line.", {
      cause: error,
    });
  return translated(location, error);
}
