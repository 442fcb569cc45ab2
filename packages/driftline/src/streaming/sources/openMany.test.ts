// Many files as one table: order, ranges, few open at a time, and differences that are known before reading.

import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { openTable } from "./open.ts";
import { openTables } from "./openMany.ts";
import { fixture, invalid, scratch, valuesOf } from "./testdata.ts";

const { file } = scratch();
const root = fixture("responses.root");

test("entries follow one another, and chunks say which file they are of", async () => {
  const files = Array.from({ length: 40 }, (_, i) => file(`${i}.csv`, `i,x\n${i},1\n${i},2\n`));
  const openNow = () => readdirSync("/proc/self/fd").length;
  const before = openNow();
  const many = await openTables(files);
  assert.equal(many.entries, null);
  let most = 0;
  const found: [number, number, number, number][] = [];
  for await (const { start, entries, file, entry } of many.chunks(["i"], 10)) {
    most = Math.max(most, openNow() - before);
    found.push([start, entries, file, entry]);
  }
  assert.deepEqual(
    found,
    files.map((_, i) => [2 * i, 2, i, 0]),
  );
  assert.ok(most <= 16, `${most} files were open`);
  assert.deepEqual(
    (await valuesOf(many)).i,
    files.flatMap((_, i) => [i, i]),
  );
  await many.close();
  assert.equal(openNow(), before);
});

test("a range goes through files", async () => {
  const copy = fixture("responses.parquet");
  const names = ["pt", "ipad"];
  const many = await openTables([root, copy], { tree: "responses" });
  assert.equal(many.entries, 80);
  const one = await openTable(root);
  const { pt } = await valuesOf(one, { names: ["pt"] });
  const range = { start: 30, stop: 55 };
  assert.deepEqual(
    (await valuesOf(many, { names: ["pt"], entries: 7, range })).pt,
    [...pt, ...pt].slice(30, 55),
  );
  // 32 bits in ROOT, 64 in Parquet.
  assert.throws(
    () => many.chunks(names, 7),
    /branch "ipad" is list<int64> in .*responses\.parquet, but int32/,
  );
  assert.deepEqual(
    many.files.map(({ entries }) => entries),
    [40, 40],
  );
  assert.equal(many.files[0].fingerprint, await one.fingerprint());
  await Promise.all([one.close(), many.close()]);
});

test("a column that some file lacks has that as its problem; a file that can't be opened ends it all", async () => {
  const [a, b] = [file("a.csv", "x,y,z\n1,2,3\n"), file("b.csv", "y,x\na,2\n")];
  const many = await openTables([a, b]);
  assert.deepEqual(Object.fromEntries(many.columns.map(({ name, problem }) => [name, problem])), {
    x: null,
    y: `is text in ${b}, but number in ${a}`,
    z: `is missing in ${b}, which ${a} has`,
  });
  assert.deepEqual(await valuesOf(many), { x: [1, 2] });
  await many.close();
  await invalid(openTables([a, `${a}.none`]), /a\.csv\.none: there is no such file/);
  await invalid(openTables([]), /no file was named/);
});

test("text files are read from their beginning", async () => {
  const many = await openTables([file("p.csv", "x\n1\n2\n"), file("q.csv", "x\n3\n4\n")]);
  assert.deepEqual((await valuesOf(many, { range: { start: 1, stop: 3 } })).x, [2, 3]);
  await invalid(valuesOf(many, { range: { start: 3, stop: 4 } }), /Read|how many this file has is not known/);
  await many.close();
});
