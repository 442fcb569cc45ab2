// Opens a new file of a table in any format: what it cannot hold is refused first, and a failure leaves nothing behind.

import { lengthOf, WriteError, writeFailure } from "@driftline/rootio";
import { machineReason } from "../../errors/machine.ts";
import { DriftlineError, fail } from "../../errors/registry.ts";
import { describeShape, shapeOf } from "./shapes.ts";
import type { Format, FormatWriter, TableChunk, TableWriter, WrittenColumn } from "./writer.ts";

export type FormatName = "root" | "parquet" | "arrow" | "arrows" | "safetensors" | "csv" | "jsonl";

/** Loaded when they are asked for: a library behind a format takes longer to load than most files to write. */
const formats: Record<FormatName, () => Promise<Format>> = {
  root: async () => (await import("./root.ts")).root,
  parquet: async () => (await import("./parquet.ts")).parquet,
  arrow: async () => (await import("./arrow.ts")).arrow,
  arrows: async () => (await import("./arrow.ts")).arrowStream,
  safetensors: async () => (await import("./safetensors.ts")).safetensors,
  csv: async () => (await import("./text.ts")).csv,
  jsonl: async () => (await import("./text.ts")).jsonLines,
};

const extensions: Record<string, FormatName> = {
  root: "root",
  parquet: "parquet",
  pq: "parquet",
  arrow: "arrow",
  feather: "arrow",
  arrows: "arrows",
  safetensors: "safetensors",
  csv: "csv",
  jsonl: "jsonl",
  ndjson: "jsonl",
};

/** Endings of a file that is compressed as a whole, as text is. */
const compressedText: Record<string, string> = { gz: "gzip", zst: "zstd" };

export interface WriterOptions {
  /** By the ending of the path where it is not given. */
  format?: FormatName;
  /** Name of the tree of a ROOT file, "Events" by default. */
  tree?: string;
  /** By default what the format's readers all know; of text, by the ending: .gz or .zst. */
  compression?: string;
  /** Entries of a row group of Parquet, where they shall not be as many as its bytes allow. */
  rowGroupEntries?: number;
}

/**
 * A file that does not exist yet. Throws `invalid_data` naming the column, and its type, that the format cannot hold;
 * `invalid_data` where the path cannot be written, `machine_failed` where there is no room.
 */
export async function openWriter(
  path: string,
  columns: WrittenColumn[],
  options: WriterOptions = {},
): Promise<TableWriter> {
  const { format: name, compression: ending } = fromEnding(path, options.format);
  const format = await formats[name]();
  const compression = options.compression ?? ending ?? format.compressions[0];
  if (!format.compressions.includes(compression))
    throw refused(
      path,
      `${format.name} is not compressed with "${compression}"`,
      `Take one of ${format.compressions.join(", ")}.`,
    );
  await checkColumns(path, format, columns);
  const { tree = "Events", rowGroupEntries } = options;
  if (rowGroupEntries !== undefined && !(Number.isSafeInteger(rowGroupEntries) && rowGroupEntries > 0))
    throw refused(
      path,
      `a row group cannot have ${rowGroupEntries} entries`,
      "Give a whole number from 1 on.",
    );
  const writer = await translate(path, () =>
    format.open(path, columns, {
      tree,
      compression,
      ...(rowGroupEntries !== undefined && { rowGroupEntries }),
    }),
  );
  return supervised(path, columns, writer);
}

function fromEnding(
  path: string,
  given: FormatName | undefined,
): { format: FormatName; compression?: string } {
  const parts = path.toLowerCase().split(".");
  const compression = compressedText[parts.at(-1) ?? ""];
  const ending = compression ? parts.at(-2) : parts.at(-1);
  const format = given ?? extensions[parts.length > 1 ? (ending ?? "") : ""];
  if (!format)
    throw refused(
      path,
      "its ending names no format",
      `End the name in one of ${Object.keys(extensions).join(", ")}, or name the format.`,
    );
  if (compression && format !== "csv" && format !== "jsonl")
    throw refused(path, "only text is compressed as a whole", `Leave out the ending ".${parts.at(-1)}".`);
  return { format, ...(compression && { compression }) };
}

async function checkColumns(path: string, format: Format, columns: WrittenColumn[]): Promise<void> {
  const names = new Set<string>();
  for (const { name, shape } of columns) {
    if (names.has(name))
      throw refused(path, `column "${name}" is there twice`, "Give each column a name of its own.");
    names.add(name);
    const problem = format.problemOf(shape);
    if (!problem) continue;
    const others: string[] = [];
    for (const [other, load] of Object.entries(formats))
      if (!(await load()).problemOf(shape)) others.push(other);
    throw refused(
      path,
      `column "${name}" is ${describeShape(shape)}, and ${format.name} cannot have that: ${problem}`,
      `Leave the column out, or take a format that holds it: ${others.join(", ")}.`,
    );
  }
}

/** Checks chunks, counts entries, and leaves nothing behind after a failure. */
function supervised(path: string, columns: WrittenColumn[], writer: FormatWriter): TableWriter {
  let entries = 0;
  let open = true;
  const attempt = async <T>(work: () => Promise<T>): Promise<T> => {
    if (!open) throw refused(path, "it was closed before", "Open another.");
    try {
      return await translate(path, work);
    } catch (error) {
      open = false;
      await writer.abort();
      throw error;
    }
  };
  return {
    append: (chunk) =>
      attempt(async () => {
        checkChunk(path, columns, chunk);
        await writer.append(chunk);
        entries += chunk.entries;
      }),
    close: async () => {
      const bytes = await attempt(() => writer.close());
      open = false;
      return { bytes, entries };
    },
    abort: async () => {
      if (!open) return;
      open = false;
      await writer.abort();
    },
  };
}

function checkChunk(path: string, columns: WrittenColumn[], chunk: TableChunk): void {
  for (const { name, shape } of columns) {
    const column = Object.hasOwn(chunk.columns, name) ? chunk.columns[name] : undefined;
    const wanted = `${chunk.entries} of ${describeShape(shape)}`;
    const got = column ? `${lengthOf(column)} of ${describeShape(shapeOf(column))}` : "nothing";
    if (got !== wanted)
      throw refused(
        path,
        `column "${name}" got ${got} in place of ${wanted}`,
        "Read it as it was announced.",
      );
  }
}

function refused(path: string, problem: string, remedy: string, cause?: unknown) {
  return fail("invalid_data", `cannot write ${path}: ${problem}`, {
    remedy,
    ...(cause !== undefined && { cause }),
  });
}

async function translate<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof DriftlineError || !(error instanceof Error)) throw error;
    const cause = error instanceof WriteError && error.cause instanceof Error ? error.cause : error;
    if (machineReason(cause))
      throw fail("machine_failed", `cannot write ${path}: ${machineReason(cause)}`, {
        remedy: "Make room, or write elsewhere; what had been written was removed.",
        cause,
      });
    const failure = "syscall" in error ? writeFailure(path, error) : error;
    if (!(failure instanceof WriteError)) throw error;
    throw refused(path, failure.problem, failure.remedy, cause);
  }
}
