// The split: fractions, stability, the documented formula, and what a change of fractions may and may not move.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { rowIds } from "./identity.ts";
import { splitFraction, splitter } from "./split.ts";

const fractions = { train: 0.7, validation: 0.05, test: 0.25 };
const id = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });

/** The formula of docs/data.md, in arithmetic of whole numbers. */
function documented(rowId: bigint, salt: string): number {
  const bytes = BigInt.asUintN(64, rowId).toString(16).padStart(16, "0").match(/../g)!.reverse().join("");
  const digest = createHash("sha256")
    .update(salt, "utf8")
    .update("00", "hex")
    .update(bytes, "hex")
    .digest("hex");
  return Number(BigInt(`0x${digest.slice(0, 16)}`) / 2n ** 11n) / 2 ** 53;
}

test("the split hash is the documented one, in [0, 1), for every identity and salt", () => {
  fc.assert(
    fc.property(id, fc.string({ unit: "grapheme" }), (rowId, salt) => {
      const u = splitFraction(salt)(rowId);
      assert.equal(u, documented(rowId, salt));
      assert.ok(u >= 0 && u < 1);
    }),
    { seed: 5 },
  );
});

test("a row's part follows from its own hash: more training rows move no row out of training", () => {
  fc.assert(
    fc.property(
      id,
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (rowId, a, b) => {
        const [train, sum] = [Math.min(a, b), Math.max(a, b)];
        const small = splitter("s", { train, validation: 0, test: 1 - train })(rowId);
        const large = splitter("s", { train: sum, validation: 0, test: 1 - sum })(rowId);
        assert.ok(small === 2 || large === 0);
      },
    ),
    { seed: 5 },
  );
});

test("fractions come out, and two salts are independent", () => {
  // 20,000 rows: each count within five standard deviations of its expectation (false alarm below 1e-5).
  const ids = rowIds("ab".repeat(32), 0, 20_000);
  assert.equal(new Set(ids).size, 20_000);
  const counts = [0, 0, 0];
  let bothTest = 0;
  const [one, two] = [splitter("one", fractions), splitter("two", fractions)];
  for (const rowId of ids) {
    const code = one(rowId);
    counts[code]++;
    if (code === 2 && two(rowId) === 2) bothTest++;
  }
  const within = (count: number, p: number) =>
    assert.ok(
      Math.abs(count - 20_000 * p) < 5 * Math.sqrt(20_000 * p * (1 - p)),
      `${count} of ${20_000 * p}`,
    );
  within(counts[0], 0.7);
  within(counts[1], 0.05);
  within(counts[2], 0.25);
  within(bothTest, 0.25 * 0.25);
});

test("identities are the documented hash of content and entry, whatever range they are asked for in", () => {
  const digest = "e4".repeat(32);
  const expected = createHash("sha256")
    .update(Buffer.concat([Buffer.from(digest, "hex"), Buffer.from("2c01000000000000", "hex")])) // 300
    .digest()
    .readBigInt64LE();
  assert.equal(rowIds(digest, 300, 1)[0], expected);
  assert.equal(rowIds(digest, 0, 301)[300], expected);
});
