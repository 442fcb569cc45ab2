// Every format: what goes in comes back by a reader of the format, and what cannot be written leaves nothing behind.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { openRootFile, type Shape } from "@driftline/rootio";
import { RecordBatchReader, tableFromIPC } from "apache-arrow";
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects, parquetSchema } from "hyparquet";
import { openWriter, type WriterOptions } from "./openWriter.ts";
import {
  chunkOf,
  columnsOf,
  entriesOf,
  fixed,
  list,
  lists,
  nested,
  number,
  optional,
  sample,
  text,
  texts,
} from "./testing.ts";

const python = join(import.meta.dirname, "../../../../../trainer/.venv/bin/python");
const directory = mkdtempSync(join(tmpdir(), "driftline-writers-"));
after(() => rmSync(directory, { recursive: true }));
let count = 0;
const fresh = (ending: string) => join(directory, `${count++}.${ending}`);

/** Entries 0 to 3 in chunks of three, none and one. */
async function write(path: string, table: typeof sample, options?: WriterOptions) {
  const writer = await openWriter(path, columnsOf(table), options);
  await writer.append(chunkOf(table, 0, 3));
  await writer.append(chunkOf(table, 3, 3));
  await writer.append(chunkOf(table, 3, 4));
  assert.deepEqual(await writer.close(), { bytes: statSync(path).size, entries: 4 });
}
const entriesByName = (table: typeof sample) =>
  Object.fromEntries(Object.entries(table).map(([name, { entries }]) => [name, entries]));

test("ROOT: numbers, strings, fixed arrays and lists, by name of the tree", async () => {
  const table = { ...sample, texts, ...fixed, ...lists };
  for (const compression of [undefined, "zstd"]) {
    const path = fresh("root");
    await write(path, table, { tree: "jets", ...(compression && { compression }) });
    const file = await openRootFile(path);
    const tree = await file.tree("jets");
    const read = await tree.read(Object.keys(table));
    for (const [name, { entries }] of Object.entries(table))
      assert.deepEqual(entriesOf(read[name]), entries, name);
    assert.equal(tree.branches.find(({ name }) => name === "Jet_id")?.counter, "nJet");
    await file.close();
  }
});

test("ROOT: branches within branches keep their own names, and those of two parents the path", async () => {
  const { shape, entries } = sample.int;
  const table = Object.fromEntries(
    ["muon/muon.pt", "event/id", "run/id", "plain", "m[2]"].map((name) => [name, { shape, entries }]),
  );
  const path = fresh("root");
  await write(path, table);
  const file = await openRootFile(path);
  const names = (await file.tree("Events")).branches.map(({ name }) => name);
  assert.deepEqual(names, ["muon.pt", "event.id", "run.id", "plain", "m_2_"]);
  await file.close();
});

async function readParquet(path: string) {
  const file = await asyncBufferFromFile(path);
  const compressors = {
    ZSTD: (bytes: Uint8Array) => zstdDecompressSync(bytes),
    GZIP: (bytes: Uint8Array) => gunzipSync(bytes),
  };
  const rows = await parquetReadObjects({ file, compressors });
  const plain = (value: unknown): unknown =>
    ArrayBuffer.isView(value) ? Array.from(value as never) : Array.isArray(value) ? value.map(plain) : value;
  const names = Object.keys(rows[0] ?? {});
  return {
    groups: (await parquetMetadataAsync(file)).row_groups.length,
    columns: Object.fromEntries(names.map((name) => [name, rows.map((row) => plain(row[name]))])),
  };
}

test("Parquet: everything but variants, by each codec, in row groups of so many entries", async () => {
  const table = { ...sample, texts, ...fixed, ...lists, ...nested };
  for (const compression of ["zstd", "snappy", "gzip", "none"]) {
    const path = fresh("parquet");
    await write(path, table, { compression });
    const { columns, groups } = await readParquet(path);
    assert.equal(groups, 1);
    for (const [name, entries] of Object.entries(entriesByName(table)))
      assert.deepEqual(columns[name], entries, name);
  }
  const path = fresh("parquet");
  await write(path, table, { rowGroupEntries: 2 });
  const { columns, groups } = await readParquet(path);
  assert.equal(groups, 2);
  assert.deepEqual(columns.deep, nested.deep.entries);
});

test("Parquet: row groups end where they would take too much memory", async () => {
  const path = fresh("parquet");
  const table = { x: { shape: number("float64"), entries: [] } };
  const writer = await openWriter(path, columnsOf(table), { compression: "none" });
  const values = new Float64Array(3_000_000).map((_, i) => i % 7);
  for (let i = 0; i < 4; i++)
    await writer.append({
      entries: values.length,
      columns: { x: { kind: "number", type: "float64", values } },
    });
  await writer.close();
  const metadata = await parquetMetadataAsync(await asyncBufferFromFile(path));
  assert.deepEqual(
    metadata.row_groups.map(({ num_rows }) => Number(num_rows)),
    [9e6, 3e6],
  );
});

