// Pieces of any size are the whole: baskets are decoded once, and their offsets shared by the arrays of a collection.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type Column, createRootFile, itemOf, openRootFile } from "./index.ts";

const directory = mkdtempSync(join(tmpdir(), "driftline-chunks-"));
after(() => rmSync(directory, { recursive: true }));
const entries = 1000;
const names = ["x", "k", "Jet_pt", "Jet_id", "Muon_pt"];

const number = (type: "float32" | "float64" | "int16" | "int64") => ({ kind: "number", type }) as const;

before(async () => {
  for (const compression of ["zlib", "none"] as const) {
    const file = await createRootFile(join(directory, `${compression}.root`), { compression });
    const tree = file.tree(
      "t",
      [
        { name: "x", shape: number("float64") },
        { name: "k", shape: number("int64") },
        { name: "Jet_pt", shape: { kind: "list", content: number("float32") } },
        { name: "Jet_id", shape: { kind: "list", content: number("int16") } },
        { name: "Muon_pt", shape: { kind: "list", content: number("float32") } },
      ],
      { basketEntries: 100 },
    );
    const offsets = (of: (i: number) => number) => {
      const made = new Int32Array(entries + 1);
      for (let i = 0; i < entries; i++) made[i + 1] = made[i] + of(i);
      return made;
    };
    const jets = offsets((i) => (i * 7) % 5);
    const muons = offsets((i) => (i * 3) % 4);
    const list = (made: Int32Array<ArrayBuffer>, type: "float32" | "int16", scale: number): Column => ({
      kind: "list",
      offsets: made,
      content: {
        kind: "number",
        type,
        values:
          type === "float32"
            ? Float32Array.from({ length: made[entries] }, (_, i) => scale * i)
            : Int16Array.from({ length: made[entries] }, (_, i) => scale * (i % 3000)),
      },
    });
    await tree.append({
      x: { kind: "number", type: "float64", values: Float64Array.from({ length: entries }, (_, i) => i / 7) },
      k: {
        kind: "number",
        type: "int64",
        values: BigInt64Array.from({ length: entries }, (_, i) => BigInt(-i)),
      },
      Jet_pt: list(jets, "float32", 0.5),
      Jet_id: list(jets, "int16", -3),
      Muon_pt: list(muons, "float32", 2),
    });
    await file.close();
  }
});

function plain(columns: Record<string, Column>, count: number): unknown[][] {
  return Array.from({ length: count }, (_, i) => names.map((name) => itemOf(columns[name], i)));
}

for (const compression of ["zlib", "none"])
  test(`pieces of a file, ${compression}`, async () => {
    const file = await openRootFile(join(directory, `${compression}.root`));
    const tree = await file.tree("t");
    const whole = plain(await tree.read(names), entries);
    assert.deepEqual(whole[5], [5 / 7, -5n, [], [], [12, 14, 16]]);
    for (const size of [1, 7, 99, 100, 101, 250, 999, 1000, 5000]) {
      const pieces: unknown[][] = [];
      for await (const { columns, start, stop } of tree.chunks(names, size))
        pieces.push(...plain(columns, stop - start));
      assert.deepEqual(pieces, whole, `pieces of ${size}`);
    }
    // Reads in any order, of one basket and of several, some of which an earlier read has decoded.
    for (const [start, stop] of [
      [0, 50],
      [50, 150],
      [120, 180],
      [150, 420],
      [410, 499],
      [410, 500],
      [0, 1000],
      [999, 1000],
      [30, 30],
    ]) {
      const columns = await tree.read(names, { start, stop });
      assert.deepEqual(plain(columns, stop - start), whole.slice(start, stop), `${start} to ${stop}`);
      const { Jet_pt, Jet_id } = columns;
      assert.ok(Jet_pt.kind === "list" && Jet_id.kind === "list");
      assert.equal(Jet_pt.offsets[0], 0);
      if (stop > start)
        assert.ok(Jet_pt.offsets === Jet_id.offsets, `${start} to ${stop}: offsets of a collection`);
    }
    await file.close();
  });
