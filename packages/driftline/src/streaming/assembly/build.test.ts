// Datasets from a ROOT file that the test writes, with baskets of 500 entries, sorted by class.

import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { readSafetensors } from "@driftline/client/safetensors";
import { createRootFile } from "@driftline/rootio";
import { type DatasetManifest, datasetDigest } from "../dataset.ts";
import { type Specification, specificationFile } from "../features/specification.ts";
import { buildDataset, groupsOf } from "./build.ts";
import { measure } from "./measure.ts";
import { mixingOf, mixingWarning } from "./mixing.ts";
import { prepare } from "./prepare.ts";

const entries = 20_000;
let directory: string;

/** x is the entry's number; the first half is class 0. Entry i has i mod 4 jets, the last of every 16th is NaN. */
before(async () => {
  directory = await mkdtemp(join(tmpdir(), "driftline-assembly-"));
  const file = await createRootFile(join(directory, "events.root"));
  const tree = file.tree(
    "events",
    [
      { name: "x", shape: { kind: "number", type: "float64" } },
      { name: "kind", shape: { kind: "number", type: "int32" } },
      { name: "group", shape: { kind: "number", type: "int64" } },
      { name: "Jet_pt", shape: { kind: "list", content: { kind: "number", type: "float32" } } },
    ],
    { basketEntries: 500 },
  );
  const offsets = new Int32Array(entries + 1);
  for (let i = 0; i < entries; i++) offsets[i + 1] = offsets[i] + (i % 4);
  const jets = new Float32Array(offsets[entries]);
  for (let i = 0; i < entries; i++)
    for (let k = offsets[i]; k < offsets[i + 1]; k++)
      jets[k] = i % 16 === 15 && k === offsets[i + 1] - 1 ? Number.NaN : 20 + (i % 100) + (k - offsets[i]);
  const ids = Array.from({ length: entries }, (_, i) => i);
  await tree.append({
    x: { kind: "number", type: "float64", values: Float64Array.from(ids) },
    kind: { kind: "number", type: "int32", values: Int32Array.from(ids, (i) => (i < entries / 2 ? 0 : 1)) },
    group: { kind: "number", type: "int64", values: BigInt64Array.from(ids, (i) => BigInt(i % 300)) },
    Jet_pt: { kind: "list", offsets, content: { kind: "number", type: "float32", values: jets } },
  });
  await file.close();
});
after(() => rmSync(directory, { recursive: true }));

function specification(more: Record<string, unknown> = {}): Specification {
  return specificationFile.parse({
    sources: { all: { files: "events.root" } },
    features: ["x", "Jet_pt"],
    label: "kind",
    order: { seed: 1, places: 8, rows: 1000 },
    ...more,
  });
}

async function build(given: Specification, name: string, signal?: AbortSignal, from = directory) {
  const assembly = await prepare(given, { directory: from });
  try {
    const measured = await measure(assembly);
    const to = join(directory, name);
    const manifest = await buildDataset(assembly, measured, to, { signal });
    return { manifest, measured, assembly, ...(await rowsOf(to, manifest)) };
  } finally {
    await assembly.close();
  }
}

/** All rows of a dataset, tensors joined. */
async function rowsOf(from: string, manifest: DatasetManifest) {
  const rows: { x: number; jets: number[]; label: number; weight: number; id: bigint; split: number }[] = [];
  const [{ shape }] = manifest.tensors;
  for (const shard of manifest.shards) {
    const { tensors } = await readSafetensors(join(from, shard.path));
    const [features, mask, label, weight, id, split] = manifest.tensors.map(({ name }) => tensors[name].data);
    for (let i = 0; i < shard.rows; i++) {
      const at = i * shape[0];
      const jets = [...(features as Float32Array).subarray(at + 1, at + shape[0])];
      rows.push({
        x: Number(features[at]),
        jets: jets.filter((_, k) => mask[at + 1 + k] === 1),
        label: Number(label[i]),
        weight: Number(weight[i]),
        id: id[i] as bigint,
        split: Number(split[i]),
      });
    }
  }
  return { rows };
}

