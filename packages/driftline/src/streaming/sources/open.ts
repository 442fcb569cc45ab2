// Opens a table of any format, told by its first bytes, else by its name.

import type { ByteSource } from "@driftline/rootio";
import { schemeText } from "./address.ts";
import { openArrowTable } from "./arrowTable.ts";
import { type BytesOptions, openBytes } from "./bytes.ts";
import { openCsvTable } from "./csvTable.ts";
import { reading, unusable } from "./failure.ts";
import { openJsonTable } from "./jsonTable.ts";
import { openParquetTable } from "./parquetTable.ts";
import { openRootTable } from "./rootTable.ts";
import type { Table } from "./table.ts";
import { compressionOf } from "./text/blocks.ts";
import type { DialectOptions } from "./text/dialect.ts";

export interface OpenOptions extends BytesOptions {
  /** How a text table is written, where it must not be found out. */
  csv?: DialectOptions;
  /** Path of the tree in a ROOT file; it may be left out where a file has one. */
  tree?: string;
}

/** A table with what tells whether its file is still the same when it is opened again. */
export interface TableFile {
  table: Table;
  /** Bytes of the file as it lies. */
  size: number;
  /** Differs where another file lies at the same place. */
  stamp: string;
}

/** Opens a path or address. Throws `invalid_data`. */
export async function openTable(location: string, options: OpenOptions = {}): Promise<Table> {
  return (await openTableFile(location, options)).table;
}

/** The same, with the file's size and stamp. */
export async function openTableFile(location: string, options: OpenOptions = {}): Promise<TableFile> {
  const source = await openBytes(location, options);
  const { size, identity: stamp } = source;
  try {
    return { table: await tableOf(source, options), size, stamp };
  } catch (error) {
    await source.close().catch(() => {});
    throw error;
  }
}

/** The table that these bytes are; it takes over the source. */
export async function tableOf(source: ByteSource, options: OpenOptions): Promise<Table> {
  const { tree, signal } = options;
  const { name: location, size } = source;
  if (size === 0) throw unusable(location, "the file is empty", "Give a file with data in it.");
  const [head] = await reading(
    location,
    () => source.read([{ position: 0, length: Math.min(8, size) }]),
    signal,
  );
  const magic = Buffer.from(head).toString("latin1");
  if (magic.startsWith("root")) return openRootTable(source, tree, signal);
  if (magic.startsWith("PAR1")) return openParquetTable(source, signal);
  if (magic.startsWith("PARE"))
    throw unusable(location, "it is an encrypted Parquet file", "Give a file that is not encrypted.");
  if (magic.startsWith("ARROW1") || isArrowStream(head)) return openArrowTable(source, signal);
  const compression = compressionOf(head, location);
  const named = /\.(gz|zst)$/i.exec(plainName(location))?.[1].toLowerCase();
  if (compression === null && named !== undefined)
    throw unusable(
      location,
      `its name ends in .${named}, and its content is not compressed so`,
      "Copy the file again from where it came from, or name it as what it is.",
    );
  const kind = textKind(location);
  if (kind === "csv") return openCsvTable(source, { ...options.csv, compression, signal });
  if (kind === "json") return openJsonTable(source, { compression, signal });
  throw unusable(
    location,
    "neither its first bytes nor its name tell a format that is read",
    "Give a ROOT, Parquet or Arrow file, or text whose name ends in .csv, .tsv, .txt, .jsonl, .ndjson or .json (also with .gz, .zst or .br after it).",
  );
}

/** A stream begins with a sign and the length of its schema, which is far from text. */
function isArrowStream(head: Uint8Array): boolean {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  return head.length === 8 && view.getUint32(0, true) === 0xffffffff && view.getInt32(4, true) > 0;
}

const endings: Record<string, "csv" | "json"> = {
  csv: "csv",
  tsv: "csv",
  txt: "csv",
  dat: "csv",
  json: "json",
  jsonl: "json",
  ndjson: "json",
};

/** What text a file holds, by the ending of its name before that of a compression, and before "?" in an address. */
function textKind(location: string): "csv" | "json" | null {
  const ending = /\.([a-z]+)(?:\.(?:gz|zst|br))?$/i.exec(plainName(location))?.[1].toLowerCase();
  return endings[ending ?? ""] ?? null;
}

function plainName(location: string): string {
  return schemeText(location) === null ? location : location.replace(/[?#].*$/s, "");
}
