// Parquet as columns, held against hyparquet's own rows: every column of a real file, in chunks of any size and range.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { asyncBufferFromFile, parquetReadObjects } from "hyparquet";
import { DriftlineError } from "../../errors/registry.ts";
import { openTable } from "./open.ts";
import { fixture, invalid, scratch, sharedFile, valuesOf } from "./testdata.ts";

const adl = sharedFile("adl/Run2012B_SingleMu-1000.parquet");

test("86 columns of 1,000 events equal a second reader's, whatever the chunks", {
  skip: adl.skip,
}, async () => {
  const rows = await parquetReadObjects({ file: await asyncBufferFromFile(adl.path) });
  const table = await openTable(adl.path);
  assert.equal(table.entries, 1000);
  assert.equal(table.columns.length, 86);
  for (const entries of [7, 333, 5000]) {
    const values = await valuesOf(table, { entries });
    for (const { name } of table.columns)
      assert.deepEqual(
        values[name],
        rows.map((row) => row[name]),
        name,
      );
  }
  const range = { start: 123, stop: 801 };
  const part = await valuesOf(table, { names: ["Muon_pt", "MET_pt"], entries: 100, range });
  assert.deepEqual(
    part.Muon_pt,
    rows.slice(123, 801).map((row) => row.Muon_pt),
  );
  assert.deepEqual(
    part.MET_pt,
    rows.slice(123, 801).map((row) => row.MET_pt),
  );
  await table.close();
});

test("text, lists of lists and missing values", async () => {
  const table = await openTable(fixture("responses.parquet"));
  const { label, nested, missing } = await valuesOf(table, {
    names: ["label", "nested", "missing"],
    entries: 3,
  });
  assert.deepEqual(label.slice(0, 2), ["entry 0", "entry 1"]);
  assert.deepEqual(nested[1], [[1], [2, 3]]);
  assert.deepEqual(missing.slice(8, 11), [1, Number.NaN, 1]);
  await table.close();
});

test("names that are not there, and ranges outside", async () => {
  const table = await openTable(fixture("responses.parquet"));
  assert.throws(() => table.chunks(["labels"], 10), /has no column "labels"; nearest are "label"/);
  assert.throws(() => table.chunks(["label"], 10, { start: 3, stop: 41 }), RangeError);
  await table.close();
});

test("with checksums of pages, a flipped byte is an error and never another value", async () => {
  const path = join(import.meta.dirname, "testdata/dictionary.parquet");
  const bytes = readFileSync(path);
  const footer = bytes.length - 8 - bytes.readUInt32LE(bytes.length - 8);
  const good = await openTable(path);
  const values = await valuesOf(good);
  await good.close();
  const { file } = scratch();
  let refused = 0;
  for (let at = 4; at < footer; at += 401) {
    const copy = Uint8Array.from(bytes);
    copy[at] ^= 0x10;
    const table = await openTable(file("flipped.parquet", copy));
    for (const name of Object.keys(values))
      try {
        assert.deepEqual((await valuesOf(table, { names: [name] }))[name], values[name], `byte ${at}`);
      } catch (error) {
        if (!(error instanceof DriftlineError)) throw error;
        assert.match(error.message, new RegExp(`column "${name}": it is no readable Parquet file`));
        refused++;
      }
    await table.close();
  }
  assert.ok(refused > 50, `${refused} of ${Math.floor(footer / 401)}`);
});

test("what is no Parquet file", async () => {
  const { file } = scratch();
  await invalid(openTable(file("a.parquet", "PAR1 no")), /a\.parquet: it is no readable Parquet file/);
  await invalid(openTable(file("b.parquet", "")), /the file is empty/);
  await invalid(openTable(file("c.parquet", "PARE1234")), /encrypted/);
});
