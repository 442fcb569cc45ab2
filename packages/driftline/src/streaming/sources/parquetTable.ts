// A Parquet file as a table: row groups fetched ahead, pages decoded as they are needed.

import { type ByteSource, type Column, readMerged } from "@driftline/rootio";
import { type FileMetaData, parquetMetadataAsync, parquetSchema, type RowGroup } from "hyparquet";
import { DriftlineError } from "../../errors/registry.ts";
import { beginnings, checked } from "./asked.ts";
import { DamagedError } from "./damaged.ts";
import { reading, translated, unusable } from "./failure.ts";
import { fingerprintOf } from "./fingerprint.ts";
import { type Builder, builder } from "./parquet/builder.ts";
import { type PageReader, pageReader } from "./parquet/pages.ts";
import { type Leaf, leavesOf } from "./parquet/schema.ts";
import type { Chunk, ReadRange, Table } from "./table.ts";

/** Compressed bytes of the columns asked in one row group: two groups are held at a time. */
const mostGroupBytes = 384 * 1024 * 1024;
/** Footers of wide files have megabytes; a damaged one can claim any length. */
const mostFooterBytes = 64 * 1024 * 1024;

/** Opens a Parquet file; takes over the source. Throws `invalid_data`. */
export async function openParquetTable(source: ByteSource, signal?: AbortSignal): Promise<Table> {
  const location = source.name;
  try {
    const metadata = await readMetadata(source);
    const leaves = leavesOf(metadata, parquetSchema(metadata));
    const entries = Number(metadata.num_rows);
    const inGroups = metadata.row_groups.reduce((sum, group) => sum + Number(group.num_rows), 0);
    if (!Number.isSafeInteger(entries) || entries < 0 || inGroups !== entries)
      throw new DamagedError(`its row groups have ${inGroups} rows, and it claims ${entries}`);
    const columns = leaves.map(({ name, typeName, shape, problem }) => ({ name, typeName, shape, problem }));
    const table = { location, holder: "table", word: "column", entries, columns } as const;
    return {
      ...table,
      chunks: (names, size, range) =>
        chunks(source, metadata, leaves, names, size, checked(table, names, size, range), signal),
      boundaries: async () => beginnings(metadata.row_groups.map((group) => Number(group.num_rows))),
      fingerprint: () => reading(location, () => fingerprintOf(source), signal),
      close: () => source.close(),
    };
  } catch (error) {
    await source.close();
    throw damaged(location, null, error, signal);
  }
}

async function readMetadata(source: ByteSource): Promise<FileMetaData> {
  if (source.size < 12) throw new DamagedError("it is too short");
  const [tail] = await source.read([{ position: source.size - 8, length: 8 }]);
  const footer = new DataView(tail.buffer, tail.byteOffset, 8).getUint32(0, true);
  if (footer > mostFooterBytes) throw new DamagedError(`its footer claims ${footer} bytes`);
  const slice = async (start: number, end = source.size) => {
    const [bytes] = await source.read([{ position: start, length: end - start }]);
    return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
  };
  return parquetMetadataAsync(
    { byteLength: source.size, slice },
    { geoparquet: false, initialFetchSize: Math.min(footer + 8, source.size) },
  );
}

