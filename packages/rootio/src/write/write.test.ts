// Trees written and read again by this library: all types to the bit, baskets and chunks of any size, counters, errors.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, test } from "node:test";
import fc from "fast-check";
import {
  type Column,
  createRootFile,
  openRootFile,
  type RootFile,
  type Shape,
  type TreeOptions,
} from "../index.ts";
import type { Compression } from "./compress.ts";
import {
  bitsOf,
  columnOf,
  elementTypes,
  everyShape,
  list,
  listOf,
  number,
  randomOf,
  sliceOf,
} from "./testing.ts";

const directory = mkdtempSync(join(tmpdir(), "driftline-rootio-write-"));
const opened: RootFile[] = [];
after(async () => {
  for (const file of opened) await file.close();
  rmSync(directory, { recursive: true });
});
let path = "";
let written = 0;
beforeEach(() => {
  path = join(directory, `file${written++}.root`);
});
const filesLeft = () => readdirSync(directory).filter((name) => name.startsWith(`file${written - 1}.`));

type Columns = Record<string, Column>;

async function write(
  shapes: Record<string, Shape>,
  chunks: Columns[],
  options?: TreeOptions,
  compression?: Compression,
) {
  const file = await createRootFile(path, compression && { compression });
  const branches = Object.entries(shapes).map(([name, shape]) => ({ name, shape }));
  const tree = file.tree("Events", branches, options);
  for (const chunk of chunks) await tree.append(chunk);
  const { bytes } = await file.close();
  assert.equal(bytes, statSync(path).size);
  assert.deepEqual(filesLeft(), [`file${written - 1}.root`], "no temporary file stays behind");
}

async function readAll() {
  const file = await openRootFile(path);
  const tree = await file.tree("Events");
  opened.push(file);
  const columns = await tree.read(tree.branches.map(({ name }) => name));
  return { tree, columns };
}

const cut = (columns: Columns, start: number, stop: number): Columns =>
  Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, sliceOf(column, start, stop)]));

for (const compression of ["none", "zlib", "lz4", "zstd"] as const)
  test(`every shape of every type comes back to the bit, in chunks and baskets of any size: ${compression}`, async () => {
    const shapes = everyShape();
    const random = randomOf(41);
    const columns = Object.fromEntries(
      Object.entries(shapes).map(([name, shape]) => [name, columnOf(shape, 700, random)]),
    );
    const chunks = [0, 0, 1, 8, 108, 109, 700].map((stop, i, stops) => cut(columns, stops[i - 1] ?? 0, stop));
    await write(shapes, chunks, { basketEntries: 50, title: "all" }, compression);
    const { tree, columns: read } = await readAll();
    assert.equal(tree.entries, 700);
    for (const [name, column] of Object.entries(columns)) {
      assert.ok(read[name], name);
      assert.deepEqual(bitsOf(read[name]), bitsOf(column), name);
    }
    const part = await tree.read(["text", "jaggedint64"], { start: 49, stop: 151 });
    assert.equal((part.text as { offsets: Int32Array }).offsets.length, 103);
    assert.deepEqual(
      tree.branches.map(({ name, problem }) => [name, problem]).filter(([, problem]) => problem !== null),
      [],
    );
  });

test("any shapes, cut into any chunks and baskets, come back", async () => {
  const type = fc.constantFrom(...elementTypes).map(number);
  const item = fc.oneof(
    type,
    fc.tuple(type, fc.integer({ min: 1, max: 4 })).map(([shape, length]) => list(shape, length)),
  );
  const shape = fc.oneof(
    fc.constant<Shape>({ kind: "string" }),
    item,
    item.map((content) => list(content)),
  );
  const name = fc
    .string({ unit: "binary", minLength: 1, maxLength: 8 })
    .filter((text) => !/[/[\]\p{Cc}\p{Cs}*?]/u.test(text));
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.tuple(name, shape), { maxLength: 6, selector: ([key]) => key }),
      fc.array(fc.nat(12), { maxLength: 5 }),
      fc.integer({ min: 1, max: 20 }),
      fc.constantFrom<Compression>("zlib", "lz4", "zstd", "none"),
      fc.nat(),
      async (branches, lengths, basketEntries, compression, seed) => {
        path = join(directory, `file${written++}.root`);
        const entries = branches.length > 0 ? lengths.reduce((sum, length) => sum + length, 0) : 0;
        const shapes = Object.fromEntries(branches);
        const random = randomOf(seed);
        const columns = Object.fromEntries(branches.map(([key, of]) => [key, columnOf(of, entries, random)]));
        let at = 0;
        const chunks = lengths.map((length) => {
          at += length;
          return cut(columns, at - length, at);
        });
        await write(shapes, chunks, { basketEntries }, compression);
        const file = await openRootFile(path);
        const tree = await file.tree("Events");
        assert.equal(tree.entries, entries);
        for (const [key, column] of Object.entries(columns))
          assert.deepEqual(bitsOf((await tree.read([key]))[key]), bitsOf(column), key);
        await file.close();
        rmSync(path);
      },
    ),
    { seed: 17, numRuns: 60 },
  );
});

