// The tree of a ROOT file, TTree or RNTuple, as a table.

import { type ByteSource, openRootFile, type RootFile, type Tree } from "@driftline/rootio";
import { checked } from "./asked.ts";
import { reading, unusable } from "./failure.ts";
import { fingerprintOf } from "./fingerprint.ts";
import type { Chunk, ReadRange, Table } from "./table.ts";

/** Trees that an error lists with their entries. */
const mostListed = 20;

/** Opens a tree; without a name the one that the file has. Takes over the source. Throws `invalid_data`. */
export async function openRootTable(
  source: ByteSource,
  treeName: string | undefined,
  signal?: AbortSignal,
): Promise<Table> {
  const location = source.name;
  // It closes the source where the file is none.
  const file = await reading(location, () => openRootFile(source), signal);
  try {
    const tree = await openTree(file, location, treeName, signal);
    const table = {
      location,
      holder: `tree "${tree.name}"`,
      word: tree.className === "ROOT::RNTuple" ? ("field" as const) : ("branch" as const),
      entries: tree.entries,
      columns: tree.branches.map(({ name, typeName, shape, problem }) => ({
        name,
        typeName,
        shape: problem === null ? shape : null,
        problem,
      })),
    };
    return {
      ...table,
      chunks: (names, entries, range) =>
        chunks(location, tree, names, entries, checked(table, names, entries, range), signal),
      boundaries: (names) => reading(location, () => tree.boundaries(names), signal),
      fingerprint: () => reading(location, () => fingerprintOf(source), signal),
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function openTree(
  file: RootFile,
  location: string,
  name: string | undefined,
  signal: AbortSignal | undefined,
): Promise<Tree> {
  const field = "data.files.tree";
  if (name !== undefined) return reading(location, () => file.tree(name), signal, field);
  const trees = file.trees();
  if (trees.length === 1) return reading(location, () => file.tree(trees[0]), signal);
  if (trees.length === 0)
    throw unusable(location, "the file has no tree", "Give a file with a TTree or an RNTuple.", { field });
  const listed: string[] = [];
  for (const name of trees.slice(0, mostListed)) {
    const entries = await file.tree(name).then(
      (tree) => `${tree.entries} entries`,
      () => "unreadable",
    );
    listed.push(`"${name}" (${entries})`);
  }
  const more = trees.length > mostListed ? ` and ${trees.length - mostListed} more` : "";
  throw unusable(
    location,
    `the file has ${trees.length} trees: ${listed.join(", ")}${more}`,
    "Say which tree to read.",
    { field },
  );
}

async function* chunks(
  location: string,
  tree: Tree,
  names: string[],
  entries: number,
  range: ReadRange,
  signal: AbortSignal | undefined,
): AsyncGenerator<Chunk> {
  const pieces = tree.chunks(names, entries, range)[Symbol.asyncIterator]();
  try {
    for (;;) {
      const { done, value } = await reading(location, () => pieces.next(), signal);
      if (done) return;
      const { start, stop, columns } = value;
      yield { start, entries: stop - start, columns };
    }
  } finally {
    await pieces.return?.();
  }
}
