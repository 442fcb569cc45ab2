// A tree opened for reading: entry ranges as columns, by way of plan, read, decompress, decode and assemble.

import { assemble, type Column, type Part } from "./assemble.ts";
import { type BasketContent, readBasket } from "./basket.ts";
import type { Basket, Branch, ElementType } from "./branch.ts";
import { decodeBasket } from "./decode.ts";
import { BlockError, CompressionError } from "./decompress.ts";
import { nearestNames, RootError } from "./errors.ts";
import { planRead } from "./plan.ts";
import type { ByteRange, ByteSource } from "./source.ts";

export interface BranchInfo {
  name: string;
  /** `float32`, `int32`, `bool`, …; for a branch that cannot be read, the class of it or of its leaf. */
  type: string;
  /** Whether an entry is a list of values. */
  jagged: boolean;
  /** The branch that counts the values of an entry. */
  counter: string | null;
  /** Why the branch cannot be read; null where it can. */
  problem: string | null;
}

export interface Tree {
  name: string;
  entries: number;
  branches: BranchInfo[];
  /** Entries start to stop - 1 of the named branches (all entries by default). Memory is that of these entries' baskets. */
  read(names: string[], range?: { start?: number; stop?: number }): Promise<Record<string, Column>>;
}

/** A tree whose metadata have been read. */
export function openTree(source: ByteSource, name: string, entries: number, branches: Branch[]): Tree {
  const byName = new Map(branches.map((branch) => [branch.name, branch]));
  const find = (branchName: string): Branch => {
    const branch = byName.get(branchName);
    const where = { file: source.name, tree: name };
    if (!branch) {
      const near = nearestNames(branchName, [...byName.keys()]).map((near) => `"${near}"`);
      throw new RootError(
        "missing",
        where,
        `there is no branch "${branchName}"; nearest are ${near.join(", ")}`,
      );
    }
    if (branch.problem) throw new RootError("unsupported", { ...where, branch: branchName }, branch.problem);
    return branch;
  };
  // The next range often begins in the basket in which the last one ended: of each branch that one is kept.
  const kept = new Map<Branch, Part>();
  return {
    name,
    entries,
    branches: branches.map(({ name, type, layout, problem }) => ({
      name,
      type,
      jagged: layout.kind !== "scalar",
      counter: layout.kind === "counted" ? layout.counter : null,
      problem,
    })),
    read: async (names, { start = 0, stop = entries } = {}) => {
      if (
        !(Number.isInteger(start) && Number.isInteger(stop) && start >= 0 && start <= stop && stop <= entries)
      )
        throw new RangeError(`entries ${start} to ${stop} of tree "${name}", which has ${entries}`);
      const plan = planRead(
        names.map(find),
        start,
        stop,
        (branch, basket) => kept.get(branch)?.basket === basket,
      );
      const where = { file: source.name, tree: name };
      if (plan.gap)
        throw new RootError(
          "damaged",
          { ...where, branch: plan.gap.name },
          `its baskets do not cover entries ${start} to ${stop}`,
        );
      const blocks = await source.read(plan.reads);
      const columns = plan.branches.map(async ({ branch, baskets }): Promise<[string, Column]> => {
        const type = branch.type as ElementType;
        try {
          const parts = await Promise.all(
            baskets.map(async (basket): Promise<Part> => {
              const last = kept.get(branch);
              if (last?.basket === basket) return last;
              const content = await contentOf(basket, branch, plan.reads, blocks);
              return { basket, decoded: decodeBasket(content, type, branch.layout) };
            }),
          );
          if (parts.length > 0) kept.set(branch, parts[parts.length - 1]);
          return [branch.name, assemble(parts, type, branch.layout, start, stop)];
        } catch (error) {
          const at = { ...where, branch: branch.name };
          if (error instanceof CompressionError) throw new RootError("unsupported", at, error.message, error);
          if (error instanceof BlockError)
            throw new RootError("damaged", at, `is truncated or damaged: ${error.message}`, error);
          throw error;
        }
      });
      return Object.fromEntries(await Promise.all(columns));
    },
  };
}

async function contentOf(basket: Basket, branch: Branch, reads: ByteRange[], blocks: Uint8Array[]) {
  const hasTable = branch.layout.kind === "counted" || branch.layout.kind === "vector";
  const content = await ("content" in basket.at
    ? embeddedContent(basket.entries, basket.at)
    : readBasket(slice(basket.at, reads, blocks), hasTable));
  if (content.entries !== basket.entries)
    throw new BlockError(`a basket has ${content.entries} entries, the branch says ${basket.entries}`);
  return content;
}

function embeddedContent(
  entries: number,
  at: { content: Uint8Array; border: number; entryOffsets: number[] },
): BasketContent {
  if (at.border < 0 || at.border > at.content.length)
    throw new BlockError("the values of a basket inside the tree end outside its content");
  return {
    entries,
    values: at.content.subarray(0, at.border),
    entryOffsets: at.entryOffsets.slice(0, entries),
  };
}

function slice({ position, length }: ByteRange, reads: ByteRange[], blocks: Uint8Array[]): Uint8Array {
  const i = reads.findIndex((r) => position >= r.position && position + length <= r.position + r.length);
  const from = position - reads[i].position;
  return blocks[i].subarray(from, from + length);
}
