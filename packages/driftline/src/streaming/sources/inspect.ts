// What a file holds: its trees or table, columns with their types and sizes, and what of it cannot be read.

import { openRootFile, type Tree } from "@driftline/rootio";
import { type BytesOptions, openBytes } from "./bytes.ts";
import { reading } from "./failure.ts";
import { tableOf } from "./open.ts";

export interface FileContents {
  location: string;
  bytes: number;
  tables: TableContents[];
}

export interface TableContents {
  name: string;
  /** TTree, ROOT::RNTuple or table. */
  className: string;
  /** Null where only reading the whole tells. */
  entries: number | null;
  columns: {
    name: string;
    typeName: string;
    /** Compressed bytes in the file; null where the format does not say. */
    bytes: number | null;
    problem: string | null;
  }[];
  /** Why nothing of it can be read; null where something can. */
  problem: string | null;
}

/** Opens the file, looks and closes it. Throws `invalid_data`. */
export async function inspectFile(location: string, options: BytesOptions = {}): Promise<FileContents> {
  const source = await openBytes(location, options);
  const { name, size } = source;
  let closed = false;
  try {
    const [head] = await reading(location, () => source.read([{ position: 0, length: Math.min(4, size) }]));
    if (Buffer.from(head).toString("latin1") === "root") {
      const file = await reading(location, () => openRootFile(source), options.signal);
      const tables: TableContents[] = [];
      for (const tree of file.trees())
        tables.push(await file.tree(tree).then(treeContents, (error: Error) => unreadable(tree, error)));
      return { location: name, bytes: size, tables };
    }
    const table = await tableOf(source, options);
    closed = true;
    const columns = table.columns.map(({ name, typeName, problem }) => ({
      name,
      typeName,
      problem,
      bytes: null,
    }));
    const { entries } = table;
    await table.close();
    return {
      location: name,
      bytes: size,
      tables: [{ name: "", className: "table", entries, columns, problem: null }],
    };
  } finally {
    if (!closed) await source.close().catch(() => {});
  }
}

async function treeContents(tree: Tree): Promise<TableContents> {
  const readable = tree.branches.filter(({ problem }) => problem === null).map(({ name }) => name);
  const stored = await tree.storedBytes(readable);
  const bytes = new Map(readable.map((name, i) => [name, stored[i]]));
  return {
    name: tree.name,
    className: tree.className,
    entries: tree.entries,
    columns: tree.branches.map(({ name, typeName, problem }) => ({
      name,
      typeName,
      bytes: bytes.get(name) ?? null,
      problem,
    })),
    problem: null,
  };
}

function unreadable(name: string, { message }: Error): TableContents {
  return { name, className: "?", entries: null, columns: [], problem: message };
}
