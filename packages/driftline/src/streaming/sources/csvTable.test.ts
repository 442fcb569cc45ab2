// Text tables: real files, quotes, separators, names, types, missing values, compression, and errors that name the line.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { brotliCompressSync, constants, gzipSync, zstdCompressSync } from "node:zlib";
import { openTable } from "./open.ts";
import { invalid, scratch, sharedFile, valuesOf } from "./testdata.ts";

const { file } = scratch();
let made = 0;
const tableOf = (text: string | Uint8Array, name = "t.csv", csv = {}) =>
  openTable(file(`${made++}-${name}`, text), { csv });
const read = async (text: string | Uint8Array, name?: string, csv?: object) => {
  const table = await tableOf(text, name, csv);
  return valuesOf(table).finally(() => table.close());
};

const flares = sharedFile("flares/flaringar_original_data.csv");
const psd = sharedFile("psd/training_dataset.txt");

test("solar flares: 845 rows of 16 columns, text and numbers", { skip: flares.skip }, async () => {
  const table = await openTable(flares.path);
  assert.equal(table.columns.length, 16);
  const lines = readFileSync(flares.path, "utf8").trim().split(/\r?\n/);
  const values = await valuesOf(table, { entries: 100 });
  assert.equal(values.AR.length, 845);
  lines.slice(1).forEach((line, row) => {
    const cells = line.split(",");
    table.columns.forEach(({ name }, i) => {
      assert.equal(values[name][row], i < 2 ? cells[i] : Number(cells[i]), `${name} of row ${row}`);
    });
  });
  await table.close();
});

test("neutrons and gammas: tabs, CRLF, no names", { skip: psd.skip }, async () => {
  const table = await openTable(psd.path);
  assert.deepEqual(
    table.columns.map(({ name }) => name),
    ["c0", "c1", "c2"],
  );
  const { c0, c2 } = await valuesOf(table);
  assert.equal(c0.length, 15_465);
  assert.equal(c2.filter((label) => label === 1).length, 12_182);
  assert.equal(Math.max(...(c0 as number[])), 6048.66667);
  await table.close();
});

test("quotes, doubled quotes, line ends in quotes, blanks, a byte order mark", async () => {
  const text = '\ufeffname,note,x\r\n"a,b","say ""hi""", 1.5 \r\n"two\nlines",,-2e3\r\n';
  assert.deepEqual(await read(text), {
    name: ["a,b", "two\nlines"],
    note: ['say "hi"', ""],
    x: [1.5, -2000],
  });
});

test("separators: semicolons, tabs, runs of blanks; given where they can't be found", async () => {
  assert.deepEqual(await read("a;b\n1;2\n"), { a: [1], b: [2] });
  assert.deepEqual(await read("a\tb c\n1\tx y\n", "t.tsv"), { a: [1], "b c": ["x y"] });
  assert.deepEqual(await read("  1   2\t3 \n 4 5 6\n"), { c0: [1, 4], c1: [2, 5], c2: [3, 6] });
  assert.deepEqual(await read("a b\n1 2", "t.txt"), { a: [1], b: [2] });
  assert.deepEqual(await read("x\n1;2\n", "t.csv", { separator: "," }), { x: ["1;2"] });
  assert.deepEqual(await read("1\n2\n"), { c0: [1, 2] });
});

test("names: from the first row, from the comment above, or c0, c1, …", async () => {
  assert.deepEqual(await read("# made today\n# x y\n1 2\n# more\n\n3 4\n"), { x: [1, 3], y: [2, 4] });
  assert.deepEqual(await read(",a\n0,5\n"), { c0: [0], a: [5] });
  assert.deepEqual(await read("2015,2016\n1,2\n", "t.csv", { header: true }), { "2015": [1], "2016": [2] });
  assert.deepEqual(await read("x,y\nz,w\n", "t.csv", { header: false }), { c0: ["x", "z"], c1: ["y", "w"] });
  await invalid(tableOf("a,a\n1,2\n"), /two of its columns are named "a"/);
});