async function* chunks(
  source: ByteSource,
  metadata: FileMetaData,
  leaves: Leaf[],
  names: string[],
  size: number,
  { start, stop }: Required<ReadRange>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Chunk> {
  const chosen = names.map((name) => leaves.find((leaf) => leaf.name === name)!);
  const groups: { group: RowGroup; first: number; last: number }[] = [];
  let row = 0;
  for (const group of metadata.row_groups) {
    const next = row + Number(group.num_rows);
    if (next > row && row < stop && next > start) groups.push({ group, first: row, last: next });
    row = next;
  }
  let coming = groups.length > 0 ? fetchGroup(source, chosen, groups[0].group) : null;
  for (const [i, { first, last }] of groups.entries()) {
    const fetched = await coming!.catch((error) => {
      throw damaged(source.name, null, error, signal);
    });
    coming = i + 1 < groups.length ? fetchGroup(source, chosen, groups[i + 1].group) : null;
    // A consumer that stops early hears nothing of the group on its way.
    coming?.catch(() => {});
    const columns = chosen.map((leaf, k) => columnOf(source.name, leaf, fetched[k], signal));
    const from = Math.max(start, first);
    const to = Math.min(stop, last);
    for (const column of columns) column.skip(from - first);
    for (let at = from; at < to; at += size) {
      signal?.throwIfAborted();
      const entries = Math.min(size, to - at);
      const taken = columns.map((column) => column.take(entries));
      yield {
        start: at,
        entries,
        columns: Object.fromEntries(names.map((name, k) => [name, taken[k]])),
      };
    }
    if (to === last) for (const column of columns) column.finish(last - first);
  }
}

type Fetched = { meta: NonNullable<RowGroup["columns"][number]["meta_data"]>; bytes: Uint8Array };

async function fetchGroup(source: ByteSource, leaves: Leaf[], group: RowGroup): Promise<Fetched[]> {
  const metas = leaves.map((leaf) => {
    const found = group.columns.find(({ meta_data }) => meta_data?.path_in_schema.join("\0") === leaf.key);
    if (!found?.meta_data) throw new DamagedError(`a row group has no column "${leaf.name}"`);
    if (found.file_path)
      throw new DamagedError(`column "${leaf.name}" lies in another file, ${found.file_path}`);
    return found.meta_data;
  });
  const ranges = metas.map((meta) => {
    const data = Number(meta.data_page_offset);
    const dictionary = Number(meta.dictionary_page_offset ?? 0);
    const position = dictionary > 0 && dictionary < data ? dictionary : data;
    return { position, length: Number(meta.total_compressed_size) };
  });
  const bytes = ranges.reduce((sum, { length }) => sum + length, 0);
  if (bytes > mostGroupBytes)
    throw new DamagedError(
      `a row group has ${bytes} bytes in the columns asked, and no more than ${mostGroupBytes} are held; read fewer columns, or write smaller row groups`,
    );
  // Columns that lie side by side come in one read.
  const read = await readMerged(source, ranges);
  return metas.map((meta, i) => ({ meta, bytes: read[i] }));
}

interface ColumnReader {
  skip(entries: number): void;
  take(entries: number): Column;
  /** All entries were taken: what the pages still hold must be nothing. */
  finish(entries: number): void;
}

function columnOf(
  location: string,
  leaf: Leaf,
  { meta, bytes }: Fetched,
  signal?: AbortSignal,
): ColumnReader {
  const into: Builder = builder(leaf);
  let pages: PageReader | null = null;
  let taken = 0;
  const attempt = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw damaged(location, leaf.name, error, signal);
    }
  };
  const take = (entries: number) =>
    attempt(() => {
      pages ??= pageReader(leaf, meta, bytes, into);
      while (into.ready() < entries) {
        if (pages.next()) continue;
        if (into.ready() < entries)
          throw new DamagedError(
            `its pages hold ${taken + into.ready()} entries, and the row group claims more`,
          );
      }
      taken += entries;
      return into.take(entries);
    });
  return {
    take,
    skip(entries) {
      // Piece by piece, so that what is skipped is not held.
      for (let left = entries; left > 0; left -= Math.min(left, 65_536)) take(Math.min(left, 65_536));
    },
    finish: (entries) =>
      attempt(() => {
        while (pages?.next()) if (into.ready() > 0) break;
        if (into.ready() > 0)
          throw new DamagedError(`its pages hold more than the ${entries} entries announced`);
      }),
  };
}

/** Whatever reading a damaged file throws: decoders stumble in many ways, and all mean this. */
function damaged(location: string, column: string | null, error: unknown, signal?: AbortSignal): unknown {
  if (signal?.aborted) return signal.reason;
  const known = translated(location, error);
  if (known instanceof DriftlineError) return known;
  const reason = error instanceof Error ? error.message : String(error);
  const where = column === null ? "" : `column "${column}": `;
  return unusable(
    location,
    `${where}it is no readable Parquet file (${reason})`,
    "Write the file again, uncompressed or with Snappy, gzip, LZ4, Brotli or Zstandard, or leave it out.",
    { cause: error },
  );
}
