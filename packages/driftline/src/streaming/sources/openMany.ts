// Many files read as one table: checked before anything is read, few open at a time, entries in the order of the files.

import { createHash } from "node:crypto";
import { schemeText } from "./address.ts";
import { checked } from "./asked.ts";
import { unusable } from "./failure.ts";
import { type OpenOptions, openTableFile, type TableFile } from "./open.ts";
import type { Chunk, ColumnInfo, ReadRange, Table } from "./table.ts";

export interface ReadFile {
  location: string;
  /** null where only reading it tells. */
  entries: number | null;
  /** Of the file as it lies: see fingerprint.ts. */
  fingerprint: string;
  /** Bytes. */
  size: number;
}

/** Entries that lie in one file. */
export interface FileChunk extends Chunk {
  /** Which of the files. */
  file: number;
  /** Number of the first entry within that file. */
  entry: number;
}

export interface ManyTables extends Table {
  files: ReadFile[];
  /** Chunks end where files do; `start` counts through all files. */
  chunks(names: string[], entries: number, range?: ReadRange): AsyncIterable<FileChunk>;
  /** Entries of one of the files, counted within it. */
  chunksOf(file: number, names: string[], entries: number, range?: ReadRange): AsyncIterable<Chunk>;
  /** Of one of the files. */
  boundariesOf(file: number, names: string[]): Promise<number[] | null>;
}

/** Files open at a time, those read last; more where more are being read. */
const mostOpen = 16;
const parallelOpens = { local: 4, remote: 8 };

/**
 * Opens all files once, so that what is wrong with the last is known before the first is read. The columns are those of
 * the first file; one that another file lacks, or has of another type, has that as its problem, and asking for it
 * throws. Memory is that of one file's table. Throws `invalid_data`.
 */
export async function openTables(locations: string[], options: OpenOptions = {}): Promise<ManyTables> {
  if (locations.length === 0)
    throw unusable("nothing", "no file was named", "Name at least one file with data.");
  const open = new Map<number, Promise<TableFile>>();
  /** How many iterations read each file just now. */
  const users = new Map<number, number>();
  const get = (index: number): Promise<TableFile> => {
    const held = open.get(index) ?? openTableFile(locations[index], options);
    // Last in the order of use.
    open.delete(index);
    open.set(index, held);
    return held;
  };
  const closeAllBut = async (most: number) => {
    const idle = [...open].filter(([index]) => most === 0 || !users.get(index));
    for (const [index, each] of idle.slice(0, Math.max(0, open.size - most))) {
      open.delete(index);
      await each.then(({ table }) => table.close()).catch(() => {});
    }
  };
  const files: (ReadFile & { stamp: string })[] = [];
  try {
    const first = await get(0);
    const columns = first.table.columns.map((column) => ({ ...column }));
    const isRemote = schemeText(locations[0]) !== null;
    const parallel = isRemote ? parallelOpens.remote : parallelOpens.local;
    for (let from = 0; from < locations.length; from += parallel) {
      const indices = locations.slice(from, from + parallel).map((_, i) => from + i);
      const settled = await Promise.allSettled(indices.map(get));
      for (const [i, outcome] of settled.entries()) {
        if (outcome.status === "rejected") throw outcome.reason;
        const { table, stamp, size } = outcome.value;
        if (from + i > 0) compare(columns, table, locations[0]);
        const { location, entries } = table;
        files.push({ location, entries, fingerprint: await table.fingerprint(), size, stamp });
      }
      await closeAllBut(mostOpen - parallel);
    }
    return together(
      first.table,
      columns,
      files,
      async function* use<T>(index: number, read: (file: TableFile) => AsyncIterable<T>) {
        users.set(index, (users.get(index) ?? 0) + 1);
        try {
          const file = await get(index);
          await closeAllBut(mostOpen);
          yield* read(file);
        } finally {
          users.set(index, users.get(index)! - 1);
        }
      },
      () => closeAllBut(0),
    );
  } catch (error) {
    await closeAllBut(0);
    throw error;
  }
}

