// Overlaps and gaps against counting run by run.

import assert from "node:assert/strict";
import { test } from "node:test";
import { rangeOf } from "@driftline/client/lock/runTable";
import fc from "fast-check";
import { layTogether, type Placed } from "./ranges.ts";

const placed = fc
  .tuple(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: 8 }), fc.constantFrom("5", "6"))
  .map(([firstRun, length, value]) => ({
    firstRun,
    lastRun: firstRun + length,
    conditions: { v: value },
    software: {},
  }));

test("overlaps and gaps are those of counting every run", () => {
  fc.assert(
    fc.property(fc.array(placed, { minLength: 1, maxLength: 8 }), (given) => {
      const ranges: Placed[] = given.map((range, i) => ({ ...range, line: i + 2 }));
      const distinct = [
        ...new Map(ranges.map(({ line: _, ...range }) => [JSON.stringify(range), range])).values(),
      ];
      const holders = (run: number) =>
        distinct.filter((each) => each.firstRun <= run && run <= each.lastRun).length;
      const runs = Array.from({ length: 70 }, (_, run) => run);
      const first = Math.min(...distinct.map(({ firstRun }) => firstRun));
      const last = Math.max(...distinct.map(({ lastRun }) => lastRun));
      const laid = layTogether(ranges);
      assert.equal(laid.ranges.length, distinct.length);
      assert.equal(
        laid.overlaps.length > 0,
        runs.some((run) => holders(run) > 1),
      );
      for (const { first: a, second: b } of laid.overlaps) {
        assert.ok(a.firstRun <= b.lastRun && b.firstRun <= a.lastRun);
      }
      const missing = runs.filter((run) => run > first && run < last && holders(run) === 0);
      const told = laid.gaps.flatMap((gap) =>
        runs.filter((run) => gap.firstRun <= run && run <= gap.lastRun),
      );
      assert.deepEqual(told, missing);
      if (laid.overlaps.length > 0) return;
      for (const run of runs) {
        const found = rangeOf(laid.ranges, run);
        assert.equal(found !== undefined, holders(run) === 1);
        if (found) assert.ok(found.firstRun <= run && run <= found.lastRun);
      }
    }),
    { seed: 1, numRuns: 500 },
  );
});
