// The parts of a snapshot as bytes: an index searched in place against a list, and lines that are no models.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { isModelsLine, lineBytes, type ModelsLine } from "./format.ts";
import { keyIndex } from "./keyIndex.ts";

const hex = (text: string) => createHash("sha256").update(text).digest("hex");
const createdAt = "2026-11-21T20:55:30.123Z";

test("an index finds every key that it has and no other, and all that begin with a prefix", () => {
  const names = fc.uniqueArray(fc.nat(10_000), { maxLength: 60 });
  const property = fc.property(
    names,
    fc.nat(10_000),
    fc.integer({ min: 0, max: 67 }),
    (has, other, length) => {
      const lines = has.map((n) => ({ key: `k1-${hex(`${n}`)}`, bundle: hex(`bundle ${n}`), createdAt }));
      lines.sort((a, b) => (a.key < b.key ? -1 : 1));
      const text = lines.map(({ key, bundle }) => `${key} ${bundle} ${createdAt}\n`).join("");
      const index = keyIndex(Buffer.from(text), lines.length, "index");
      for (const line of lines) assert.deepEqual(index.find(line.key), line);
      const asked = `k1-${hex(`${other}`)}`;
      assert.equal(index.find(asked)?.key, has.includes(other) ? asked : undefined);
      const prefix = asked.slice(0, length);
      assert.deepEqual(
        index.matching("key", prefix, 100),
        lines.filter(({ key }) => key.startsWith(prefix)),
      );
      const digest = hex(`bundle ${other}`).slice(0, Math.min(length, 64));
      assert.deepEqual(
        index.matching("bundle", digest, 100),
        lines.filter(({ bundle }) => bundle.startsWith(digest)),
      );
    },
  );
  fc.assert(property, { seed: 1, numRuns: 200 });
  for (const [size, count] of [
    [lineBytes, 2],
    [lineBytes - 1, 1],
    [0, 1],
    [lineBytes, 0],
  ]) {
    assert.throws(() => keyIndex(Buffer.alloc(size), count, "index"), { code: "damaged" });
  }
});

test("a line of models lacks nothing and has nothing of another type", () => {
  const line: ModelsLine = {
    key: `k1-${hex("")}`,
    bundle: hex("b"),
    createdAt,
    binding: 1,
    conditions: { gas: "P10" },
    software: {},
    domain: { v: [1, 2] },
    recipeHash: hex("r"),
    dataSource: "files",
    size: 3,
  };
  assert.ok(isModelsLine(line));
  for (const name of Object.keys(line)) {
    for (const wrong of [undefined, null, [], { a: null }, "x", 1, Number.NaN]) {
      const isRight =
        typeof wrong === typeof line[name as keyof ModelsLine] &&
        (typeof wrong === "string" ? !["bundle", "dataSource"].includes(name) : wrong === 1);
      assert.equal(isModelsLine({ ...line, [name]: wrong }), isRight, `${name}: ${String(wrong)}`);
    }
  }
  for (const domain of [{ v: [1] }, { v: [1, null] }, { v: 1 }])
    assert.ok(!isModelsLine({ ...line, domain }));
  for (const given of [null, [], "x", 1]) assert.ok(!isModelsLine(given));
});
