// A file written by uproot for what the reference files lack: directories, cycles, arrays, many baskets and clusters.

import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { type Column, itemOf, lengthOf, openChain, openRootFile } from "./index.ts";

const path = join(import.meta.dirname, "fixtures/written.root");
const expected: Record<string, Record<string, unknown[]>> = JSON.parse(
  readFileSync(join(import.meta.dirname, "fixtures/written.json"), "utf8"),
);
const scratch = mkdtempSync(join(tmpdir(), "driftline-rootio-"));
after(() => rmSync(scratch, { recursive: true }));

function itemsOf(column: Column): unknown[] {
  const plain = (value: unknown): unknown => {
    if (typeof value === "bigint") return Number(value);
    if (Array.isArray(value)) return value.map(plain);
    if (typeof value === "object" && value !== null)
      return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, plain(field)]));
    return value;
  };
  return Array.from({ length: lengthOf(column) }, (_, i) => plain(itemOf(column, i)));
}

test("both cycles in nested directories, and the newest by name", async () => {
  const file = await openRootFile(path);
  assert.deepEqual(file.trees(), ["outer/inner/events", "ntuple"]);
  for (const [name, branches] of Object.entries(expected)) {
    const tree = await file.tree(name);
    for (const [branch, items] of Object.entries(branches))
      assert.deepEqual(itemsOf((await tree.read([branch]))[branch]), items, `${name} ${branch}`);
  }
  const newest = await (await file.tree("outer/inner/events")).read(["matrix"]);
  assert.deepEqual(itemsOf(newest.matrix), expected["outer/inner/events;2"].matrix);
  await assert.rejects(file.tree("outer/inner/events;3"), { kind: "missing" });
  await file.close();
});

test("pieces of any size, across baskets and clusters, are the whole in order", async () => {
  const file = await openRootFile(path);
  for (const name of ["outer/inner/events", "ntuple"]) {
    const tree = await file.tree(name);
    const names = tree.branches.flatMap((branch) => (branch.problem ? [] : [branch.name]));
    const whole = await tree.read(names);
    for (const size of [1, 2, 5, 7, 100]) {
      const items = new Map(names.map((branch) => [branch, [] as unknown[]]));
      let next = 1;
      for await (const { start, stop, columns } of tree.chunks(names, size, { start: 1 })) {
        assert.equal(start, next);
        next = stop;
        for (const branch of names) items.get(branch)!.push(...itemsOf(columns[branch]));
      }
      assert.equal(next, tree.entries);
      for (const branch of names)
        assert.deepEqual(items.get(branch), itemsOf(whole[branch]).slice(1), branch);
    }
  }
  await file.close();
});

test("globs choose branches of a level, and fields within fields are read alone", async () => {
  const file = await openRootFile(path);
  const tree = await file.tree("ntuple");
  const inOrder = Object.keys(expected["ntuple;1"]).filter((name) => name.startsWith("n"));
  assert.deepEqual(inOrder.toSorted(), ["nested", "number"]);
  assert.deepEqual(Object.keys(await tree.read(["n*"])), inOrder);
  assert.deepEqual(
    Object.keys(await tree.read(["objects.*"])),
    tree.branches.flatMap(({ name }) => (/^objects\./.test(name) ? [name] : [])),
  );
  const pt = (await tree.read(["objects.pt"]))["objects.pt"];
  const objects = expected["ntuple;1"].objects as { pt: number }[][];
  assert.deepEqual(
    itemsOf(pt),
    objects.map((list) => list.map((object) => object.pt)),
  );
  await assert.rejects(tree.read(["x*"]), {
    kind: "missing",
    message: /no readable branch that matches "x\*"/,
  });
  await assert.rejects(tree.read(["numbr"]), { kind: "missing", message: /nearest are "number"/ });
  await file.close();
});

test("a chain of files is read as one tree", async () => {
  for (let i = 0; i < 16; i++) copyFileSync(path, join(scratch, `part${String(i).padStart(2, "0")}.root`));
  for (const [name, branch] of [
    ["outer/inner/events", "jagged"],
    ["ntuple", "nested"],
  ]) {
    const one = expected[`${name};${name === "ntuple" ? 1 : 2}`][branch];
    const chain = await openChain([join(scratch, "part*.root"), path], name);
    assert.equal(chain.files.length, 17);
    assert.equal(chain.entries, 17 * one.length);
    const all = Array.from({ length: 17 }, () => one).flat();
    assert.deepEqual(itemsOf((await chain.read([branch]))[branch]), all);
    const [start, stop] = [one.length - 2, 3 * one.length + 1];
    assert.deepEqual(itemsOf((await chain.read([branch], { start, stop }))[branch]), all.slice(start, stop));
    assert.deepEqual(itemsOf((await chain.read([branch], { start, stop: start }))[branch]), []);
    await chain.close();
  }
  await assert.rejects(openChain([join(scratch, "none*.root")], "ntuple"), { kind: "missing" });
});
