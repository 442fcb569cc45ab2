// A TTree opened for reading: entry ranges as columns, by way of plan, read, decompress and decode.

import { budget, OverBudgetError, type Take } from "../budget.ts";
import { readMerged } from "../bytes/merge.ts";
import type { ByteRange, ByteSource } from "../bytes/source.ts";
import type { Column } from "../columns/column.ts";
import { TooManyValuesError } from "../columns/concat.ts";
import { BlockError } from "../compression/blocks.ts";
import { RootError } from "../errors.ts";
import { checkRange, chunksOf, selectBranches } from "../selection.ts";
import type { Tree } from "../tree.ts";
import { type BasketContent, readBasket } from "./basket.ts";
import type { Basket, Branch } from "./branch.ts";
import { decode } from "./decode.ts";
import { type Part, sharedOffsets } from "./parts.ts";

/** A tree whose metadata have been read. */
export function openTree(
  source: ByteSource,
  key: { name: string; className: string },
  entries: number,
  branches: Branch[],
  maxBytes: number,
): Tree {
  const { name } = key;
  const where = { file: source.name, tree: name };
  const infos = new Map(branches.map(({ info }) => [info.name, info]));
  const byName = new Map(branches.map((branch) => [branch.info.name, branch]));
  const select = (names: string[]) =>
    selectBranches(names, infos, "/", where).map((branchName) => byName.get(branchName)!);
  // The next range often begins in the basket in which the last one ended: of each branch that one is kept.
  const readerOf = (kept: Map<Branch, Part>): Tree["read"] => {
    return async (names, range = {}) => {
      const { start, stop } = checkRange(range, { name, entries });
      const plans = select(names).map((branch) => ({
        branch,
        baskets: planBaskets(branch, start, stop, where),
        last: kept.get(branch),
      }));
      const take = budget(maxBytes);
      const shared = sharedOffsets();
      const ranges = plans.flatMap(({ baskets, last }) => baskets.flatMap((basket) => rangeOf(basket, last)));
      const blocks = (await readMerged(source, ranges)).values();
      const columns = plans.map(({ branch, baskets, last }): Promise<[string, Column]> => {
        const stored = baskets.map((basket) => rangeOf(basket, last).map(() => blocks.next().value!));
        return named({ ...where, branch: branch.info.name }, async () => {
          const parts = await Promise.all(
            baskets.map(async (basket, i): Promise<Part> => {
              if (last?.basket === basket) return last;
              return { basket, content: await contentOf(basket, branch, stored[i], take) };
            }),
          );
          const end = parts.at(-1);
          if (end && end.basket.firstEntry + end.basket.entries > stop) kept.set(branch, end);
          else kept.delete(branch);
          return [branch.info.name, decode(parts, branch.layout!, start, stop, take, shared)];
        });
      });
      return Object.fromEntries(await Promise.all(columns));
    };
  };
  return {
    name,
    className: key.className,
    entries,
    branches: branches.map(({ info }) => info),
    read: readerOf(new Map()),
    chunks: (names, size, range) =>
      chunksOf({ name, entries, read: readerOf(new Map()) }, names, size, range),
    boundaries: async (names) => commonStarts(select(names)),
    storedBytes: async (names) =>
      select(names).map(({ baskets }) =>
        baskets.reduce((sum, { at }) => sum + ("position" in at ? at.length : at.content.length), 0),
      ),
  };
}

/** Entries at which a basket of every branch begins. */
function commonStarts(branches: Branch[]): number[] {
  const [first, ...others] = branches.map(({ baskets }) => baskets.map(({ firstEntry }) => firstEntry));
  const sets = others.map((starts) => new Set(starts));
  return [0, ...(first ?? []).filter((start) => start > 0 && sets.every((set) => set.has(start)))];
}

/** The baskets that hold entries of the range. */
function planBaskets(
  branch: Branch,
  start: number,
  stop: number,
  where: { file: string; tree: string },
): Basket[] {
  const { baskets } = branch;
  let low = 0;
  let high = baskets.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (baskets[middle].firstEntry + baskets[middle].entries > start) high = middle;
    else low = middle + 1;
  }
  const chosen: Basket[] = [];
  let covered = start;
  for (let i = low; i < baskets.length && baskets[i].firstEntry < stop; i++) {
    if (baskets[i].firstEntry > covered) break;
    covered = baskets[i].firstEntry + baskets[i].entries;
    if (baskets[i].entries > 0) chosen.push(baskets[i]);
  }
  if (covered < stop)
    throw new RootError(
      "damaged",
      { ...where, branch: branch.info.name },
      `its baskets do not cover entries ${start} to ${stop}`,
    );
  return chosen;
}

/** What must be read of the file for a basket. */
function rangeOf(basket: Basket, kept: Part | undefined): ByteRange[] {
  return kept?.basket !== basket && "position" in basket.at ? [basket.at] : [];
}

async function contentOf(basket: Basket, branch: Branch, [bytes]: Uint8Array[], take: Take) {
  const hasTable = branch.layout!.kind !== "fixed";
  const content = await (bytes ? readBasket(bytes, hasTable, take) : embeddedContent(basket));
  if (content.entries !== basket.entries)
    throw new BlockError(`a basket has ${content.entries} entries, the branch says ${basket.entries}`);
  return content;
}

function embeddedContent({ entries, at }: Basket): BasketContent {
  if (!("content" in at)) throw new BlockError("a basket has no content");
  if (at.border < 0 || at.border > at.content.length)
    throw new BlockError("the values of a basket inside the tree end outside its content");
  return { entries, values: at.content.subarray(0, at.border), own: false, table: at.table };
}

async function named<T>(
  where: { file: string; tree: string; branch: string },
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof OverBudgetError || error instanceof TooManyValuesError)
      throw new RootError("too_large", where, error.message, error);
    if (error instanceof BlockError)
      throw new RootError("damaged", where, `is truncated or damaged: ${error.message}`, error);
    throw error;
  }
}