for (const ending of ["arrow", "feather", "arrows"])
  test(`Arrow: everything, a batch for each chunk: .${ending}`, async () => {
    const table = { ...sample, texts, ...fixed, ...lists, ...nested };
    const path = fresh(ending);
    await write(path, table);
    const bytes = readFileSync(path);
    assert.equal(bytes.toString("latin1", 0, 6) === "ARROW1", ending !== "arrows");
    const read = tableFromIPC(bytes);
    assert.equal(read.batches.length, 2);
    const plain = (value: unknown): unknown => {
      if (typeof value !== "object" || value === null) return value;
      if (Symbol.iterator in value && !("toJSON" in value && !("length" in value))) {
        const items = Array.from(value as Iterable<unknown>);
        return items.map(plain);
      }
      const { tags, x } = value as { tags: Iterable<unknown>; x: unknown };
      return { x, tags: Array.from(tags) };
    };
    for (const [name, entries] of Object.entries(entriesByName(table))) {
      assert.deepEqual(Array.from(read.getChild(name)!, plain), entries, name);
    }
  });

/** By the format's description: a length, JSON, bytes. */
function readSafetensors(path: string) {
  const bytes = readFileSync(path);
  const start = 8 + Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString("utf8", 8, start));
  return Object.fromEntries(
    Object.entries(
      header as Record<string, { dtype: string; shape: number[]; data_offsets: [number, number] }>,
    ).map(([name, { dtype, shape, data_offsets }]) => {
      assert.equal((start + data_offsets[0]) % (Number(dtype.slice(1)) / 8 || 1), 0, `${name} is aligned`);
      return [name, { dtype, shape, data: bytes.subarray(start + data_offsets[0], start + data_offsets[1]) }];
    }),
  );
}

test("safetensors: a tensor a column, values and offsets of lists, over all chunks", async () => {
  const path = fresh("safetensors");
  await write(path, { ...sample, ...fixed, ...lists });
  const tensors = readSafetensors(path);
  assert.equal(Object.keys(tensors).length, 11 + 1 + 6);
  const { "Jet_id.offsets": offsets, "Jet_id.values": values, vertex, tiny, ulong, flag } = tensors;
  assert.deepEqual([offsets.dtype, offsets.shape], ["I64", [5]]);
  assert.deepEqual(
    Array.from({ length: 5 }, (_, i) => Number(offsets.data.readBigInt64LE(8 * i))),
    [0, 2, 2, 3, 4],
  );
  assert.deepEqual([values.dtype, values.shape, values.data.readBigInt64LE(8)], ["I64", [4], -(2n ** 60n)]);
  assert.deepEqual([vertex.dtype, vertex.shape, vertex.data.readDoubleLE(8 * 5)], ["F64", [4, 3], 6]);
  assert.deepEqual([tiny.dtype, tiny.shape, tiny.data.readInt8(0)], ["I8", [4], -128]);
  assert.deepEqual([ulong.dtype, ulong.data.readBigUInt64LE(8)], ["U64", 2n ** 64n - 1n]);
  assert.deepEqual([flag.dtype, flag.data.toString("hex")], ["BOOL", "01000101"]);
  assert.deepEqual(
    readdirSync(directory).filter((name) => name.endsWith(".tmp")),
    [],
    "no spool file stays behind",
  );

  if (existsSync(python)) {
    const script = `
import json, sys
from safetensors.numpy import load_file
print(json.dumps({k: [v.dtype.name, v.shape, v.tolist()] for k, v in load_file(sys.argv[1]).items() if k != "double"}))`;
    const read = JSON.parse(
      execFileSync(python, ["-c", script, path])
        .toString()
        .replace(/-?Infinity/g, "null"),
    );
    assert.deepEqual(read["Jet_pt.values"], ["float32", [4], [1.5, 2.5, Math.fround(0.3), 4]]);
    assert.deepEqual(read.ushort, ["uint16", [4], sample.ushort.entries]);
    assert.deepEqual(read.vertex, ["float64", [4, 3], fixed.vertex.entries]);
  }

  const empty = fresh("safetensors");
  await (await openWriter(empty, columnsOf(lists))).close();
  const none = readSafetensors(empty);
  assert.deepEqual([none["flags.values"].shape, none["flags.offsets"].shape], [[0], [1]]);
});

