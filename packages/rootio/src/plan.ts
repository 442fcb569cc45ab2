// Which baskets an entry range needs, and which bytes to read for them, before anything is read.

import type { Basket, Branch } from "./branch.ts";
import type { ByteRange } from "./source.ts";

export interface BranchPlan {
  branch: Branch;
  /** Baskets that hold entries of the range, in order. */
  baskets: Basket[];
}

export interface Plan {
  branches: BranchPlan[];
  /** Merged ranges of the file, ascending. */
  reads: ByteRange[];
  /** A branch whose baskets do not cover the range; null where all do. */
  gap: Branch | null;
}

/** Ranges closer than this are read as one. */
const largestGap = 16 * 1024;
/** A merged read grows no larger than this, unless one basket is. */
const largestRead = 8 * 1024 * 1024;

/** Plans entries start to stop - 1 of these branches; baskets that are kept in memory are not read again. */
export function planRead(
  branches: Branch[],
  start: number,
  stop: number,
  isKept: (branch: Branch, basket: Basket) => boolean,
): Plan {
  let gap: Branch | null = null;
  const plans = branches.map((branch) => {
    const baskets = branch.baskets.filter(
      (basket) => basket.firstEntry < stop && basket.firstEntry + basket.entries > start,
    );
    let covered = start;
    for (const basket of baskets) {
      if (basket.firstEntry > covered) gap = branch;
      covered = basket.firstEntry + basket.entries;
    }
    if (covered < stop) gap = branch;
    return { branch, baskets };
  });
  const ranges = plans
    .flatMap(({ branch, baskets }) => baskets.filter((basket) => !isKept(branch, basket)))
    .flatMap(({ at }) => ("position" in at ? [at] : []))
    .sort((a, b) => a.position - b.position);
  const reads: ByteRange[] = [];
  for (const { position, length } of ranges) {
    const last = reads.at(-1);
    const end = position + length;
    if (last && position - (last.position + last.length) <= largestGap && end - last.position <= largestRead)
      last.length = Math.max(last.length, end - last.position);
    else reads.push({ position, length });
  }
  return { branches: plans, reads, gap };
}
