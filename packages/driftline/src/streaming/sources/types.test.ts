// Every type that is read, from files that Apache Arrow's C++ library wrote in each encoding and compression.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { openTable } from "./open.ts";
import { valuesOf } from "./testdata.ts";

const folder = join(import.meta.dirname, "testdata");
const expected: Record<string, unknown[]> = JSON.parse(readFileSync(join(folder, "types.json"), "utf8"));

/** JSON has no 64-bit integers and no NaN: what is missing is null there, and NaN or an empty text or list here. */
function asRead(column: string, value: unknown): unknown {
  if (column === "int64" || column === "uint64") return BigInt(value as string);
  if (Array.isArray(value)) return value.map((item) => asRead(column, item));
  if (value !== null) return value;
  if (column === "gappy_list") return "list";
  return column.includes("text") ? "" : Number.NaN;
}

function expectedOf(column: string, file = ""): unknown[] {
  // Without statistics, bools that may be missing are numbers.
  if (file === "plain.parquet" && column === "bool") return expected.bool.map(Number);
  return expected[column].map((value) => {
    if (column === "gappy_list")
      return ((value ?? []) as (number | null)[]).map((item) => item ?? Number.NaN);
    return asRead(column, value);
  });
}

const parquet = ["plain", "dictionary", "v2-lz4", "v1-gzip", "v2-brotli", "deltas"].map(
  (name) => `${name}.parquet`,
);
const arrow = ["uncompressed.feather", "lz4.feather", "zstd.feather", "stream.arrows"];

for (const name of [...parquet, ...arrow])
  test(`${name}: every column, in chunks of any size`, async () => {
    const table = await openTable(join(folder, name));
    assert.equal(table.entries, 60);
    for (const entries of [1, 13, 60]) {
      const values = await valuesOf(table, { entries });
      for (const column of Object.keys(expected))
        assert.deepEqual(values[column], expectedOf(column, name), column);
      if (!arrow.includes(name)) continue;
      assert.deepEqual(values.category, expectedOf("missing_text"), "category");
      assert.deepEqual(values.view, expectedOf("missing_text"), "view");
      assert.deepEqual(values.large, expectedOf("list"), "large");
      assert.deepEqual(
        values.fixed,
        (values.int8 as number[]).map((n) => [n, n + 1]),
        "fixed",
      );
    }
    const part = await valuesOf(table, {
      names: ["nested", "missing_int"],
      entries: 4,
      range: { start: 21, stop: 52 },
    });
    for (const column of ["nested", "missing_int"])
      assert.deepEqual(part[column], expectedOf(column).slice(21, 52), column);
    await table.close();
  });

test("types that are not read say so, and a gap makes whole numbers float64", async () => {
  for (const name of ["dictionary.parquet", "zstd.feather"]) {
    const table = await openTable(join(folder, name));
    const about = Object.fromEntries(table.columns.map((column) => [column.name, column]));
    assert.match(about["map.key"]?.problem ?? about["map.key_value.key"]?.problem ?? "", /map/, name);
    assert.match(about.bytes.problem ?? "", /is not read/);
    assert.deepEqual(about.int32.shape, { kind: "number", type: "int32" });
    assert.deepEqual(about.missing_int.shape, { kind: "number", type: "float64" });
    assert.deepEqual(about.missing_float.shape, { kind: "number", type: "float32" });
    await table.close();
  }
  // Without statistics nobody knows before reading.
  const table = await openTable(join(folder, "plain.parquet"));
  assert.equal(table.columns.find(({ name }) => name === "float32")?.problem, null);
  await table.close();
});
