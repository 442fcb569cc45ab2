// Columns of a TTree in a ROOT file.

import {
  type BranchInfo,
  type Column,
  openRootFile,
  RootError,
  type RootFile,
  type Tree,
  type Values,
} from "@driftline/rootio";
import { fail } from "../errors/registry.ts";
import type { ColumnChunk, ColumnFile, ColumnInfo, NumberColumn } from "./columnFile.ts";

/** Entries read at a time. */
const chunkEntries = 4096;

export async function openRootColumns(path: string, treeName: string): Promise<ColumnFile> {
  const file = await translate(path, "data.files", () => openRootFile(path));
  let tree: Tree;
  try {
    tree = await translate(path, "data.files.tree", () => file.tree(treeName));
  } catch (error) {
    await file.close();
    throw error;
  }
  return {
    path,
    holder: `tree "${treeName}"`,
    word: "branch",
    entries: tree.entries,
    columns: tree.branches.map(columnInfo),
    chunks: (names) => chunks(path, tree, names),
    close: () => (file satisfies RootFile).close(),
  };
}

async function* chunks(path: string, tree: Tree, names: string[]): AsyncGenerator<ColumnChunk> {
  for (let start = 0; start < tree.entries; start += chunkEntries) {
    const stop = Math.min(start + chunkEntries, tree.entries);
    const read = await translate(path, "data.files", () => tree.read(names, { start, stop }));
    const columns = Object.entries(read).map(([name, column]) => [name, numbersOf(column)]);
    yield { start, entries: stop - start, columns: Object.fromEntries(columns) };
  }
}

function columnInfo({ name, typeName, shape, problem }: BranchInfo): ColumnInfo {
  const jagged = shape?.kind === "list";
  const content = shape?.kind === "list" ? shape.content : shape;
  if (content?.kind === "number") return { name, type: content.type, jagged, problem };
  return { name, type: typeName, jagged, problem: problem ?? `holds ${typeName}, which is not a number` };
}

function numbersOf(column: Column): NumberColumn {
  const content = column.kind === "list" ? column.content : column;
  if (content.kind !== "number") throw new TypeError(`a column of ${content.kind}`);
  return { values: toNumbers(content.values), offsets: column.kind === "list" ? column.offsets : null };
}

function toNumbers(values: Values): ArrayLike<number> {
  return values instanceof BigInt64Array || values instanceof BigUint64Array
    ? Float64Array.from(values, Number)
    : values;
}

const remedies: Record<RootError["kind"], string> = {
  unreadable: "Give the path of a ROOT file that exists and can be read.",
  not_root: "Give ROOT files with a TTree, or Parquet files.",
  damaged: "Copy the file again from where it came from, or leave it out.",
  missing: "Correct data.files in family.yaml, or give files that have it.",
  unsupported: "Write a TTree or an RNTuple with numbers or lists of numbers.",
  too_large: "Write baskets or pages of fewer entries, or leave the file out.",
};

async function translate<T>(path: string, field: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof RootError)) throw error;
    throw fail("invalid_data", `cannot read responses from ${path}: ${error.problem}`, {
      field,
      remedy: remedies[error.kind],
      cause: error,
    });
  }
}
