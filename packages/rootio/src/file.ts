// A ROOT file opened for reading: its trees by name, TTrees and RNTuples alike.

import { defaultMaxBytes } from "./budget.ts";
import type { HttpOptions } from "./bytes/http.ts";
import { openSource } from "./bytes/open.ts";
import type { ByteSource } from "./bytes/source.ts";
import { nearestNames, RootError } from "./errors.ts";
import { openNTuple } from "./rntuple/ntuple.ts";
import type { Tree } from "./tree.ts";
import { describeTree } from "./ttree/branch.ts";
import { type Metadata, ntupleClass, readMetadata } from "./ttree/metadata.ts";
import { openTree } from "./ttree/tree.ts";

export interface RootFile {
  name: string;
  /** Paths of all trees, newest cycle, in the order of the file. */
  trees(): string[];
  /** By path, or by path and cycle ("folder/events;2"). Throws RootError `missing` with the nearest names. */
  tree(name: string): Promise<Tree>;
  close(): Promise<void>;
}

export interface OpenOptions extends HttpOptions {
  /** Bytes of decompressed and decoded data that one read may take; by default 768 MiB. */
  maxBytes?: number;
}

/**
 * Opens a ROOT file by path or address (http, https), or from a source of its bytes, which is closed with it. Throws
 * RootError: `unreadable`, `not_root` or `damaged`.
 */
export async function openRootFile(from: string | ByteSource, options: OpenOptions = {}): Promise<RootFile> {
  const { maxBytes = defaultMaxBytes } = options;
  const source = typeof from === "string" ? await openSource(from, options) : from;
  const metadata = await readMetadata(source).catch(async (error) => {
    await source.close();
    throw error;
  });
  return {
    name: source.name,
    trees: () => metadata.trees.flatMap((tree) => (tree.newest ? [tree.name] : [])),
    tree: async (name) => {
      const [path, cycle] = splitCycle(name);
      const key = metadata.trees.find((tree) =>
        cycle === null ? tree.name === name && tree.newest : tree.name === path && tree.cycle === cycle,
      );
      if (!key) throw missingTree(source.name, name, metadata);
      if (key.className === ntupleClass)
        return openNTuple(source, name, await metadata.readAnchor(key), maxBytes);
      const { entries, branches } = await metadata.readTree(key, describeTree);
      return openTree(source, { name, className: key.className }, entries, branches, maxBytes);
    },
    close: () => source.close(),
  };
}

function splitCycle(name: string): [path: string, cycle: number | null] {
  const match = /^(.*);(\d+)$/s.exec(name);
  return match ? [match[1], Number(match[2])] : [name, null];
}

function missingTree(file: string, name: string, { trees, others }: Metadata) {
  const other = others.find((object) => object.name === name);
  if (other)
    return new RootError(
      "unsupported",
      { file, tree: name },
      `is a ${other.className}, not a TTree or RNTuple`,
    );
  const names = trees.flatMap((tree) => (tree.newest ? [tree.name] : []));
  const list = nearestNames(name, names).map((tree) => `"${tree}"`);
  const there = list.length > 0 ? `its trees are ${list.join(", ")}` : "it has none";
  return new RootError("missing", { file }, `there is no tree "${name}"; ${there}`);
}
