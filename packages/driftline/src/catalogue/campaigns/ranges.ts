// Ranges of runs laid together: which overlap, and where runs are missing between them.

import { isDeepStrictEqual } from "node:util";
import type { RunRange } from "@driftline/client/lock/runTable";

/** A range, and where it came from: a line of the file that is imported, or null for one that was there. */
export interface Placed extends RunRange {
  line: number | null;
}

export interface Overlap {
  first: Placed;
  second: Placed;
}

export interface Gap {
  firstRun: number;
  lastRun: number;
  /** The lines of the ranges on either side; null for ranges that were there. */
  after: number | null;
  before: number | null;
}

/** Sorted, each once: a range that is stated again in the same words is the same. Overlapping ones are named. */
export function layTogether(given: Placed[]): { ranges: Placed[]; overlaps: Overlap[]; gaps: Gap[] } {
  // Sorting is stable: of equal ones that which was there stays.
  const sorted = [...given].sort((a, b) => a.firstRun - b.firstRun || a.lastRun - b.lastRun);
  const ranges: Placed[] = [];
  const overlaps: Overlap[] = [];
  const gaps: Gap[] = [];
  /** The range so far that reaches furthest. */
  let reach: Placed | null = null;
  for (const range of sorted) {
    const same = ranges.findLast(
      ({ firstRun, lastRun }) => firstRun === range.firstRun && lastRun === range.lastRun,
    );
    if (same !== undefined && isSameContent(same, range)) continue;
    if (reach !== null && range.firstRun <= reach.lastRun) overlaps.push({ first: reach, second: range });
    else if (reach !== null && range.firstRun > reach.lastRun + 1) {
      gaps.push({
        firstRun: reach.lastRun + 1,
        lastRun: range.firstRun - 1,
        after: reach.line,
        before: range.line,
      });
    }
    ranges.push(range);
    if (reach === null || range.lastRun > reach.lastRun) reach = range;
  }
  return { ranges, overlaps, gaps };
}

function isSameContent(a: RunRange, b: RunRange): boolean {
  return isDeepStrictEqual(a.conditions, b.conditions) && isDeepStrictEqual(a.software, b.software);
}