test("types: numbers, whole numbers beyond 2^53, bools, text; missing numbers are NaN", async () => {
  const text =
    "n,id,ok,s,m\n1,9007199254740993,true,x,NA\ninf,-9223372036854775808,False,,\nnan,1,TRUE,NA,3\n";
  assert.deepEqual(await read(text), {
    n: [1, Number.POSITIVE_INFINITY, Number.NaN],
    id: [9007199254740993n, -9223372036854775808n, 1n],
    ok: [true, false, true],
    s: ["x", "", "NA"],
    m: [Number.NaN, Number.NaN, 3],
  });
});

test("numbers are rounded as strtod rounds them", async () => {
  const texts = [
    "0.1",
    "1e23",
    "9007199254740993",
    "9007199254740993e-3",
    "123456789012345678",
    "2.2250738585072011e-308",
  ];
  texts.push(
    "5e-324",
    "-0",
    ".5",
    "5.",
    "+7",
    "1e400",
    "1e-400",
    "179769313486231580793e289",
    "3.0e+022",
    "1E5",
  );
  let random = 12345;
  const next = () => (random = (random * 1103515245 + 12345) & 0x7fffffff);
  for (let i = 0; i < 5000; i++) {
    const digits = Array.from({ length: 1 + (next() % 20) }, () => (next() >> 8) % 10).join("");
    texts.push(`${digits}.${next() % 100_000}e${(next() % 80) - 40}`);
  }
  const { c0 } = await read(`${texts.join("\n")}\n`);
  for (const [i, text] of texts.entries()) assert.ok(Object.is(c0[i], Number(text)), text);
});

const long = `a,b,c\n${Array.from({ length: 300_000 }, (_, i) => `${i},${i / 7},"row ${i}"`).join("\n")}`;

test("chunks, ranges and compression give the same rows of a file longer than its blocks", async () => {
  const { c } = await read(long);
  assert.equal(c.length, 300_000);
  const forms = {
    "l.csv.gz": gzipSync(long),
    "l.csv.zst": zstdCompressSync(long),
    "l.csv.br": brotliCompressSync(long, { params: { [constants.BROTLI_PARAM_QUALITY]: 2 } }),
  };
  for (const [name, bytes] of Object.entries(forms)) {
    const table = await tableOf(bytes, name);
    const range = { start: 250_001, stop: 250_010 };
    const part = await valuesOf(table, { range, entries: 4 });
    assert.deepEqual(
      part.a,
      Array.from({ length: 9 }, (_, i) => 250_001 + i),
    );
    assert.deepEqual(
      part.b,
      (part.a as number[]).map((a) => a / 7),
    );
    assert.deepEqual(
      part.c,
      (part.a as number[]).map((a) => `row ${a}`),
    );
    await table.close();
  }
  const joined = await read(Buffer.concat([gzipSync("a\n1\n"), gzipSync("2\n")]), "two.csv.gz");
  assert.deepEqual(joined, { a: [1, 2] });
  const frames = Buffer.concat([zstdCompressSync("a\n1\n"), zstdCompressSync("2\n3\n")]);
  assert.deepEqual(await read(frames, "frames.csv.zst"), { a: [1, 2, 3] });
  await invalid(
    read("a\n1\n", "plain.csv.gz"),
    /its name ends in \.gz, and its content is not compressed so/,
  );
});

test("errors name the line and the column", async () => {
  const table = await tableOf(`${long}\n300000,"x","last"\n`);
  await invalid(valuesOf(table, { names: ["b"] }), /line 300002, column "b": "x" is not a number/);
  assert.equal((await valuesOf(table, { names: ["a"] })).a.length, 300_001);
  await table.close();
  await invalid(read("a,b\n1,2\n3\n"), /line 3 has 1 cell, and the first row has 2/);
  await invalid(read('a,b\n1,"2\n'), /a quote is not closed/);
  await invalid(read('a,b\n1,"2"x\n'), /line 2: there is more after the quote/);
  await invalid(read(""), /the file is empty/);
  await invalid(read("# nothing\n"), /it has no rows/);
  await invalid(read(Buffer.from("\ufeffa,b\n", "utf16le")), /UTF-16/);
  await invalid(read(gzipSync(long).subarray(0, 100_000), "cut.csv.gz"), /gzip stream is damaged or cut off/);
});