test("baskets are cut where they are full, and an entry larger than one has its own", async () => {
  const entries = 400_000;
  const random = randomOf(42);
  const counts = Int32Array.from({ length: 1000 }, (_, i) => (i === 500 ? 300_000 : 400));
  const offsets = new Int32Array(1001);
  counts.forEach((count, i) => {
    offsets[i + 1] = offsets[i] + count;
  });
  const x = columnOf(number("float64"), entries, random);
  await write(
    { x: number("float64") },
    [0, 1, 2, 3].map((i) => ({ x: sliceOf(x, i * 1e5, (i + 1) * 1e5) })),
    {},
    "none",
  );
  const { columns } = await readAll();
  assert.deepEqual(bitsOf(columns.x), bitsOf(x));
  // 3.2 MB in baskets of 1 MiB, and less than 20 kB for all else.
  assert.ok(statSync(path).size < 8 * entries + 20_000);

  path = join(directory, `file${written++}.root`);
  const lists = listOf(offsets, columnOf(number("float64"), offsets[1000], random));
  await write({ lists: list(number("float64")) }, [{ lists }], {}, "none");
  const read = await readAll();
  assert.deepEqual(bitsOf(read.columns.lists), bitsOf(lists));
  assert.deepEqual(
    bitsOf((await read.tree.read(["nlists"])).nlists),
    bitsOf({ kind: "number", type: "int32", values: counts }),
  );
});

test("trees without entries, of one entry, with empty lists alone, and several in a file", async () => {
  const shapes = { x: number("int32"), text: { kind: "string" } as Shape, lists: list(number("float32")) };
  await write(shapes, []);
  const empty = await readAll();
  assert.equal(empty.tree.entries, 0);
  assert.deepEqual(bitsOf(empty.columns.lists), [undefined, [0], ["float32", ""]]);

  path = join(directory, `file${written++}.root`);
  const file = await createRootFile(path);
  for (const [name, length] of [
    ["one", 1],
    ["empty lists", 3],
  ] as const) {
    const tree = file.tree(
      name,
      Object.entries(shapes).map(([key, shape]) => ({ name: key, shape })),
    );
    const none = listOf(new Int32Array(length + 1), columnOf(number("float32"), 0, Math.random));
    await tree.append({
      x: { kind: "number", type: "int32", values: new Int32Array(length).fill(7) },
      text: { kind: "string", offsets: new Int32Array(length + 1), bytes: new Uint8Array(0) },
      lists: none,
    });
    assert.equal(tree.entries, length);
  }
  await file.close();
  const read = await openRootFile(path);
  assert.deepEqual(read.trees(), ["one", "empty lists"]);
  const { x, lists } = await (await read.tree("empty lists")).read(["x", "lists"]);
  assert.deepEqual(bitsOf(lists), [undefined, [0, 0, 0, 0], ["float32", ""]]);
  assert.deepEqual(bitsOf(x), ["int32", "07000000".repeat(3)]);
  await read.close();
});

const jets = (...counts: number[]): Column => {
  const offsets = new Int32Array(counts.length + 1);
  counts.forEach((count, i) => {
    offsets[i + 1] = offsets[i] + count;
  });
  return listOf(offsets, columnOf(number("float32"), offsets[counts.length], randomOf(counts.length)));
};
const jagged = list(number("float32"));
const countersOf = async () =>
  Object.fromEntries((await readAll()).tree.branches.map(({ name, counter }) => [name, counter]));
const valuesOf = (column: Column) => (column.kind === "number" ? Array.from(column.values, Number) : null);

