// Arrow files and streams that Apache Arrow's JavaScript wrote: types, gaps, lists, dictionaries, batches; others in types.test.ts.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  Bool,
  DateDay,
  Decimal,
  Dictionary,
  Field,
  FixedSizeList,
  Float16,
  Float32,
  Float64,
  Int16,
  Int32,
  Int64,
  List,
  makeData,
  RecordBatch,
  RecordBatchFileWriter,
  RecordBatchStreamWriter,
  Schema,
  Struct,
  Table,
  TimestampMillisecond,
  Uint8,
  Utf8,
  Utf8View,
  Vector,
  vectorFromArray,
} from "apache-arrow";
import { openTable } from "./open.ts";
import { fixture, invalid, scratch, valuesOf } from "./testdata.ts";

const { file } = scratch();
const item = <T extends ConstructorParameters<typeof Field>[1]>(type: T) => new Field("item", type, true);
const rows = 10;
const numbers = Array.from({ length: rows }, (_, i) => i - 3);
const gaps = numbers.map((n, i) => (i % 4 === 1 ? null : n));
const nan = (values: (number | null)[]) => values.map((value) => value ?? Number.NaN);
const words = numbers.map((n) => (n === 2 ? null : `word ${n} ${"long ".repeat(n + 3)}`));
const lists = numbers.map((n, i) => (i === 5 ? null : Array.from({ length: i % 3 }, (_, k) => n + k)));

/** Columns with what reading them must give. */
const columns: Record<string, [Vector, unknown[]]> = {
  int16: [vectorFromArray(numbers, new Int16()), numbers],
  int64: [vectorFromArray(numbers.map(BigInt), new Int64()), numbers.map(BigInt)],
  float32: [
    vectorFromArray(
      numbers.map((n) => n / 4),
      new Float32(),
    ),
    numbers.map((n) => n / 4),
  ],
  float16: [
    vectorFromArray(
      numbers.map((n) => n / 4),
      new Float16(),
    ),
    numbers.map((n) => n / 4),
  ],
  gappy: [vectorFromArray(gaps, new Int32()), nan(gaps)],
  gappyBool: [
    vectorFromArray(
      gaps.map((n) => (n === null ? null : n > 0)),
      new Bool(),
    ),
    gaps.map((n) => (n === null ? Number.NaN : n > 0 ? 1 : 0)),
  ],
  bool: [
    vectorFromArray(
      numbers.map((n) => n > 0),
      new Bool(),
    ),
    numbers.map((n) => n > 0),
  ],
  text: [vectorFromArray(words, new Utf8()), words.map((word) => word ?? "")],
  view: [vectorFromArray(words, new Utf8View()), words.map((word) => word ?? "")],
  dictionary: [
    vectorFromArray(
      words.map((word) => word?.slice(0, 5) ?? null),
      new Dictionary(new Utf8(), new Int32()),
    ),
    words.map((word) => word?.slice(0, 5) ?? ""),
  ],
  date: [
    vectorFromArray(
      numbers.map((n) => new Date(n * 86_400_000)),
      new DateDay(),
    ),
    numbers.map((n) => n * 86_400),
  ],
  time: [
    vectorFromArray(
      numbers.map((n) => new Date(n * 250)),
      new TimestampMillisecond(),
    ),
    numbers.map((n) => n / 4),
  ],
  list: [
    vectorFromArray(lists, new List(item(new Uint8()))),
    lists.map((list) => (list ?? []).map((n) => n & 255)),
  ],
  nested: [
    vectorFromArray(
      lists.map((list) => [list ?? [], [7]]),
      new List(item(new List(item(new Float64())))),
    ),
    lists.map((list) => [list ?? [], [7]]),
  ],
  fixed: [
    vectorFromArray(
      numbers.map((n) => [n, n + 1, n + 2]),
      new FixedSizeList(3, item(new Float32())),
    ),
    numbers.map((n) => [n, n + 1, n + 2]),
  ],
};
const struct = vectorFromArray(
  numbers.map((n, i) => (i === 4 ? null : { x: n, y: `y${n}` })),
  new Struct([new Field("x", new Int32(), true), new Field("y", new Utf8(), true)]),
);

function whole(): Table {
  const vectors = Object.fromEntries(Object.entries(columns).map(([name, [vector]]) => [name, vector]));
  return new Table({ ...vectors, struct });
}

const forms = {
  "file.arrow": (table: Table) => RecordBatchFileWriter.writeAll(table).toUint8Array(true),
  "stream.arrows": (table: Table) => RecordBatchStreamWriter.writeAll(table).toUint8Array(true),
};

for (const [name, write] of Object.entries(forms))
  test(`${name}: numbers, gaps, texts, dictionaries, times, lists and structures`, async () => {
    const table = await openTable(file(name, write(whole())));
    assert.equal(table.entries, rows);
    for (const entries of [3, 100]) {
      const values = await valuesOf(table, { entries });
      for (const [column, [, expected]] of Object.entries(columns))
        assert.deepEqual(values[column], expected, column);
      assert.deepEqual(
        values["struct.x"],
        numbers.map((n, i) => (i === 4 ? Number.NaN : n)),
      );
      assert.deepEqual(
        values["struct.y"],
        numbers.map((n, i) => (i === 4 ? "" : `y${n}`)),
      );
    }
    await table.close();
  });

test("many batches are one table, whose gaps are those of any batch", async () => {
  const schema = new Schema([new Field("x", new Int32(), true), new Field("s", new Utf8(), true)]);
  const batches = Array.from({ length: 5 }, (_, b) => {
    const values = [b, b === 3 ? null : b + 0.0, b];
    const made = new Table({
      x: vectorFromArray(values, new Int32()),
      s: vectorFromArray([`${b}`, "", "z"], new Utf8()),
    });
    return new RecordBatch(schema, made.batches[0].data);
  });
  for (const writer of [RecordBatchFileWriter, RecordBatchStreamWriter]) {
    const path = file(
      `batches-${writer.name}.arrow`,
      writer.writeAll(new Table(schema, batches)).toUint8Array(true),
    );
    const table = await openTable(path);
    assert.deepEqual(table.columns[0].shape, { kind: "number", type: "float64" });
    const { x } = await valuesOf(table, { entries: 2, range: { start: 4, stop: 13 } });
    assert.deepEqual(x, [1, 1, 2, 2, 2, 3, Number.NaN, 3, 4]);
    await table.close();
  }
});

test("decimals of 128 bits", async () => {
  const data = new Uint32Array([12345, 0, 0, 0, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff]);
  const d = new Vector([makeData({ type: new Decimal(2, 20, 128), length: 2, nullCount: 0, data })]);
  const table = await openTable(file("decimal.arrow", forms["file.arrow"](new Table({ d }))));
  assert.deepEqual(await valuesOf(table), { d: [123.45, -0.01] });
  await table.close();
});

test("what is damaged or cut off is an error, and other formats are none of it", async () => {
  const bytes = forms["file.arrow"](whole());
  await invalid(
    openTable(file("cut.arrow", bytes.subarray(0, bytes.length - 40))),
    /no readable Arrow file .*cut off/,
  );
  const stream = forms["stream.arrows"](whole());
  await invalid(openTable(file("cut.arrows", stream.subarray(0, 900))), /cut off/);
  const parquet = await openTable(fixture("responses.parquet"));
  assert.equal(parquet.entries, 40);
  await parquet.close();
});
