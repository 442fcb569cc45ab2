// Every byte that was asked for is fetched once, into its place, within the limits of the protocol.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { planReads } from "./plan.ts";

test("the pieces make up the ranges", () => {
  const range = fc.record({
    position: fc.nat(1e9),
    length: fc.oneof(fc.nat(100), fc.nat(300_000), fc.nat(20_000_000)),
  });
  fc.assert(
    fc.property(fc.array(range, { maxLength: 3000 }), (ranges) => {
      const reached = ranges.map(() => 0);
      for (const read of planReads(ranges)) {
        assert.ok(read.ranges.length <= 1024);
        if (read.ranges.length > 1) for (const { length } of read.ranges) assert.ok(length <= 2_097_136);
        assert.equal(
          read.bytes,
          read.ranges.reduce((sum, { length }) => sum + length, 0),
        );
        assert.ok(read.bytes <= 4 * 1024 * 1024 && read.bytes > 0);
        read.targets.forEach(({ range, at }, i) => {
          // Pieces of a range come in order, so that each begins where the one before ended.
          assert.equal(at, reached[range]);
          assert.equal(read.ranges[i].position, ranges[range].position + at);
          reached[range] += read.ranges[i].length;
        });
      }
      assert.deepEqual(
        reached,
        ranges.map(({ length }) => length),
      );
    }),
    { numRuns: 100, seed: 6 },
  );
});