/** Notes for each column how this file differs. */
function compare(columns: ColumnInfo[], table: Table, first: string): void {
  const here = new Map(table.columns.map((column) => [column.name, column]));
  for (const column of columns) {
    if (column.problem !== null) continue;
    const other = here.get(column.name);
    if (!other) column.problem = `is missing in ${table.location}, which ${first} has`;
    else if (other.problem !== null) column.problem = `${other.problem} in ${table.location}`;
    else if (JSON.stringify(other.shape) !== JSON.stringify(column.shape))
      column.problem = `is ${other.typeName} in ${table.location}, but ${column.typeName} in ${first}`;
    else continue;
    column.shape = null;
  }
}

function together(
  first: Table,
  columns: ColumnInfo[],
  files: (ReadFile & { stamp: string })[],
  use: <T>(index: number, read: (file: TableFile) => AsyncIterable<T>) => AsyncGenerator<T>,
  close: () => Promise<void>,
): ManyTables {
  const location =
    files.length === 1 ? files[0].location : `${files[0].location} and ${files.length - 1} more`;
  const entries = files.reduce<number | null>(
    (sum, file) => (sum === null || file.entries === null ? null : sum + file.entries),
    0,
  );
  const table = { location, holder: first.holder, word: first.word, entries, columns };
  const same = (
    { table: one, stamp }: TableFile,
    { location, entries, stamp: known }: (typeof files)[number],
  ) => {
    if (stamp !== known || one.entries !== entries)
      throw unusable(location, "it has changed since it was first opened", "Read all files again.");
    return one;
  };
  async function* chunks(
    names: string[],
    size: number,
    { start, stop }: Required<ReadRange>,
  ): AsyncGenerator<FileChunk> {
    let before = 0;
    for (const [index, file] of files.entries()) {
      const known = file.entries;
      if (before >= stop) return;
      if (known !== null && before + known <= start) {
        before += known;
        continue;
      }
      const range: ReadRange = { start: Math.max(0, start - before) };
      const end = Math.min(stop - before, known ?? Number.POSITIVE_INFINITY);
      if (Number.isFinite(end)) range.stop = end;
      let read = range.start!;
      for await (const chunk of use(index, (opened) => same(opened, file).chunks(names, size, range))) {
        yield { ...chunk, start: before + chunk.start, file: index, entry: chunk.start };
        read = chunk.start + chunk.entries;
      }
      if (known === null && read === range.start && range.start > 0)
        throw unusable(
          file.location,
          `entries from ${start} on were asked for, and how many this file has is not known before it is read`,
          "Read text files from their beginning, or convert them to Parquet.",
        );
      before += known ?? read;
    }
  }
  const many: ManyTables = {
    ...table,
    files: files.map(({ stamp: _, ...file }) => file),
    chunks: (names, size, range) => chunks(names, size, checked(table, names, size, range)),
    chunksOf: (index, names, size, range) => {
      checked({ ...table, entries: files[index].entries }, names, size, range);
      return use(index, (opened) => same(opened, files[index]).chunks(names, size, range));
    },
    boundariesOf: async (index, names) => {
      checked(table, names, 1, undefined);
      async function* once(opened: TableFile) {
        yield await same(opened, files[index]).boundaries(names);
      }
      for await (const boundaries of use(index, once)) return boundaries;
      return null;
    },
    boundaries: async (names) => {
      const starts: number[] = [];
      let before = 0;
      for (const [index, { entries }] of files.entries()) {
        const own = await many.boundariesOf(index, names);
        if (own === null || entries === null) return null;
        starts.push(...own.map((start) => before + start));
        before += entries;
      }
      return starts;
    },
    // One file has its own; several have that of the list.
    fingerprint: async () => {
      if (files.length === 1) return files[0].fingerprint;
      const list = createHash("sha256");
      for (const { fingerprint } of files) list.update(fingerprint, "hex");
      return list.digest("hex");
    },
    close,
  };
  return many;
}
