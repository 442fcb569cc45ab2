// Columns for the tests of writers: entries given as plain values, with the shape that they shall have.

import { arrayTypes, type Column, itemOf, lengthOf, type Shape } from "@driftline/rootio";

export const number = (type: keyof typeof arrayTypes): Shape => ({ kind: "number", type });
export const list = (content: Shape, length?: number): Shape =>
  length === undefined ? { kind: "list", content } : { kind: "list", content, length };
export const text: Shape = { kind: "string" };
export const optional = (content: Shape): Shape => ({ kind: "optional", content });
export const record = (fields: Record<string, Shape>): Shape => ({
  kind: "record",
  fields: Object.entries(fields).map(([name, shape]) => ({ name, shape })),
});

/** The column of these entries. */
export function columnOf(shape: Shape, entries: unknown[]): Column {
  switch (shape.kind) {
    case "number": {
      const values = new arrayTypes[shape.type](entries.length);
      entries.forEach((entry, i) => {
        values[i] = (shape.type === "bool" ? Number(entry) : entry) as never;
      });
      return { kind: "number", type: shape.type, values };
    }
    case "string": {
      const parts = entries.map((entry) => Buffer.from(entry as string));
      return { kind: "string", offsets: offsetsOf(parts), bytes: new Uint8Array(Buffer.concat(parts)) };
    }
    case "list": {
      const lists = entries as unknown[][];
      const column = {
        kind: "list",
        offsets: offsetsOf(lists),
        content: columnOf(shape.content, lists.flat(1)),
      } as const;
      return shape.length === undefined ? column : { ...column, length: shape.length };
    }
    case "optional": {
      const lists = entries.map((entry) => (entry === null ? [] : [entry]));
      return { kind: "optional", offsets: offsetsOf(lists), content: columnOf(shape.content, lists.flat(1)) };
    }
    case "record": {
      const fields = shape.fields.map(({ name, shape: of }): [string, Column] => [
        name,
        columnOf(
          of,
          entries.map((entry) => (entry as Record<string, unknown>)[name]),
        ),
      ]);
      return { kind: "record", length: entries.length, fields: new Map(fields) };
    }
    case "union":
      throw new TypeError("a union");
  }
}

function offsetsOf(parts: { length: number }[]): Int32Array<ArrayBuffer> {
  const offsets = new Int32Array(parts.length + 1);
  parts.forEach((part, i) => {
    offsets[i + 1] = offsets[i] + part.length;
  });
  return offsets;
}

export function entriesOf(column: Column): unknown[] {
  return Array.from({ length: lengthOf(column) }, (_, i) => itemOf(column, i));
}

/** One column of every flat type, with the values that are easiest to lose, and of lists. */
export const sample: Record<string, { shape: Shape; entries: unknown[] }> = {
  flag: { shape: number("bool"), entries: [true, false, true, true] },
  tiny: { shape: number("int8"), entries: [-128, 127, 0, 1] },
  byte: { shape: number("uint8"), entries: [0, 255, 1, 2] },
  short: { shape: number("int16"), entries: [-32768, 32767, 0, 1] },
  ushort: { shape: number("uint16"), entries: [0, 65535, 1, 2] },
  int: { shape: number("int32"), entries: [-(2 ** 31), 2 ** 31 - 1, 0, 1] },
  uint: { shape: number("uint32"), entries: [0, 2 ** 32 - 1, 2 ** 31, 1] },
  long: { shape: number("int64"), entries: [-(2n ** 63n), 2n ** 63n - 1n, 2n ** 53n + 1n, 0n] },
  ulong: { shape: number("uint64"), entries: [0n, 2n ** 64n - 1n, 2n ** 63n, 1n] },
  float: {
    shape: number("float32"),
    entries: [Math.fround(0.1), -0, Number.POSITIVE_INFINITY, Math.fround(3e-45)],
  },
  double: { shape: number("float64"), entries: [0.1, Number.NaN, Number.NEGATIVE_INFINITY, 5e-324] },
};
export const texts = { shape: text, entries: ["", 'say "no", twice', "two\nlines", " ηπ ✓ "] };
export const lists: typeof sample = {
  Jet_pt: { shape: list(number("float32")), entries: [[1.5, 2.5], [], [Math.fround(0.3)], [4]] },
  Jet_id: { shape: list(number("int64")), entries: [[1n, -(2n ** 60n)], [], [3n], [4n]] },
  flags: { shape: list(number("bool")), entries: [[], [true, false], [], [false]] },
};
export const fixed: typeof sample = {
  vertex: {
    shape: list(number("float64"), 3),
    entries: [
      [1, 2, 3],
      [4, 5, 6],
      [7, 8, 9],
      [0, -0, 1],
    ],
  },
};
export const nested: typeof sample = {
  deep: { shape: list(list(number("int16"))), entries: [[[1], [], [2, 3]], [], [[]], [[4]]] },
  words: { shape: list(text), entries: [["a", ""], [], ["ü"], ["b"]] },
  maybe: { shape: optional(number("int32")), entries: [1, null, null, 4] },
  point: {
    shape: record({ x: number("float32"), tags: list(text) }),
    entries: [0, 1, 2, 3].map((x) => ({ x, tags: Array(x).fill("t") })),
  },
};

/** Names and shapes as `openWriter` takes them. */
export function columnsOf(table: typeof sample) {
  return Object.entries(table).map(([name, { shape }]) => ({ name, shape }));
}

/** Entries start to stop - 1 of such a table. */
export function chunkOf(table: typeof sample, start = 0, stop = 4) {
  const columns = Object.fromEntries(
    Object.entries(table).map(([name, { shape, entries }]) => [
      name,
      columnOf(shape, entries.slice(start, stop)),
    ]),
  );
  return { entries: stop - start, columns };
}
