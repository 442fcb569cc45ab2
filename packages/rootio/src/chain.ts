// A chain: the same tree in many files, read as one whose entries follow one another in the order of the files.

import { glob } from "node:fs/promises";
import type { Column } from "./columns/column.ts";
import { concat } from "./columns/concat.ts";
import { RootError } from "./errors.ts";
import { type OpenOptions, openRootFile, type RootFile } from "./file.ts";
import { checkRange, chunksOf, selectBranches } from "./selection.ts";
import type { Tree } from "./tree.ts";

export interface Chain extends Tree {
  /** Files in order, with the first entry of each. */
  files: { location: string; firstEntry: number; entries: number }[];
  close(): Promise<void>;
}

/** Files open at a time: those read last. */
const openFiles = 16;
/** Files whose metadata are read at a time when the chain is opened. */
const parallelOpens = 4;

/**
 * Opens a tree in all files, given by paths, globs of local paths (sorted) or addresses. The branches are those of the
 * first file; reading one that another file lacks, or has with another type, is an error that names the file.
 */
export async function openChain(
  locations: string[],
  treeName: string,
  options: OpenOptions = {},
): Promise<Chain> {
  const all = (await Promise.all(locations.map(expand))).flat();
  if (all.length === 0)
    throw new RootError("missing", { file: locations.join(", ") }, "no file is of this name");
  const opened = new Map<number, Promise<{ file: RootFile; tree: Tree }>>();
  const open = (index: number) => {
    const known = opened.get(index);
    opened.delete(index);
    const entry = known ?? openTreeOf(all[index], treeName, options);
    opened.set(index, entry);
    return entry;
  };
  const closeAllBut = async (most: number) => {
    for (const [index, entry] of [...opened].slice(0, Math.max(opened.size - most, 0))) {
      opened.delete(index);
      await entry.then(({ file }) => file.close()).catch(() => {});
    }
  };
  try {
    const entries: number[] = [];
    for (let from = 0; from < all.length; from += parallelOpens) {
      const indices = all.slice(from, from + parallelOpens).map((_, i) => from + i);
      for (const { tree } of await Promise.all(indices.map(open))) entries.push(tree.entries);
      await closeAllBut(openFiles);
    }
    return chainOf(all, entries, (await open(0)).tree, open, closeAllBut);
  } catch (error) {
    await closeAllBut(0);
    throw error;
  }
}

function chainOf(
  locations: string[],
  entries: number[],
  first: Tree,
  open: (index: number) => Promise<{ tree: Tree }>,
  closeAllBut: (most: number) => Promise<void>,
): Chain {
  let total = 0;
  const files = locations.map((location, i) => {
    total += entries[i];
    return { location, firstEntry: total - entries[i], entries: entries[i] };
  });
  const infos = new Map(first.branches.map((info) => [info.name, info]));
  const separator = first.className === "ROOT::RNTuple" ? "." : "/";
  const chain: Chain = {
    name: first.name,
    className: first.className,
    entries: total,
    branches: first.branches,
    files,
    close: () => closeAllBut(0),
    chunks: (names, size, range) => chunksOf(chain, names, size, range),
    boundaries: async (names) => {
      const starts: number[] = [];
      for (const [i, { firstEntry, entries }] of files.entries()) {
        if (entries === 0) continue;
        const { tree } = await open(i);
        starts.push(...(await tree.boundaries(names)).map((start) => firstEntry + start));
        await closeAllBut(openFiles);
      }
      return starts.length > 0 ? starts : [0];
    },
    storedBytes: async (names) => {
      const selected = selectBranches(names, infos, separator, { file: locations[0], tree: first.name });
      const sums = selected.map(() => 0);
      for (const i of files.keys()) {
        const { tree } = await open(i);
        for (const [k, bytes] of (await tree.storedBytes(selected)).entries()) sums[k] += bytes;
        await closeAllBut(openFiles);
      }
      return sums;
    },
    read: async (names, range = {}) => {
      const { start, stop } = checkRange(range, chain);
      const selected = selectBranches(names, infos, separator, { file: locations[0], tree: first.name });
      const parts: Record<string, Column>[] = [];
      for (const [i, { location, firstEntry, entries }] of files.entries()) {
        const from = Math.max(start - firstEntry, 0);
        const to = Math.min(stop - firstEntry, entries);
        // A read without entries asks the first file, for the types.
        if (from >= to && !(i === 0 && start === stop)) continue;
        const { tree } = await open(i);
        if (tree.entries !== entries)
          throw new RootError("damaged", { file: location, tree: tree.name }, "changed since it was opened");
        checkSameTypes(first, tree, selected, location);
        parts.push(await tree.read(selected, { start: Math.min(from, to), stop: Math.max(to, 0) }));
        await closeAllBut(openFiles);
      }
      return Object.fromEntries(
        selected.map((name) => [
          name,
          concat(
            parts.map((part) => part[name]),
            infos.get(name)!.shape!,
          ),
        ]),
      );
    },
  };
  return chain;
}

function checkSameTypes(first: Tree, tree: Tree, names: string[], file: string): void {
  if (tree === first) return;
  const shapes = new Map(tree.branches.map((info) => [info.name, info.shape]));
  for (const info of first.branches) {
    const shape = shapes.get(info.name);
    if (!names.includes(info.name) || !shape || JSON.stringify(shape) === JSON.stringify(info.shape))
      continue;
    throw new RootError(
      "unsupported",
      { file, tree: tree.name, branch: info.name },
      `is of another type than in the first file of the chain (${info.typeName})`,
    );
  }
}

async function openTreeOf(location: string, treeName: string, options: OpenOptions) {
  const file = await openRootFile(location, options);
  try {
    return { file, tree: await file.tree(treeName) };
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function expand(location: string): Promise<string[]> {
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(location) || !/[*?[{]/.test(location)) return [location];
  const found: string[] = [];
  for await (const path of glob(location)) found.push(path);
  return found.sort();
}