test("JSON lines: everything; NaN and infinities are null; through gzip and Zstandard too", async () => {
  const table = { ...sample, texts, ...fixed, ...lists, ...nested };
  const path = fresh("jsonl");
  await write(path, table);
  const content = readFileSync(path, "utf8");
  const lines = content.trimEnd().split("\n");
  assert.equal(lines.length, 4);
  assert.match(lines[0], /"long":-9223372036854775808,.*"float":0\.1,/);
  assert.match(lines[1], /"float":-0\.0,"double":null,/);
  assert.match(lines[2], /"float":null,"double":null,/);
  const rows = lines.map((line) => JSON.parse(line));
  for (const name of ["flag", "texts", "vertex", "flags", "deep", "words", "maybe", "point"])
    assert.deepEqual(
      rows.map((row) => row[name]),
      entriesByName(table)[name],
      name,
    );
  assert.deepEqual([rows[0].float, Math.fround(rows[3].float)], [0.1, Math.fround(3e-45)]);

  for (const [ending, decompress] of [
    ["jsonl.gz", gunzipSync],
    ["ndjson.zst", zstdDecompressSync],
  ] as const) {
    const compressed = fresh(ending);
    await write(compressed, table);
    assert.equal(decompress(readFileSync(compressed)).toString(), content);
  }
});

test("CSV: flat columns, quoted where they must be, the shortest digits that give the same number", async () => {
  const path = fresh("csv");
  const table = {
    ...sample,
    'a "name", so': texts,
    maybe: { shape: optional(text), entries: ["", null, "x", null] },
  };
  await write(path, table);
  assert.equal(
    readFileSync(path, "utf8"),
    `flag,tiny,byte,short,ushort,int,uint,long,ulong,float,double,"a ""name"", so",maybe
true,-128,0,-32768,0,-2147483648,0,-9223372036854775808,0,0.1,0.1,"",""
false,127,255,32767,65535,2147483647,4294967295,9223372036854775807,18446744073709551615,-0.0,NaN,"say ""no"", twice",
true,0,1,0,1,0,2147483648,9007199254740993,9223372036854775808,inf,-inf,"two
lines",x
true,1,2,1,2,1,1,0,1,2.802597e-45,5e-324," ηπ ✓ ",
`,
  );
});

test("float32 in text is the same number again, whatever its bits", async () => {
  const path = fresh("csv");
  const bits = Uint32Array.from({ length: 20_000 }, (_, i) => Math.imul(i + 1, 2654435761));
  const values = new Float32Array(bits.buffer);
  const writer = await openWriter(path, [{ name: "x", shape: number("float32") }]);
  await writer.append({
    entries: values.length,
    columns: { x: { kind: "number", type: "float32", values } },
  });
  await writer.close();
  const words: Record<string, number> = {
    NaN: Number.NaN,
    inf: Number.POSITIVE_INFINITY,
    "-inf": Number.NEGATIVE_INFINITY,
  };
  const read = readFileSync(path, "utf8")
    .trimEnd()
    .split("\n")
    .slice(1)
    .map((word) => Math.fround(words[word] ?? Number(word)));
  assert.deepEqual(read, Array.from(values));
});

test("what a format cannot hold is refused by column and type before anything is written", async () => {
  const union: Shape = { kind: "union", alternatives: [number("int8")] };
  for (const [ending, shape, message] of [
    [
      "root",
      list(list(number("int8"))),
      /column "bad" is list<list<int8>>, and a flat ROOT tree cannot have that/,
    ],
    ["root", list(number("int8"), 0), /int8\[0\]/],
    ["root", optional(number("int8")), /optional<int8>/],
    ["parquet", list(union), /list<union<int8>>, and Parquet cannot/],
    ["safetensors", text, /string, and a safetensors file cannot/],
    ["csv", list(number("float32")), /list<float32>, and CSV cannot have that: it holds numbers, strings/],
    ["csv", list(number("float32"), 2), /float32\[2\]/],
  ] as const) {
    const path = fresh(ending);
    await assert.rejects(openWriter(path, [{ name: "bad", shape }]), {
      code: "invalid_data",
      message,
      remedy: /take a format that holds it: .*arrow.*jsonl/,
    });
  }
  assert.deepEqual(
    readdirSync(directory).filter((name) => name.startsWith(`${count - 1}.`)),
    [],
  );
  const twice = [
    { name: "x", shape: text },
    { name: "x", shape: text },
  ];
  await assert.rejects(openWriter(fresh("csv"), twice), {
    code: "invalid_data",
    message: /"x" is there twice/,
  });
  await assert.rejects(openWriter(fresh("parquet.gz"), []), {
    message: /only text is compressed as a whole/,
  });
  await assert.rejects(openWriter(fresh("parquet"), [], { rowGroupEntries: 0 }), { message: /0 entries/ });
  await assert.rejects(openWriter(fresh("xyz"), []), { code: "invalid_data", remedy: /root, parquet/ });
  await assert.rejects(openWriter(fresh("arrow"), [], { compression: "zstd" }), {
    message: /not compressed with "zstd"/,
  });
});