test("every entry is one row, values as they were, in a shuffled order that the seed fixes", async () => {
  const { rows, manifest } = await build(specification(), "plain");
  assert.equal(rows.length, entries);
  assert.deepEqual(
    rows.map(({ x }) => x).toSorted((a, b) => a - b),
    Array.from({ length: entries }, (_, i) => i),
  );
  for (const { x, jets, label } of rows.slice(0, 3000)) {
    assert.equal(label, x < entries / 2 ? 0 : 1);
    const count = (x % 4) - (x % 16 === 15 ? 1 : 0);
    assert.deepEqual(
      jets,
      Array.from({ length: count }, (_, k) => 20 + (x % 100) + k),
    );
  }
  assert.equal(new Set(rows.map(({ id }) => id)).size, entries);
  // Neighbours in the file are no neighbours in the dataset.
  const steps = rows.slice(1).filter(({ x }, i) => Math.abs(x - rows[i].x) === 1).length;
  assert.ok(steps < 40, `${steps} neighbours`);
  for (const { rows, path } of manifest.shards) assert.ok(rows >= 500 && rows <= 2000, `${path}: ${rows}`);
  const again = await build(specification(), "again");
  assert.equal(datasetDigest(again.manifest), datasetDigest(manifest));
  const { seed, ...order } = specification().order;
  const other = await build(specification({ order: { ...order, seed: seed + 1 } }), "seed");
  assert.notDeepEqual(
    other.rows.map(({ x }) => x),
    rows.map(({ x }) => x),
  );
});

test("the split is that of the event: other cuts, orders and places of the file leave each in its part", async () => {
  const { rows } = await build(specification(), "split");
  const parts = new Map(rows.map(({ x, split }) => [x, split]));
  const moved = join(directory, "moved");
  mkdirSync(moved);
  renameSync(join(directory, "events.root"), join(moved, "other.root"));
  try {
    const cut = await build(
      specification({
        sources: { all: { files: "other.root" } },
        cut: "sum(Jet_pt) > 150",
        order: { seed: 9 },
      }),
      "cut",
      undefined,
      moved,
    );
    assert.ok(cut.rows.length > 1000 && cut.rows.length < entries / 2, String(cut.rows.length));
    for (const { x, split } of cut.rows) assert.equal(split, parts.get(x));
  } finally {
    renameSync(join(moved, "other.root"), join(directory, "events.root"));
  }
  const fractions = [0, 1, 2].map((part) => rows.filter(({ split }) => split === part).length / entries);
  assert.ok(Math.abs(fractions[0] - 0.8) < 0.01 && Math.abs(fractions[1] - 0.1) < 0.01, String(fractions));
  const identified = await build(specification({ identity: ["group", "x"] }), "identity");
  assert.equal(new Set(identified.rows.map(({ id }) => id)).size, entries);
});

test("a grouping column keeps its rows together", async () => {
  const { rows, manifest } = await build(specification({ group: ["group"] }), "group");
  assert.equal(manifest.split.by, "group");
  const parts = new Map<number, Set<number>>();
  for (const { x, split } of rows) parts.set(x % 300, (parts.get(x % 300) ?? new Set()).add(split));
  assert.equal(parts.size, 300);
  for (const [group, seen] of parts) assert.equal(seen.size, 1, `group ${group}`);
  assert.equal(new Set([...parts.values()].map(([part]) => part)).size, 3);
});

test("statistics are those of the training rows alone, and settle pads and scales", async () => {
  const { rows, manifest, measured } = await build(
    specification({ pad: { quantile: 0.6 }, scale: "min-max" }),
    "scale",
  );
  const train = rows.filter(({ split }) => split === 0);
  const [x, jets] = manifest.encoding!.features;
  assert.equal(x.scale.offset, Math.min(...train.map((row) => row.x)));
  assert.equal(x.scale.offset + x.scale.divisor, Math.max(...train.map((row) => row.x)));
  assert.equal(measured.statistics[0].rows, train.length);
  // 0, 1, 2 or 3 jets, a quarter of the rows each.
  assert.equal(jets.width, 2);
  assert.equal(measured.statistics[1].missing, train.filter((row) => row.x % 16 === 15).length);
});

