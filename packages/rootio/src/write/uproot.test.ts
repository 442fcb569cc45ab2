// uproot reads what is written here: every branch of every type, by each compression, and the sums that ROOT shows.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { type Column, createRootFile } from "../index.ts";
import { columnOf, everyShape, randomOf, sliceOf } from "./testing.ts";

const python = join(import.meta.dirname, "../../../../trainer/.venv/bin/python");
const skip = existsSync(python) ? false : "trainer/.venv is absent: not compared with uproot";
const directory = mkdtempSync(join(tmpdir(), "driftline-rootio-uproot-"));
after(() => rmSync(directory, { recursive: true }));

const script = `
import hashlib, json, sys
import awkward as ak, numpy as np, uproot

def digest(array):
    if array.ndim == 1 and ak.parameters(array).get("__array__") == "string":
        return [None, hashlib.sha256("".join(array.to_list()).encode()).hexdigest(), None]
    counts = ak.num(array).to_list() if array.ndim > 1 else None
    flat = ak.to_numpy(ak.flatten(array, axis=None))
    return [counts, hashlib.sha256(flat.astype(flat.dtype.newbyteorder("<")).tobytes()).hexdigest(), flat.dtype.name]

result = []
for path in sys.argv[1:]:
    with uproot.open(path) as file:
        tree = file["Events"]
        branches = {name: digest(tree[name].array()) for name in tree.keys()}
        counters = {b.name: b.member("fLeaves")[0].member("fLeafCount") for b in tree.branches}
        result.append({
            "classes": file.classnames(),
            "title": tree.title,
            "entries": tree.num_entries,
            "total": [tree.member("fTotBytes"), sum(b.member("fTotBytes") for b in tree.branches)],
            "stored": [tree.member("fZipBytes"), sum(int(n) for b in tree.branches for n in b.member("fBasketBytes"))],
            "baskets": sum(b.num_baskets for b in tree.branches),
            "branches": branches,
            "most": {b.name: int(b.member("fLeaves")[0].member("fMaximum")) for b in tree.branches
                     if b.member("fLeaves")[0].member("fIsRange")},
            "counted": {name: leaf.member("fName") for name, leaf in counters.items() if leaf is not None},
        })
json.dump(result, sys.stdout)`;

/** What the script says of a branch. */
function digest(column: Column): [number[] | null, string, string | null] {
  const sha = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
  if (column.kind === "string") return [null, sha(column.bytes), null];
  const counts =
    column.kind === "list"
      ? Array.from(column.offsets.subarray(1), (stop, i) => stop - column.offsets[i])
      : null;
  let at: Column = column;
  while (at.kind === "list") at = at.content;
  if (at.kind !== "number") throw new TypeError(at.kind);
  const { buffer, byteOffset, byteLength } = at.values;
  return [counts, sha(new Uint8Array(buffer, byteOffset, byteLength)), at.type];
}

test("uproot reads every shape of every type to the bit, whatever the compression", { skip }, async () => {
  const shapes = everyShape();
  const random = randomOf(43);
  const columns = Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => [name, columnOf(shape, 300, random)]),
  );
  const cut = (start: number, stop: number) =>
    Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, sliceOf(column, start, stop)]));
  const paths = await Promise.all(
    (["none", "zlib", "lz4", "zstd"] as const).map(async (compression) => {
      const path = join(directory, `${compression}.root`);
      const file = await createRootFile(path, { compression });
      const branches = Object.entries(shapes).map(([name, shape]) => ({ name, shape }));
      const tree = file.tree("Events", branches, { title: "all of it", basketEntries: 64 });
      for (const [start, stop] of [
        [0, 1],
        [1, 200],
        [200, 300],
      ])
        await tree.append(cut(start, stop));
      await file.close();
      return path;
    }),
  );
  const empty = join(directory, "empty.root");
  const file = await createRootFile(empty);
  file.tree("Events", [{ name: "x", shape: { kind: "list", content: { kind: "number", type: "float32" } } }]);
  await file.close();
  const seen = JSON.parse(
    execFileSync(python, ["-c", script, ...paths, empty], { maxBuffer: 2 ** 26 }).toString(),
  );
  const expected = Object.fromEntries(
    Object.entries(columns).map(([name, column]) => [name, digest(column)]),
  );
  for (const { classes, title, entries, total, stored, baskets, branches, most, counted } of seen.slice(
    0,
    4,
  )) {
    assert.deepEqual([classes, title, entries], [{ "Events;1": "TTree" }, "all of it", 300]);
    for (const [name, wanted] of Object.entries(expected)) assert.deepEqual(branches[name], wanted, name);
    assert.equal(total[0], total[1]);
    assert.equal(stored[0], stored[1]);
    assert.equal(baskets, Object.keys(branches).length * 5);
    for (const [name, counter] of Object.entries(counted)) {
      const counts = expected[name][0]!;
      assert.equal(counter, `n${name}`);
      assert.equal(most[counter as string], Math.max(...counts));
    }
    assert.equal(Object.keys(counted).length, 22);
  }
  assert.ok(statSync(paths[1]).size < statSync(paths[0]).size);
  assert.equal(seen[4].entries, 0);
  assert.deepEqual(Object.keys(seen[4].branches), ["nx", "x"]);
});
