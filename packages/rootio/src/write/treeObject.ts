// The object of a TTree (version 20) with its branches (13) and leaves (2): names, types and where the baskets lie.

import { itemValues, leafTypes, type WrittenBranch } from "./branch.ts";
import { ObjectBytes } from "./objectBytes.ts";

/** Bits of a TObject: in a list that cleans up after it; its buffers hold no objects; a list that owns its objects. */
const mustCleanup = 0x8;
const noObjectMap = 0x0040_0000;
const owner = 0x4000;
/** A value of `TBranch::fEntryOffsetLen` other than 0 says that baskets have tables; ROOT begins with this length. */
const entryOffsetLength = 1000;

const endless = 1_000_000_000_000;

export function treeBytes(
  tree: { name: string; title: string; entries: number; branches: WrittenBranch[]; basketBytes: number },
  keyLength: number,
): Buffer {
  const out = new ObjectBytes(keyLength);
  const { branches } = tree;
  const sum = (of: "totalBytes" | "storedBytes") => branches.reduce((total, branch) => total + branch[of], 0);
  const leaves = new Map<WrittenBranch, number>();
  out.object(20, () => {
    out.tNamed(tree.name, tree.title, mustCleanup);
    attributes(out);
    out.i64(tree.entries, sum("totalBytes"), sum("storedBytes"), 0, 0); // none autosaved, none flushed
    out.f64(1); // fWeight
    out.i32(0, 25, 0, entryOffsetLength, 0); // fTimerInterval, fScanField, fUpdate, …, fNClusterRange
    out.i64(endless, endless, 0, -300_000_000, -30_000_000, 1_000_000); // …, fAutoSave, fAutoFlush, fEstimate
    out.u8(0, 0); // no fClusterRangeEnd, no fClusterSize
    ioFeatures(out);
    const writeBranches = () => {
      for (const branch of branches)
        out.pointed("TBranch", () => branchObject(out, branch, leaves, tree.basketBytes));
    };
    out.objArray(branches.length, writeBranches, owner);
    out.objArray(branches.length, () => {
      for (const branch of branches) out.u32(leaves.get(branch)!);
    });
    // No aliases, no values of an index and no index, no tree index, friends, user information or references.
    out.i32(0, 0, 0, 0, 0, 0, 0);
  });
  return out.bytes;
}

/** TAttLine, TAttFill and TAttMarker, as a new tree has them. */
function attributes(out: ObjectBytes): void {
  out.object(2, () => out.i16(602, 1, 1));
  fill(out);
  out.object(2, () => {
    out.i16(1, 1);
    out.f32(1);
  });
}

function fill(out: ObjectBytes): void {
  out.object(2, () => out.i16(0, 1001));
}

/** A class without a version: its checksum stands there instead. */
function ioFeatures(out: ObjectBytes): void {
  out.object(0, () => {
    out.u32(0x1aa12f10);
    out.u8(0);
  });
}

function branchObject(
  out: ObjectBytes,
  branch: WrittenBranch,
  leaves: Map<WrittenBranch, number>,
  basketBytes: number,
): void {
  const { name, baskets, entries } = branch;
  const hasTable = branch.jagged || branch.type === "string";
  // The entry after the last basket's stands in the table too; ROOT makes none shorter than 10.
  const places = Math.max(10, baskets.length + 1);
  out.object(13, () => {
    out.tNamed(name, `${name}${brackets(branch)}/${leafTypes[branch.type].letter}`, noObjectMap);
    fill(out);
    // A compression of 0 lets every reader see from the lengths alone whether a basket is compressed; small ones
    // are not. uproot writes the same for this reason.
    out.i32(0, basketBytes, hasTable ? entryOffsetLength : 0, baskets.length);
    out.i64(entries);
    ioFeatures(out);
    out.i32(0, places, 0); // fOffset, fMaxBaskets, fSplitLevel
    out.i64(entries, 0, branch.totalBytes, branch.storedBytes);
    out.objArray(0, () => {});
    out.objArray(1, () => {
      const { className } = leafTypes[branch.type];
      leaves.set(
        branch,
        out.pointed(className, () => leafObject(out, branch, leaves)),
      );
    });
    out.objArray(0, () => {});
    out.u8(1);
    for (let i = 0; i < places; i++) out.i32(baskets[i]?.bytes ?? 0);
    out.u8(1);
    for (let i = 0; i < places; i++) out.i64(baskets[i]?.firstEntry ?? (i === baskets.length ? entries : 0));
    out.u8(1);
    for (let i = 0; i < places; i++) out.i64(baskets[i]?.position ?? 0);
    out.string(""); // in this file
  });
}

function brackets({ counter, dimensions }: WrittenBranch): string {
  return (counter ? `[${counter.name}]` : "") + dimensions.map((length) => `[${length}]`).join("");
}

function leafObject(out: ObjectBytes, branch: WrittenBranch, leaves: Map<WrittenBranch, number>): void {
  const { letter, size } = leafTypes[branch.type];
  const isText = branch.type === "string";
  out.object(1, () => {
    out.object(2, () => {
      out.tNamed(branch.name, `${branch.name}${brackets(branch)}`);
      out.i32(isText ? branch.longest + 1 : itemValues(branch), size, 0);
      out.u8(branch.counts ? 1 : 0, letter !== letter.toUpperCase() ? 1 : 0);
      out.u32(branch.counter ? leaves.get(branch.counter)! : 0);
    });
    limits(out, branch);
  });
}

/** Minimum and maximum in the leaf's own type; only of counters and texts they say something: the room to make. */
function limits(out: ObjectBytes, branch: WrittenBranch): void {
  const maximum = branch.type === "string" ? branch.longest + 1 : branch.maximum;
  const { className } = leafTypes[branch.type];
  if (className === "TLeafO" || className === "TLeafB") out.u8(0, 0);
  else if (className === "TLeafS") out.i16(0, 0);
  else if (className === "TLeafF") {
    out.f32(0);
    out.f32(0);
  } else if (className === "TLeafD") {
    out.f64(0);
    out.f64(0);
  } else if (className === "TLeafL") out.i64(0, 0);
  else out.i32(0, maximum);
}