test("jagged branches of a collection share a counter, and one whose lists differ gets its own, in any chunk", async () => {
  const shapes = { Jet_pt: jagged, Jet_eta: jagged, Jet_odd: jagged, weights: jagged };
  const chunks = [
    { Jet_pt: jets(1, 2), Jet_eta: jets(1, 2), Jet_odd: jets(1, 2), weights: jets(4, 0) },
    { Jet_pt: jets(), Jet_eta: jets(), Jet_odd: jets(), weights: jets() },
    { Jet_pt: jets(3, 0, 5), Jet_eta: jets(3, 0, 5), Jet_odd: jets(3, 1, 5), weights: jets(0, 0, 0) },
    { Jet_pt: jets(1), Jet_eta: jets(1), Jet_odd: jets(1), weights: jets(2) },
  ];
  for (const basketEntries of [1, 2, 100]) {
    path = join(directory, `file${written++}.root`);
    await write(shapes, chunks, { basketEntries });
    assert.deepEqual(await countersOf(), {
      nJet: null,
      Jet_pt: "nJet",
      Jet_eta: "nJet",
      nJet_odd: null,
      Jet_odd: "nJet_odd",
      nweights: null,
      weights: "nweights",
    });
    const { columns } = await readAll();
    assert.deepEqual(valuesOf(columns.nJet), [1, 2, 3, 0, 5, 1]);
    assert.deepEqual(valuesOf(columns.nJet_odd), [1, 2, 3, 1, 5, 1]);
    const odd = columns.Jet_odd.kind === "list" ? Array.from(columns.Jet_odd.offsets) : [];
    assert.deepEqual(odd, [0, 1, 3, 6, 7, 12, 13]);
  }
});

test("a column of the right name and values is the counter; with other values, or no integer, it is a column", async () => {
  const nJet = (...values: number[]): Column => ({
    kind: "number",
    type: "uint32",
    values: Uint32Array.from(values),
  });
  const shapes = { Jet_pt: jagged, nJet: number("uint32") };
  await write(shapes, [{ Jet_pt: jets(1, 2), nJet: nJet(1, 2) }]);
  assert.deepEqual(await countersOf(), { nJet: null, Jet_pt: "nJet" });
  assert.deepEqual(bitsOf((await readAll()).columns.nJet), ["uint32", "0100000002000000"]);

  path = join(directory, `file${written++}.root`);
  await write(shapes, [
    { Jet_pt: jets(1, 2), nJet: nJet(1, 2) },
    { Jet_pt: jets(4), nJet: nJet(3) },
  ]);
  assert.deepEqual(await countersOf(), { nJet_pt: null, Jet_pt: "nJet_pt", nJet: null });
  const { columns } = await readAll();
  assert.deepEqual(valuesOf(columns.nJet_pt), [1, 2, 4]);
  assert.deepEqual(valuesOf(columns.nJet), [1, 2, 3]);

  path = join(directory, `file${written++}.root`);
  const values = Float32Array.of(1, 2);
  await write({ Jet_pt: jagged, nJet: number("float32") }, [
    { Jet_pt: jets(1, 2), nJet: { kind: "number", type: "float32", values } },
  ]);
  assert.deepEqual(await countersOf(), { nJet_pt: null, Jet_pt: "nJet_pt", nJet: null });
});

const data = process.env.DRIFTLINE_TEST_DATA ?? join(import.meta.dirname, "../../../../../shared/data");
for (const [name, treeName, jaggedBy] of [
  ["uproot-HZZ.root", "events", { Jet_Px: "nJet", Muon_Iso: "nMuon" }],
  [
    "nanoAOD_2015_CMS_Open_Data_ttbar.root",
    "Events",
    { Jet_pt: "nJet", Tau_eta: "nTau", LHEPdfWeight: "nLHEPdfWeight" },
  ],
] as const) {
  const source = join(data, "root", name);
  test(`a file of an experiment is copied to the bit: ${name}`, {
    skip: existsSync(source) ? false : `the reference file is absent: ${source}`,
  }, async () => {
    const from = await openRootFile(source);
    opened.push(from);
    const tree = await from.tree(treeName);
    const branches = tree.branches.flatMap(({ name: branch, shape }) =>
      shape ? [{ name: branch, shape }] : [],
    );
    const names = branches.map((branch) => branch.name);
    const copy = await createRootFile(path);
    const copied = copy.tree("Events", branches);
    for await (const { columns } of tree.chunks(names, 77)) await copied.append(columns);
    await copy.close();
    const whole = await tree.read(names);
    const read = await readAll();
    for (const branch of names) assert.deepEqual(bitsOf(read.columns[branch]), bitsOf(whole[branch]), branch);
    const counters = await countersOf();
    for (const [branch, counter] of Object.entries(jaggedBy)) assert.equal(counters[branch], counter);
    assert.ok(statSync(path).size < 1.6 * statSync(source).size);
  });
}

