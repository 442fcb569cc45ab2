// A flat TTree that is written: columns in, baskets out as soon as they are full.

import { type Column, lengthOf, type NumberColumn, type Shape } from "../columns/column.ts";
import { type BasketLimits, createFiller, type Filler, type FullBasket } from "./basket.ts";
import { branchOf, UnwritableShapeError, type WrittenBranch } from "./branch.ts";
import { countEntries, planCounters } from "./counters.ts";
import { WriteError } from "./errors.ts";
import { keyLength } from "./records.ts";
import { treeBytes } from "./treeObject.ts";

export interface BranchPlan {
  name: string;
  shape: Shape;
}

export interface TreeOptions {
  title?: string;
  /** Entries of a basket at most; by default its bytes alone decide. */
  basketEntries?: number;
}

export interface TreeWriter {
  name: string;
  /** So far. */
  entries: number;
  /** The next entries: a column for every branch, all of one length. One call at a time. Throws WriteError. */
  append(columns: Record<string, Column>): Promise<void>;
}

/** What the file does for its trees. */
export interface TreeHost {
  file: string;
  /** Stores a basket, in the order of the calls; may return before it is there. */
  store(branch: WrittenBranch, basket: FullBasket, limits: BasketLimits): Promise<void>;
  /** Waits until all is there. */
  drain(): Promise<void>;
  abort(): Promise<void>;
}

export interface OpenTree extends TreeWriter {
  title: string;
  /** Stores what is left of the baskets. */
  finish(): Promise<void>;
  /** The tree's object. */
  object(keyLength: number): Buffer;
}

/** All baskets that are being filled together, and what one of them may have at least and at most. */
const allBaskets = 32 * 2 ** 20;
const smallestBasket = 32 * 2 ** 10;
const largestBasket = 2 ** 20;
const longestName = 10_000;

/** Throws WriteError `unsupported` naming the branch that a flat tree cannot hold. */
export function createTree(
  host: TreeHost,
  name: string,
  plans: BranchPlan[],
  { title = "", basketEntries = Number.POSITIVE_INFINITY }: TreeOptions,
): OpenTree {
  const where = { file: host.file, tree: name };
  const given = plans.map((plan) => plannedBranch(plan, where));
  const byName = new Map(given.map((branch) => [branch.name, branch]));
  if (byName.size < plans.length) {
    const twice = given.find((branch) => byName.get(branch.name) !== branch)!;
    throw new WriteError(
      "invalid",
      { ...where, branch: twice.name },
      "is there twice",
      "Give each its name.",
    );
  }
  const groups = planCounters(given);
  for (const { counter } of groups) byName.set(counter.name, counter);
  const wanted = Math.floor(allBaskets / byName.size);
  const limits = {
    bytes: Math.min(largestBasket, Math.max(smallestBasket, wanted)),
    entries: basketEntries,
  };
  const fillers = new Map<WrittenBranch, Filler>();
  for (const branch of byName.values()) fillers.set(branch, fillerOf(branch, limits, name));

  const fill = async (branch: WrittenBranch, column: Column) => {
    await fillers.get(branch)!.fill(column, (basket) => host.store(branch, basket, limits));
    branch.entries += lengthOf(column);
  };
  const named = async (branch: string, work: () => Promise<void> | void) => {
    try {
      await work();
    } catch (error) {
      await host.abort();
      if (!(error instanceof UnwritableShapeError)) throw error;
      const remedy = "Give columns of the shapes that the tree was announced with.";
      throw new WriteError("invalid", { ...where, branch }, error.message, remedy);
    }
  };

  const tree: OpenTree = {
    name,
    title,
    entries: 0,
    append: async (columns) => {
      let entries = 0;
      await named("", () => {
        entries = checkColumns(columns, given, where);
      });
      let counts = new Map<WrittenBranch, NumberColumn>();
      await named("", () => {
        const counted = countEntries(groups, columns, byName);
        counts = counted.counts;
        for (const { from, group } of counted.split)
          fillers.set(group.counter, fillers.get(from)!.copy(group.counter));
      });
      for (const branch of given) await named(branch.name, () => fill(branch, columns[branch.name]));
      for (const [counter, column] of counts) await named(counter.name, () => fill(counter, column));
      await named("", () => host.drain());
      tree.entries += entries;
    },
    finish: async () => {
      for (const [branch, filler] of fillers) {
        const basket = filler.take();
        if (basket) await host.store(branch, basket, limits);
      }
      await host.drain();
    },
    object: (length) =>
      treeBytes(
        { name, title, entries: tree.entries, branches: inOrder(given), basketBytes: limits.bytes },
        length,
      ),
  };
  return tree;
}

function plannedBranch({ name, shape }: BranchPlan, where: { file: string; tree: string }): WrittenBranch {
  const at = { ...where, branch: name };
  const remedy = "Leave the column out, or take a format that holds it: Parquet, Arrow.";
  if (name === "" || /[/[\]]/.test(name) || Buffer.byteLength(name) > longestName)
    throw new WriteError(
      "unsupported",
      at,
      'cannot be the name of a branch: it is empty, very long, or has one of "/", "[" and "]"',
      "Give the column another name.",
    );
  try {
    return branchOf(name, shape);
  } catch (error) {
    if (!(error instanceof UnwritableShapeError)) throw error;
    throw new WriteError("unsupported", at, `${error.message}, which a flat TTree does not`, remedy);
  }
}

function checkColumns(
  columns: Record<string, Column>,
  branches: WrittenBranch[],
  where: { file: string; tree: string },
): number {
  const remedy = "Give a column for every branch, all of one length.";
  const entries = branches.length > 0 ? lengthOf(columns[branches[0].name] ?? noColumn) : 0;
  for (const { name, type, dimensions, jagged } of branches) {
    const column: Column | undefined = columns[name];
    if (!column) throw new WriteError("invalid", { ...where, branch: name }, "got no column", remedy);
    const kind = jagged || dimensions.length > 0 ? "list" : type === "string" ? "string" : "number";
    if (column.kind !== kind)
      throw new WriteError(
        "invalid",
        { ...where, branch: name },
        `got a ${column.kind} in place of a ${kind}`,
        remedy,
      );
    const length = lengthOf(column);
    if (length !== entries)
      throw new WriteError(
        "invalid",
        { ...where, branch: name },
        `got ${length} entries where "${branches[0].name}" got ${entries}`,
        remedy,
      );
  }
  return entries;
}

const noColumn: Column = { kind: "number", type: "int8", values: new Int8Array(0) };

/** Offsets in a basket count from its key, whose length the names decide. */
function fillerOf(branch: WrittenBranch, limits: BasketLimits, tree: string): Filler {
  return createFiller(branch, limits, basketKeyLength(branch, tree));
}

/** Members that a TBasket adds to its key: version, four lengths and a flag. */
export const basketMembers = 19;

export function basketKeyLength(branch: WrittenBranch, tree: string): number {
  const extra = new Uint8Array(basketMembers);
  return keyLength({ className: "TBasket", name: branch.name, title: tree, extra }, true);
}

/** As they were given, and each counter before the first branch that it counts, as ROOT expects. */
function inOrder(branches: WrittenBranch[]): WrittenBranch[] {
  const ordered = new Set<WrittenBranch>();
  for (const branch of branches) {
    if (branch.counter) ordered.add(branch.counter);
    ordered.add(branch);
  }
  return [...ordered];
}
