// What a branch holds, decided from its metadata: the type of its values, how entries are laid out, where its baskets are.

import type { BranchObject, LeafObject, MemberType, TreeObject } from "./metadata.ts";

export type ElementType =
  | "bool"
  | "int8"
  | "uint8"
  | "int16"
  | "uint16"
  | "int32"
  | "uint32"
  | "int64"
  | "uint64"
  | "float32"
  | "float64";

/** How the entries of a branch lie in a basket. */
export type Layout =
  | { kind: "scalar" }
  | { kind: "fixed"; length: number }
  | { kind: "counted"; counter: string }
  /** std::vector: each entry begins with a byte count, a version and a length. */
  | { kind: "vector" };

export interface Basket {
  firstEntry: number;
  entries: number;
  /** Where the basket with its key lies in the file, or its content where it is inside the tree's own object. */
  at: { position: number; length: number } | { content: Uint8Array; border: number; entryOffsets: number[] };
}

/** A branch with data, or `problem` where this reader cannot read it. */
export interface Branch {
  name: string;
  /** Type of one value; for a branch with a problem, its class or leaf. */
  type: ElementType | string;
  layout: Layout;
  problem: string | null;
  baskets: Basket[];
}

const leafTypes: Record<string, [signed: ElementType, unsigned: ElementType]> = {
  TLeafO: ["bool", "bool"],
  TLeafB: ["int8", "uint8"],
  TLeafS: ["int16", "uint16"],
  TLeafI: ["int32", "uint32"],
  TLeafL: ["int64", "uint64"],
  TLeafG: ["int64", "uint64"],
  TLeafF: ["float32", "float32"],
  TLeafD: ["float64", "float64"],
};

const vectorTypes: Record<string, ElementType> = {
  bool: "bool",
  char: "int8",
  "signed char": "int8",
  "unsigned char": "uint8",
  short: "int16",
  "unsigned short": "uint16",
  int: "int32",
  "unsigned int": "uint32",
  long: "int64",
  "unsigned long": "uint64",
  "long long": "int64",
  "unsigned long long": "uint64",
  Long64_t: "int64",
  ULong64_t: "uint64",
  float: "float32",
  double: "float64",
};

/** Number of entries and all branches of a tree, sub-branches by their path ("muon/muon.pt"). */
export function describeTree(
  tree: TreeObject,
  memberType: MemberType,
): { entries: number; branches: Branch[] } {
  const entries = Number(tree.fEntries);
  if (!Number.isSafeInteger(entries) || entries < 0) throw new Error(`the tree has ${tree.fEntries} entries`);
  const branches: Branch[] = [];
  const walk = (objects: BranchObject[], path: string) => {
    for (const object of objects) {
      const name = path + object.fName;
      branches.push({ name, ...describe(object, memberType), baskets: listBaskets(object) });
      walk(object.fBranches.arr, `${name}/`);
    }
  };
  walk(tree.fBranches.arr, "");
  return { entries, branches };
}

function describe(object: BranchObject, memberType: MemberType): Pick<Branch, "type" | "layout" | "problem"> {
  const unreadable = (type: string, problem: string) => ({
    type,
    layout: { kind: "scalar" } as const,
    problem,
  });
  const leaves = object.fLeaves.arr;
  if (object.fFileName)
    return unreadable(object._typename, `has its data in another file, ${object.fFileName}`);
  if (object._typename === "TBranchElement") {
    const { fClassName = "", fCheckSum = 0, fID = -1 } = object;
    const className = fID === -1 ? fClassName : memberType(fClassName, fCheckSum, fID);
    const value = /^(?:std::)?vector<([\w ]+?) *>$/.exec(className ?? "")?.[1];
    const type = value === undefined ? undefined : vectorTypes[value];
    if (type && object.fBranches.arr.length === 0) return { type, layout: { kind: "vector" }, problem: null };
    return unreadable(
      className ?? fClassName,
      `is of class ${className ?? fClassName}, which this reader does not know`,
    );
  }
  if (object._typename !== "TBranch" || leaves.length === 0)
    return unreadable(object._typename, `is a ${object._typename}, which this reader does not know`);
  if (leaves.length > 1)
    return unreadable(
      "leaf list",
      `has ${leaves.length} leaves (${leaves.map((leaf) => leaf.fName).join(", ")})`,
    );
  const leaf: LeafObject = leaves[0];
  const type = leafTypes[leaf._typename]?.[leaf.fIsUnsigned ? 1 : 0];
  if (!type)
    return unreadable(leaf._typename, `has a leaf of class ${leaf._typename}, which is not a number`);
  if (!(leaf.fLen >= 1)) return unreadable(type, `has a leaf of ${leaf.fLen} values`);
  if (leaf.fLeafCount) {
    if (leaf.fLen !== 1) return unreadable(type, `is an array of arrays, ${leaf.fTitle}`);
    return { type, layout: { kind: "counted", counter: leaf.fLeafCount.fName }, problem: null };
  }
  if (leaf.fLen === 1) return { type, layout: { kind: "scalar" }, problem: null };
  return { type, layout: { kind: "fixed", length: leaf.fLen }, problem: null };
}

function listBaskets(object: BranchObject): Basket[] {
  const baskets: Basket[] = [];
  if (object.fWriteBasket > object.fBasketSeek.length)
    throw new Error(`branch ${object.fName} counts more baskets than it lists`);
  for (let i = 0; i < object.fWriteBasket; i++) {
    const firstEntry = Number(object.fBasketEntry[i]);
    baskets.push({
      firstEntry,
      entries: Number(object.fBasketEntry[i + 1] ?? object.fEntries) - firstEntry,
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
        entryOffsets: Array.from(basket.fEntryOffset ?? [], (offset) => offset - basket.fKeylen),
      },
    });
  }
  return baskets;
}
