// JSON records: lines and arrays, lists, nested objects, missing values, what Python writes, errors that name the record.

import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { openTable } from "./open.ts";
import { invalid, scratch, valuesOf } from "./testdata.ts";

const { file } = scratch();
let made = 0;
const tableOf = (text: string | Uint8Array, name = "t.jsonl") => openTable(file(`${made++}-${name}`, text));
const read = async (text: string | Uint8Array, name?: string) => {
  const table = await tableOf(text, name);
  return valuesOf(table).finally(() => table.close());
};

test("numbers, bools, texts, lists to any depth; what is missing is NaN, an empty text or an empty list", async () => {
  const lines = [
    '{"n":1.5,"b":true,"s":"é\\n","l":[1,null,3],"ll":[[1],[],[2,3]],"sometimes":true,"o":{"x":1,"y":{"z":[true]}}}',
    "",
    '{"n":-2e300,"b":false,"s":null,"l":[],"ll":[],"o":{"x":null}}',
    '{"b":true,"l":null,"sometimes":false}',
  ];
  assert.deepEqual(await read(`\ufeff${lines.join("\r\n")}\n`), {
    n: [1.5, -2e300, Number.NaN],
    b: [true, false, true],
    s: ["é\n", "", ""],
    l: [[1, Number.NaN, 3], [], []],
    ll: [[[1], [], [2, 3]], [], []],
    sometimes: [1, Number.NaN, 0],
    "o.x": [1, Number.NaN, Number.NaN],
    "o.y.z": [[true], [], []],
  });
});

test("an array of records, on lines or not, is read as lines are", async () => {
  const records = Array.from({ length: 50_000 }, (_, i) => ({ i, text: `a,]}"\\${i}`, list: [i, i + 1] }));
  const expected = { i: records.map(({ i }) => i), list: records.map(({ list }) => list) };
  const forms = {
    "a.json": JSON.stringify(records),
    "b.json": `\n${JSON.stringify(records, null, 1)}\n`,
    "c.jsonl": records.map((record) => JSON.stringify(record)).join("\n"),
    "d.ndjson.gz": gzipSync(records.map((record) => JSON.stringify(record)).join("\n")),
  };
  for (const [name, text] of Object.entries(forms)) {
    const table = await tableOf(text, name);
    assert.deepEqual(await valuesOf(table, { names: ["i", "list"], entries: 12_345 }), expected, name);
    const range = { start: 49_990, stop: 49_995 };
    const part = await valuesOf(table, { names: ["text"], entries: 2, range });
    assert.deepEqual(
      part.text,
      records.slice(49_990, 49_995).map(({ text }) => text),
    );
    await table.close();
  }
});

test("NaN and Infinity, as Python writes them, and names that objects have anyway", async () => {
  const text = '{"x":NaN,"s":"NaN"}\n{"x":-Infinity,"s":"Infinity"}\n{"x":Infinity,"s":"a \\" NaN"}\n';
  assert.deepEqual(await read(text), {
    x: [Number.NaN, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY],
    s: ["NaN", "Infinity", 'a " NaN'],
  });
  const values = await read('{"__proto__":1,"toString":2}\n{"constructor":3}\n');
  assert.deepEqual(Object.entries(values), [
    ["__proto__", [1, Number.NaN]],
    ["toString", [2, Number.NaN]],
    ["constructor", [Number.NaN, 3]],
  ]);
});

test("what can't be a column has a problem, and the rest is read", async () => {
  const table = await tableOf('{"a":1,"o":[{"x":1}],"m":1}\n{"a":2,"o":[],"m":"x"}\n');
  const problems = Object.fromEntries(table.columns.map(({ name, problem }) => [name, problem]));
  assert.deepEqual(problems, { a: null, o: "holds objects within lists", m: "holds both numbers and texts" });
  assert.deepEqual(await valuesOf(table), { a: [1, 2] });
  assert.throws(() => table.chunks(["m"], 1), /column "m" holds both numbers and texts/);
  await table.close();
});

test("errors name the record and the column", async () => {
  const many = Array.from({ length: 100_000 }, (_, i) => `{"x":${i},"list":[${i}]}`).join("\n");
  await invalid(read(`${many}\n{"x":"1","list":[]}`), /record 100001, column "x": "1" is no number/);
  await invalid(
    read(`${many}\n{"x":1,"list":["a"]}`),
    /record 100001, column "list": \["a"\] is no list<number>/,
  );
  await invalid(read(`${many}\n{"x":1,`), /record 100001 is no JSON/);
  await invalid(read('{"x":1}\n[2]\n'), /record 2 is a list, not an object/);
  await invalid(read('[{"x":1},{"x":2}', "t.json"), /the array has no end/);
  await invalid(read('[{"x":1},,{"x":2}]', "t.json"), /item 2 of the array is empty/);
  await invalid(read('[{"x":1}] x', "t.json"), /more after the array's end/);
  await invalid(read("\n\n"), /it has no records/);
});
