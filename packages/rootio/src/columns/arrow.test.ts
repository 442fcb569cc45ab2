// Columns as Arrow: what an Arrow reader gets from the written stream is what the columns hold.

import assert from "node:assert/strict";
import { test } from "node:test";
import { tableFromIPC, tableToIPC } from "apache-arrow";
import { toArrow } from "./arrow.ts";
import { type Column, lengthOf } from "./column.ts";
import { itemOf } from "./entry.ts";

const numbers = (...values: number[]): Column => ({
  kind: "number",
  type: "float32",
  values: Float32Array.from(values),
});

const columns: Record<string, Column> = {
  flat: numbers(1, 2.5, -3),
  wide: { kind: "number", type: "int64", values: BigInt64Array.of(1n, -(2n ** 60n), 3n) },
  flag: { kind: "number", type: "bool", values: Uint8Array.of(1, 0, 1) },
  text: { kind: "string", offsets: Int32Array.of(0, 2, 2, 5), bytes: Uint8Array.from(Buffer.from("abcde")) },
  jagged: { kind: "list", offsets: Int32Array.of(0, 2, 2, 3), content: numbers(1, 2, 3) },
  matrix: { kind: "list", offsets: Int32Array.of(0, 2, 4, 6), content: numbers(1, 2, 3, 4, 5, 6), length: 2 },
  record: { kind: "record", length: 3, fields: new Map([["pt", numbers(7, 8, 9)]]) },
  union: {
    kind: "union",
    tags: Uint8Array.of(2, 1, 2),
    indices: Int32Array.of(0, 0, 1),
    alternatives: [
      numbers(5),
      { kind: "string", offsets: Int32Array.of(0, 1, 2), bytes: Uint8Array.from(Buffer.from("xy")) },
    ],
  },
};

const optional = (content: Column, ...offsets: number[]): Column => ({
  kind: "optional",
  offsets: Int32Array.from(offsets),
  content,
});
const { text, jagged, flag } = columns;
/** Present, missing and present, of each kind of content; and items of lists and fields that can be missing. */
const missing: Record<string, Column> = {
  number: optional(numbers(1, 2), 0, 1, 1, 2),
  flag: optional(flag, 0, 1, 1, 2),
  text: optional(text, 0, 1, 1, 2),
  jagged: optional(jagged, 0, 1, 1, 2),
  record: optional({ kind: "record", length: 2, fields: new Map([["pt", numbers(7, 8)]]) }, 0, 1, 1, 2),
  twice: optional(optional(numbers(1), 0, 0, 1), 0, 1, 1, 2),
  item: { kind: "list", offsets: Int32Array.of(0, 2, 2, 3), content: optional(numbers(1, 3), 0, 1, 1, 2) },
  field: { kind: "record", length: 3, fields: new Map([["pt", optional(text, 0, 1, 1, 2)]]) },
};

test("what is missing is null, and the schema does not depend on whether something is", () => {
  const table = tableFromIPC(tableToIPC(toArrow(missing)));
  const plain = (value: unknown): unknown => {
    if (value === null || typeof value !== "object") return value;
    return "pt" in value ? { pt: value.pt } : Array.from(value as Iterable<unknown>, plain);
  };
  for (const [name, column] of Object.entries(missing))
    for (let i = 0; i < 3; i++)
      assert.deepEqual(plain(table.getChild(name)!.get(i)), itemOf(column, i), `${name} ${i}`);
  const some = toArrow({ x: optional(numbers(1), 0, 0, 1) }).schema.fields[0];
  const all = toArrow({ x: optional(numbers(1), 0, 1) }).schema.fields[0];
  assert.deepEqual([some.nullable, all.nullable], [true, true]);
});

test("every kind of column survives a written Arrow stream", () => {
  const table = tableFromIPC(tableToIPC(toArrow(columns)));
  assert.equal(table.numRows, 3);
  const plain = (value: unknown): unknown => {
    if (value === null || typeof value !== "object") return value;
    if (Symbol.iterator in value && !("pt" in value)) return Array.from(value as Iterable<unknown>, plain);
    return { ...value };
  };
  for (const [name, column] of Object.entries(columns)) {
    const vector = table.getChild(name)!;
    for (let i = 0; i < lengthOf(column); i++)
      assert.deepEqual(plain(vector.get(i)), itemOf(column, i), `${name} ${i}`);
  }
});
