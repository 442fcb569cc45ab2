// Lists, missing values and records in any order within one another: levels from which hyparquet puts the entries together.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { zstdDecompressSync } from "node:zlib";
import type { Shape } from "@driftline/rootio";
import fc from "fast-check";
import { asyncBufferFromFile, parquetReadObjects } from "hyparquet";
import { openWriter } from "./openWriter.ts";
import { leavesOf } from "./parquetLevels.ts";
import { columnOf, list, number, optional, record, text } from "./testing.ts";

const directory = mkdtempSync(join(tmpdir(), "driftline-parquet-"));
after(() => rmSync(directory, { recursive: true }));

test("levels of lists of lists are those of the paper's rules, worked out by hand", () => {
  const deep = columnOf(list(list(number("int8"))), [[[1], [], [2, 3]], [], [[]], [[4]]]);
  const [leaf] = leavesOf(deep);
  // [1] begins entry 0; [] and [2, 3] go on with its outer list, 3 with its inner one.
  assert.deepEqual(Array.from(leaf.repetition!), [0, 1, 1, 2, 0, 0, 0]);
  // 2 is a value, 1 an empty inner list, 0 an empty outer one.
  assert.deepEqual(Array.from(leaf.definition!), [2, 1, 2, 2, 0, 1, 2]);
});

/** Shapes with entries of them; a missing value is missing in one way only. */
function entriesOf(shape: Shape): fc.Arbitrary<unknown> {
  switch (shape.kind) {
    case "number":
      return shape.type === "bool" ? fc.boolean() : fc.integer({ min: -100, max: 100 });
    case "string":
      return fc.string({ maxLength: 3 });
    case "list":
      return fc.array(entriesOf(shape.content), { maxLength: 3 });
    case "optional":
      return fc.option(entriesOf(shape.content));
    case "record":
      return fc.record(Object.fromEntries(shape.fields.map((field) => [field.name, entriesOf(field.shape)])));
    case "union":
      throw new TypeError("a union");
  }
}
const { shape: anyShape } = fc.letrec<{ shape: Shape; present: Shape }>((tie) => ({
  present: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom(number("int16"), number("bool"), text),
    tie("shape").map((content) => list(content)),
    fc.tuple(tie("shape"), tie("shape")).map(([a, b]) => record({ a, b })),
  ),
  shape: fc.oneof({ maxDepth: 3 }, tie("present"), tie("present").map(optional)),
}));

test("entries of any shape come back from Parquet", async () => {
  let file = 0;
  await fc.assert(
    fc.asyncProperty(
      anyShape.chain((shape) => fc.tuple(fc.constant(shape), fc.array(entriesOf(shape), { maxLength: 9 }))),
      async ([shape, entries]) => {
        const path = join(directory, `${file++}.parquet`);
        const writer = await openWriter(path, [{ name: "x", shape }], { rowGroupEntries: 5 });
        for (const part of [entries.slice(0, 3), entries.slice(3)])
          await writer.append({ entries: part.length, columns: { x: columnOf(shape, part) } });
        await writer.close();
        const compressors = { ZSTD: (bytes: Uint8Array) => zstdDecompressSync(bytes) };
        const rows = await parquetReadObjects({ file: await asyncBufferFromFile(path), compressors });
        assert.deepEqual(plain(rows.map(({ x }) => x)), plain(entries), JSON.stringify(shape));
      },
    ),
    { seed: 23, numRuns: 150 },
  );
});

/** Without typed arrays, undefined and prototypes. */
function plain(value: unknown): unknown {
  if (ArrayBuffer.isView(value)) return Array.from(value as unknown as number[]);
  if (Array.isArray(value)) return Array.from(value, plain);
  if (typeof value !== "object" || value === null) return value ?? null;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, plain(field)]));
}
