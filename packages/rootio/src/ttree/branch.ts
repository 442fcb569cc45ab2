// The branches of a tree from its metadata: names, what each holds, and where its baskets lie.

import { BlockError } from "../compression/blocks.ts";
import type { BranchInfo } from "../tree.ts";
import type { EntryTable } from "./basket.ts";
import { UnreadableTypeError } from "./classes.ts";
import { layoutOfElement, layoutOfLeaves } from "./describe.ts";
import type { FindClass } from "./descriptions.ts";
import { type Layout, shapeOf } from "./layout.ts";
import type { BranchObject, EmbeddedBasket, TreeObject } from "./metadata.ts";

export interface Basket {
  firstEntry: number;
  entries: number;
  /** Where the basket with its key lies in the file, or its content where it is inside the tree's own object. */
  at:
    | { position: number; length: number }
    | { content: Uint8Array; border: number; table: EntryTable | null };
}

export interface Branch {
  info: BranchInfo;
  /** Null where the branch has a problem. */
  layout: Layout | null;
  /** Ascending, each beginning where the one before ends. */
  baskets: Basket[];
}

/** Number of entries and all branches of a tree, sub-branches by their path ("muon/muon.pt"). */
export function describeTree(
  tree: TreeObject,
  findClass: FindClass,
): { entries: number; branches: Branch[] } {
  const entries = Number(tree.fEntries);
  if (!Number.isSafeInteger(entries) || entries < 0) throw new BlockError(`it has ${tree.fEntries} entries`);
  const branches: Branch[] = [];
  const walk = (objects: BranchObject[], path: string) => {
    for (const object of objects) {
      const name = path + object.fName;
      branches.push(describe(object, name, findClass));
      walk(object.fBranches.arr, `${name}/`);
    }
  };
  walk(tree.fBranches.arr, "");
  return { entries, branches };
}

function describe(object: BranchObject, name: string, findClass: FindClass): Branch {
  const info = { name, typeName: typeNameOf(object), counter: null };
  try {
    if (object.fFileName) throw new UnreadableTypeError(`has its data in another file, ${object.fFileName}`);
    const { layout, typeName } =
      object._typename === "TBranchElement" ? layoutOfElement(object, findClass) : layoutOfLeaves(object);
    const counter = layout.kind === "counted" ? layout.counter : null;
    return {
      info: { name, typeName, counter, shape: shapeOf(layout), problem: null },
      layout,
      baskets: listBaskets(object),
    };
  } catch (error) {
    if (!(error instanceof UnreadableTypeError)) throw error;
    return { info: { ...info, shape: null, problem: error.message }, layout: null, baskets: [] };
  }
}

function typeNameOf(object: BranchObject): string {
  return object.fClassName ?? object.fLeaves.arr[0]?._typename ?? object._typename;
}

function listBaskets(object: BranchObject): Basket[] {
  const baskets: Basket[] = [];
  if (object.fWriteBasket > object.fBasketSeek.length)
    throw new BlockError(`branch ${object.fName} counts more baskets than it lists`);
  for (let i = 0; i < object.fWriteBasket; i++) {
    const firstEntry = Number(object.fBasketEntry[i]);
    const next = Number(i + 1 < object.fBasketEntry.length ? object.fBasketEntry[i + 1] : object.fEntries);
    if (!(next >= firstEntry)) throw new BlockError(`branch ${object.fName} has baskets out of order`);
    baskets.push({
      firstEntry,
      entries: next - firstEntry,
      at: { position: Number(object.fBasketSeek[i]), length: Number(object.fBasketBytes[i]) },
    });
  }
  // A basket that was not full when the tree was written lies inside the tree's object.
  for (const basket of object.fBaskets.arr) {
    if (!basket || basket.fNevBuf === 0) continue;
    const view = basket.fBufferRef?.arr;
    const last = baskets.at(-1);
    baskets.push({
      firstEntry: last ? last.firstEntry + last.entries : 0,
      entries: basket.fNevBuf,
      at: {
        content: view ? new Uint8Array(view.buffer, view.byteOffset, view.byteLength) : new Uint8Array(0),
        border: basket.fLast - basket.fKeylen,
        table: embeddedTable(basket),
      },
    });
  }
  return baskets;
}

function embeddedTable({ fEntryOffset, fKeylen, fNevBuf }: EmbeddedBasket): EntryTable | null {
  if (!fEntryOffset || fEntryOffset.length === 0) return null;
  if (fEntryOffset.length < fNevBuf) throw new BlockError("a basket inside the tree lacks entry offsets");
  const words = new DataView(new ArrayBuffer(4 * fNevBuf));
  for (let i = 0; i < fNevBuf; i++) words.setInt32(4 * i, fEntryOffset[i]);
  return { words, shift: fKeylen };
}