test("what a flat tree does not hold is refused by branch before anything is written", async () => {
  const record: Shape = { kind: "record", fields: [] };
  for (const [shape, message] of [
    [list(list(number("int8"))), /lists of lists/],
    [list({ kind: "string" }), /lists of strings/],
    [list({ kind: "string" }, 2), /arrays of strings/],
    [{ kind: "optional", content: number("int8") }, /missing values/],
    [{ kind: "union", alternatives: [] }, /variants/],
    [list(record), /records/],
    [list(list(number("int8")), 2), /arrays of lists/],
    [list(number("int8"), 0), /length 0/],
  ] as [Shape, RegExp][]) {
    const file = await createRootFile(path);
    assert.throws(() => file.tree("t", [{ name: "bad", shape }]), {
      kind: "unsupported",
      message,
      remedy: /Parquet/,
    });
    await file.abort();
    assert.deepEqual(filesLeft(), []);
  }
  const file = await createRootFile(path);
  for (const name of ["", "a/b", "a[2]", "x".repeat(20_000)])
    assert.throws(() => file.tree("t", [{ name, shape: number("int8") }]), {
      kind: "unsupported",
      message: /name/,
    });
  assert.throws(() => file.tree("a/b", []), { kind: "unsupported", message: /name of a tree/ });
  await file.abort();
});

test("columns that are not as announced end the file, which leaves nothing behind", async () => {
  const values: Column = { kind: "number", type: "int32", values: new Int32Array(3) };
  for (const [columns, message] of [
    [{ x: values }, /branch "lists": got no column/],
    [{ x: values, lists: jets(1) }, /branch "lists": got 1 entries where "x" got 3/],
    [
      { x: columnOf(number("int64"), 3, randomOf(1)), lists: jets(1, 1, 1) },
      /branch "x": holds int64 in place of int32/,
    ],
    [
      { x: values, lists: columnOf(list(number("int8")), 3, randomOf(1)) },
      /"lists": holds int8 in place of float32/,
    ],
    [
      { x: values, lists: columnOf({ kind: "string" }, 3, randomOf(1)) },
      /"lists": got a string in place of a list/,
    ],
  ] as [Columns, RegExp][]) {
    const file = await createRootFile(path);
    const tree = file.tree("t", [
      { name: "x", shape: number("int32") },
      { name: "lists", shape: jagged },
    ]);
    await assert.rejects(tree.append(columns), { kind: "invalid", message });
    assert.deepEqual(filesLeft(), []);
    await assert.rejects(file.close(), { kind: "unwritable" });
  }
});

test("a file that is there is never replaced, even one that came meanwhile; a missing directory is named", async () => {
  writeFileSync(path, "precious");
  await assert.rejects(createRootFile(path), { kind: "exists", remedy: /another path/ });
  rmSync(path);
  const file = await createRootFile(path);
  writeFileSync(path, "precious");
  await assert.rejects(file.close(), { kind: "exists" });
  assert.equal(readFileSync(path, "utf8"), "precious");
  assert.equal(filesLeft().length, 1);
  await assert.rejects(createRootFile(join(directory, "none/x.root")), {
    kind: "unwritable",
    message: /ENOENT/,
  });
});

test("a process that is killed while it writes leaves no file of the name", async () => {
  const script = `
import { createRootFile } from ${JSON.stringify(join(import.meta.dirname, "../index.ts"))};
const file = await createRootFile(process.argv[1], { compression: "none" });
const tree = file.tree("t", [{ name: "x", shape: { kind: "number", type: "float64" } }]);
for (;;) {
  await tree.append({ x: { kind: "number", type: "float64", values: new Float64Array(200000) } });
  console.log("written");
  await new Promise((resolve) => process.stdin.once("data", resolve));
}`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script, path], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  child.kill("SIGKILL");
  await once(child, "exit");
  const [left, ...more] = filesLeft();
  assert.deepEqual(more, []);
  assert.match(left, /\.root\.[0-9a-f-]{36}\.tmp$/);
  assert.ok(statSync(join(directory, left)).size > 1_000_000);
  await assert.rejects(openRootFile(join(directory, left)), { kind: "not_root" });
});

test("where the disk is full the error says so and nothing stays behind", () => {
  const script = `
import { createRootFile } from ${JSON.stringify(join(import.meta.dirname, "../index.ts"))};
const file = await createRootFile(process.argv[1], { compression: "none" });
const tree = file.tree("t", [{ name: "x", shape: { kind: "number", type: "float64" } }]);
try {
  for (let i = 0; i < 100; i++)
    await tree.append({ x: { kind: "number", type: "float64", values: new Float64Array(100000) } });
} catch (error) {
  console.log(error.kind, error.message, error.remedy);
}`;
  // A limit on the size of files fails in the same place as a full disk.
  const command = `ulimit -f 2000; exec "$0" --input-type=module -e "$1" "$2"`;
  const { stdout, stderr } = spawnSync("bash", ["-c", command, process.execPath, script, path], {
    encoding: "utf8",
  });
  assert.match(stdout, /^unwritable .*there is no room for it.*Make room/, stderr);
  assert.deepEqual(filesLeft(), []);
});
