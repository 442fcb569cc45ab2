// Trees as tables: branches of every kind, the tree that may be left out, and errors that name tree and branch.

import assert from "node:assert/strict";
import { test } from "node:test";
import { openRootFile } from "@driftline/rootio";
import { openTable } from "./open.ts";
import { fixture, invalid, scratch, sharedFile, valuesOf } from "./testdata.ts";

const staff = sharedFile("root/ntpl001_staff_rntuple_v1-0-0-0.root");
const physlite = sharedFile("root/uproot-physlite-rntuple_v1-0-0-0.root");
const root = fixture("responses.root");

test("a tree's columns are those of the library, in chunks of any size", async () => {
  const table = await openTable(root);
  assert.deepEqual([table.holder, table.word, table.entries], ['tree "responses"', "branch", 40]);
  const file = await openRootFile(root);
  const { pt, amp } = await (await file.tree("responses")).read(["pt", "amp"]);
  const chunks = [];
  for await (const chunk of table.chunks(["pt", "amp"], 40)) chunks.push(chunk.columns);
  assert.deepEqual(chunks, [{ pt, amp }]);
  const whole = await valuesOf(table, { names: ["amp"] });
  const part = await valuesOf(table, { names: ["amp"], entries: 3, range: { start: 5, stop: 30 } });
  assert.deepEqual(part.amp, whole.amp.slice(5, 30));
  await Promise.all([file.close(), table.close()]);
});

test("an RNTuple has fields, text among them", { skip: staff.skip }, async () => {
  const table = await openTable(staff.path);
  assert.deepEqual([table.word, table.entries], ["field", 3354]);
  const { Nation } = await valuesOf(table, { names: ["Nation"] });
  assert.equal(Nation[0], "DE");
  await table.close();
});

test("a file of several trees must be told which", { skip: physlite.skip }, async () => {
  const several = /has 10 trees: .*"EventData" \(100 entries\)/;
  await invalid(openTable(physlite.path), several, "data.files.tree");
});

test("errors name tree and branch", async () => {
  const missing = /there is no tree "response"; its trees are "responses"/;
  await invalid(openTable(root, { tree: "response" }), missing, "data.files.tree");
  const table = await openTable(root);
  assert.throws(() => table.chunks(["ptt"], 1), /tree "responses" has no branch "ptt"; nearest are "pt"/);
  assert.throws(() => table.chunks(["pt"], 0), RangeError);
  assert.throws(() => table.chunks(["pt"], 1, { start: 2, stop: 41 }), RangeError);
  await table.close();
  const { file } = scratch();
  await invalid(openTable(file("x.root", "root1234")), /x\.root: /);
});