test("balancing gives every class the same weight in training, and leaves the sum", async () => {
  const more = { weight: "x < 4000 ? 2 : 1", cut: "kind == 0 || x % 4 == 0" };
  const by = await build(specification({ ...more, balance: { by: "label" } }), "label");
  const bins = await build(
    specification({ ...more, balance: { by: { expression: "x", edges: [0, 1000, 20_000] } } }),
    "bins",
  );
  const sums = (rows: typeof by.rows, of: (row: (typeof by.rows)[number]) => unknown) => {
    const train = rows.filter(({ split }) => split === 0);
    return [...Map.groupBy(train, of).values()].map((group) =>
      group.reduce((sum, row) => sum + row.weight, 0),
    );
  };
  for (const own of [sums(by.rows, ({ label }) => label), sums(bins.rows, ({ x }) => x < 1000)]) {
    assert.equal(own.length, 2);
    assert.ok(Math.abs(own[0] / own[1] - 1) < 1e-5, String(own));
  }
  const plain = await build(specification(more), "unbalanced");
  const [total] = sums(plain.rows, () => 0);
  assert.ok(Math.abs(sums(by.rows, () => 0)[0] / total - 1) < 1e-5);
});

test("a build that was cut off goes on, to the same dataset", async () => {
  const { manifest } = await build(specification(), "uncut");
  const name = "resumed";
  const stop = new AbortController();
  let shards = 0;
  const assembly = await prepare(specification(), { directory });
  const measured = await measure(assembly);
  await assert.rejects(
    buildDataset(assembly, measured, join(directory, name), {
      signal: stop.signal,
      onProgress: () => ++shards === 7 && stop.abort(new Error("cut off")),
    }),
    /cut off/,
  );
  await assembly.close();
  const kept = readdirSync(join(directory, name)).filter((file) => file.startsWith("shard-"));
  assert.equal(kept.length, 7);
  const before = readFileSync(join(directory, name, kept[0]));
  await assert.rejects(build(specification({ scale: "log" }), name), /beginning of another dataset/);
  const { manifest: resumed } = await build(specification(), name);
  assert.equal(datasetDigest(resumed), datasetDigest(manifest));
  assert.deepEqual(readFileSync(join(directory, name, kept[0])), before);
  assert.ok(!readdirSync(join(directory, name)).includes("progress.jsonl"));
  await assert.rejects(build(specification(), name), /nothing is overwritten/);
});

test("a file that is ordered by the label is told, with numbers, where mixing does not undo it", async () => {
  const mixing = async (places: number) => {
    const assembly = await prepare(specification({ order: { seed: 1, places, rows: 1000 } }), { directory });
    const measured = await measure(assembly);
    await assembly.close();
    return mixingOf(assembly, measured, groupsOf(assembly, measured));
  };
  const one = await mixing(1);
  assert.ok(Math.abs(one!.files - 1) < 1e-9 && Math.abs(one!.pieces - 1) < 1e-9);
  assert.match(
    mixingWarning(one, 1)!,
    /explains 100 % of its variance, and of pieces mixed from one place still 100 %/,
  );
  const several = await mixing(8);
  assert.ok(several!.pieces < 0.5, String(several!.pieces));
});

test("what is wrong with a specification is said before anything is read", async () => {
  for (const [more, error] of [
    [{ features: ["Jet_pz"] }, /there is no column "Jet_pz"/],
    [{ features: ["Ele*"] }, /matches "Ele\*"/],
    [{ label: "Jet_pt" }, /label is a list in each entry/],
    [{ identity: ["Jet_pt"] }, /Jet_pt holds a list/],
    [{ cut: "sum(Jet_pt)" }, /cut/],
    [{ split: { train: 1, validation: 0, test: 0 }, cut: "x < 0" }, /of 20000 entries 0 pass/],
  ] as const)
    await assert.rejects(build(specification(more), "wrong"), error);
  await assert.rejects(
    build(specification({ missing: "refuse" }), "missing"),
    /Jet_pt is not finite in the row with identity -?\d+/,
  );
});
