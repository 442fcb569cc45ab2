// A ROOT file opened for reading: its trees by name.

import { describeTree } from "./branch.ts";
import { nearestNames, RootError } from "./errors.ts";
import { readMetadata } from "./metadata.ts";
import { fileSource } from "./source.ts";
import { openTree, type Tree } from "./tree.ts";

export interface RootFile {
  name: string;
  /** Paths of all trees, in the order of the file. */
  trees(): string[];
  /** Throws RootError `missing` with the nearest names. */
  tree(name: string): Promise<Tree>;
  close(): Promise<void>;
}

/** Opens a ROOT file. Throws RootError: `unreadable`, `not_root` or `damaged`. */
export async function openRootFile(path: string): Promise<RootFile> {
  const source = await fileSource(path);
  const metadata = await readMetadata(source).catch(async (error) => {
    await source.close();
    throw error;
  });
  return {
    name: path,
    trees: () => metadata.trees.map((tree) => tree.name),
    tree: async (name) => {
      const key = metadata.trees.find((tree) => tree.name === name);
      if (!key) throw missingTree(path, name, metadata);
      const { entries, branches } = await metadata.readTree(key, describeTree);
      return openTree(source, name, entries, branches);
    },
    close: () => source.close(),
  };
}

function missingTree(
  file: string,
  name: string,
  { trees, others }: Awaited<ReturnType<typeof readMetadata>>,
) {
  const other = others.find((object) => object.name === name);
  if (other)
    return new RootError("unsupported", { file, tree: name }, `is a ${other.className}, not a TTree`);
  const names = trees.map((tree) => tree.name);
  const list = nearestNames(name, names).map((tree) => `"${tree}"`);
  const there = list.length > 0 ? `its trees are ${list.join(", ")}` : "it has none";
  return new RootError("missing", { file }, `there is no tree "${name}"; ${there}`);
}