test("tables without entries have their columns all the same", async () => {
  const columns = columnsOf({ ...sample, ...lists });
  const names = columns.map(({ name }) => name);
  const empty = async (ending: string) => {
    const path = fresh(ending);
    const writer = await openWriter(path, columns);
    assert.deepEqual(await writer.close(), { bytes: statSync(path).size, entries: 0 });
    return path;
  };
  for (const ending of ["arrow", "arrows"]) {
    const { schema, numRows } = tableFromIPC(readFileSync(await empty(ending)));
    assert.deepEqual([schema.fields.map(({ name }) => name), numRows], [names, 0]);
  }
  const metadata = await parquetMetadataAsync(await asyncBufferFromFile(await empty("parquet")));
  assert.deepEqual(
    parquetSchema(metadata).children.map(({ element }) => element.name),
    names,
  );
  const file = await openRootFile(await empty("root"));
  assert.equal((await file.tree("Events")).branches.length, names.length + 2);
  await file.close();
  assert.equal(readFileSync(await empty("jsonl"), "utf8"), "");
});

test("in every format: no file is replaced, a wrong chunk and an abort leave nothing, a folder that is missing is named", async () => {
  const table = { int: sample.int };
  for (const ending of ["root", "parquet", "arrow", "arrows", "safetensors", "csv", "jsonl", "csv.gz"]) {
    const folder = mkdtempSync(join(directory, "folder-"));
    const path = join(folder, `x.${ending}`);
    writeFileSync(path, "precious");
    await assert.rejects(openWriter(path, columnsOf(table)), {
      code: "invalid_data",
      message: /is there already/,
      remedy: /another path/,
    });
    rmSync(path);
    const wrong = await openWriter(path, columnsOf(table));
    await wrong.append(chunkOf(table));
    const bad = { entries: 4, columns: chunkOf({ int: sample.short }).columns };
    await assert.rejects(wrong.append(bad), {
      code: "invalid_data",
      message: /"int" got 4 of int16 in place of 4 of int32/,
    });
    assert.deepEqual(readdirSync(folder), [], ending);
    const aborted = await openWriter(path, columnsOf(table));
    await aborted.append(chunkOf(table));
    await aborted.abort();
    await assert.rejects(aborted.append(chunkOf(table)), { message: /it was closed before/ });
    const late = await openWriter(path, columnsOf(table));
    await late.append(chunkOf(table));
    writeFileSync(path, "precious");
    await assert.rejects(late.close(), { code: "invalid_data", message: /is there already/ });
    assert.deepEqual(readdirSync(folder), [`x.${ending}`]);
    assert.equal(readFileSync(path, "utf8"), "precious");
    await assert.rejects(openWriter(join(folder, "none", `x.${ending}`), columnsOf(table)), {
      code: "invalid_data",
      message: /ENOENT/,
      remedy: /directory/,
    });
  }
});

test("where there is no room the error says so and nothing stays behind, in every format", () => {
  const script = `
import { openWriter } from ${JSON.stringify(join(import.meta.dirname, "openWriter.ts"))};
for (const path of process.argv.slice(1)) {
  const writer = await openWriter(path, [{ name: "x", shape: { kind: "number", type: "float64" } }]);
  try {
    for (let i = 0; i < 12; i++) {
      const values = new Float64Array(50_000).map(() => Math.random());
      await writer.append({ entries: values.length, columns: { x: { kind: "number", type: "float64", values } } });
    }
    await writer.close();
  } catch (error) {
    console.log(error.code, error.message, error.remedy);
  }
}`;
  const folder = mkdtempSync(join(directory, "full-"));
  const endings = ["root", "parquet", "arrow", "safetensors", "csv", "jsonl.gz"];
  const command = `ulimit -f 1000; exec "$0" --input-type=module -e "$@"`;
  const paths = endings.map((ending) => join(folder, `x.${ending}`));
  const { stdout, stderr } = spawnSync("bash", ["-c", command, process.execPath, script, ...paths], {
    encoding: "utf8",
  });
  const lines = stdout.trimEnd().split("\n");
  assert.equal(lines.length, endings.length, stdout + stderr);
  for (const line of lines) assert.match(line, /no room.*Make room/);
  assert.deepEqual(readdirSync(folder), []);
});

test("an Arrow stream can be read while it is written", async () => {
  const path = fresh("arrows");
  const writer = await openWriter(path, columnsOf({ int: sample.int }));
  await writer.append(chunkOf({ int: sample.int }));
  const [temporary] = readdirSync(directory).filter((name) => name.endsWith(".tmp"));
  const reader = RecordBatchReader.from(readFileSync(join(directory, temporary)));
  assert.equal(reader.next().value.numRows, 4);
  await writer.close();
});
