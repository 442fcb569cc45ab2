// Chunks: what is kept of columns of any kind, values that a file does not have, columns that are defined in order.

import assert from "node:assert/strict";
import { test } from "node:test";
import { type Column, itemOf, type Shape } from "@driftline/rootio";
import { compileCut, compileDefinitions, compileExpression } from "./compile.ts";
import { keepEntries } from "./keep.ts";
import { bool, columnOf, dataOf, evaluate, integer, list, number, single, text } from "./testing/columns.ts";

const optional = (content: Column, ...present: boolean[]): Column => {
  const offsets = new Int32Array(present.length + 1);
  present.forEach((is, i) => {
    offsets[i + 1] = offsets[i] + Number(is);
  });
  return { kind: "optional", offsets, content };
};

const columns: Record<string, Column> = {
  double: columnOf([1.5, 2.5, 3.5, 4.5], number),
  // As a float64 this is a NaN whose payload a copy of numbers need not keep.
  long: columnOf([1n, -1n, 0x7ff0_0000_0000_0001n, 2n ** 62n], { kind: "number", type: "int64" }),
  short: { kind: "number", type: "int16", values: Int16Array.of(-1, 2, -3, 4) },
  flag: columnOf([true, false, true, false], bool),
  words: columnOf(["a", "", "ccc", "dé"], text),
  jagged: columnOf([[1, 2], [], [3], [4, 5, 6]], list(single)),
  // The same offsets, as the columns of a collection have them.
  beside: {
    kind: "list",
    offsets: Int32Array.of(0, 2, 2, 3, 6),
    content: columnOf(["p", "q", "r", "s", "t", "u"], text),
  },
  nested: columnOf([[[1], []], [], [[2, 3]], [[4], [5]]], list(list(integer))),
  fixed: columnOf(
    [
      [1, 2],
      [3, 4],
      [5, 6],
      [7, 8],
    ],
    list(number, 2),
  ),
  maybe: optional(columnOf([7, 8], number), true, false, false, true),
  record: { kind: "record", length: 4, fields: new Map([["pt", columnOf([1, 2, 3, 4], single)]]) },
  variant: {
    kind: "union",
    tags: Uint8Array.of(2, 0, 1, 2),
    indices: Int32Array.of(0, 0, 0, 1),
    alternatives: [columnOf([5], number), columnOf(["x", "y"], text)],
  },
};

test("entries are kept in columns of every kind", () => {
  for (const kept of [[], [0], [1, 3], [0, 2, 3], [3, 1]]) {
    const chunk = keepEntries({ start: 10, entries: 4, columns }, Int32Array.from(kept));
    assert.deepEqual([chunk.start, chunk.entries], [10, kept.length]);
    for (const [name, column] of Object.entries(columns))
      assert.deepEqual(
        kept.map((_, i) => itemOf(chunk.columns[name], i)),
        kept.map((entry) => itemOf(column, entry)),
        `${name} of ${kept}`,
      );
    assert.equal((chunk.columns.fixed as { length?: number }).length, 2);
  }
  const whole = { entries: 4, columns };
  assert.equal(keepEntries(whole, Int32Array.of(0, 1, 2, 3)), whole);
});

test("what a file does not have is NaN, false, an empty string or an empty list", () => {
  const optionalShape = (content: Shape): Shape => ({ kind: "optional", content });
  const given: Record<string, [Shape, Column]> = {
    n: [optionalShape(number), optional(columnOf([7, 8], number), true, false, true)],
    full: [optionalShape(single), optional(columnOf([7, 8, 9], single), true, true, true)],
    b: [optionalShape(bool), optional(columnOf([true], bool), false, true, false)],
    s: [optionalShape(text), optional(columnOf(["x"], text), true, false, false)],
    l: [optionalShape(list(number)), optional(columnOf([[1, 2]], list(number)), false, false, true)],
    inner: [
      list(optionalShape(number)),
      {
        kind: "list",
        offsets: Int32Array.of(0, 2, 2, 3),
        content: optional(columnOf([1, 2], number), true, false, true),
      },
    ],
    objects: [
      list({ kind: "record", fields: [{ name: "pt", shape: number }] }),
      {
        kind: "list",
        offsets: Int32Array.of(0, 2, 2, 3),
        content: { kind: "record", length: 3, fields: new Map([["pt", columnOf([4, 5, 6], number)]]) },
      },
    ],
  };
  const data = {
    entries: 3,
    scope: { columns: new Map(Object.entries(given).map(([name, [shape]]) => [name, shape])) },
    columns: Object.fromEntries(Object.entries(given).map(([name, [, column]]) => [name, column])),
  };
  const gives = (expression: string, expected: unknown[]) =>
    assert.deepEqual(evaluate(expression, data), expected, expression);
  gives("n", [7, Number.NaN, 8]);
  gives("n + 1", [8, Number.NaN, 9]);
  gives("full * 2", [14, 16, 18]);
  gives("b", [false, true, false]);
  gives('s == ""', [false, true, true]);
  gives("len(l)", [0, 0, 2]);
  gives("inner", [[1, Number.NaN], [], [2]]);
  gives("objects.pt + 0", [[4, 5], [], [6]]);
  gives("objects[0].pt", [4, Number.NaN, 6]);
});

test("columns whose offsets do not begin at 0, as of a slice", () => {
  const data = dataOf({ v: [list(number), [[1], [2, 3]]] });
  data.columns.v = {
    kind: "list",
    offsets: Int32Array.of(2, 3, 5),
    content: columnOf([8, 9, 1, 2, 3, 7], number),
  };
  assert.deepEqual(evaluate("v[v > 1]", data), [[], [2, 3]]);
  assert.deepEqual(evaluate("sum(v)", data), [1, 5]);
});

test("definitions are made in order, and cuts use them", () => {
  const data = dataOf({
    nJet: [integer, [2, 0, 1]],
    Jet_pt: [list(single), [[50, 25], [], [35]]],
    Jet_eta: [list(single), [[1, 2], [], [3]]],
    unused: [number, [1, 2, 3]],
  });
  const definitions = compileDefinitions(
    { good: "Jet_pt[Jet_pt > 30]", ht: "sum(good)", twice: "2 * ht" },
    data.scope,
  );
  assert.deepEqual(definitions.reads, ["Jet_pt"]);
  assert.deepEqual(definitions.scope.columns.get("good"), list(single));
  const chunk = definitions.apply({ start: 5, entries: 3, columns: data.columns });
  assert.deepEqual(
    [0, 1, 2].map((entry) => itemOf(chunk.columns.twice, entry)),
    [100, 0, 70],
  );
  const cut = compileCut("ht > 40 || nJet == 0", definitions.scope);
  assert.deepEqual(cut.reads, ["ht", "nJet"]);
  assert.deepEqual([...cut.select(chunk)], [0, 1]);
  const kept = keepEntries(chunk, cut.select(chunk));
  assert.deepEqual(
    [0, 1].map((entry) => itemOf(kept.columns.good, entry)),
    [[50], []],
  );
  assert.throws(
    () => compileExpression("good + Jet_eta", definitions.scope),
    /a selection of Jet and of Jet|Jet and of a selection/,
  );
  const wrong = compileExpression("good + unused + [1 for i in good]", definitions.scope);
  assert.equal(wrong.type.depth, 1);
});

test("a chunk of more entries than a block, or of none, gives the same", () => {
  const entries = 40_000;
  const lists = Array.from({ length: entries }, (_, i) => Array.from({ length: i % 4 }, (_, k) => i + k / 8));
  const data = dataOf({ v: [list(single), lists], w: [number, lists.map((_, i) => i)] });
  assert.deepEqual(
    evaluate("sum(v - w)", data),
    lists.map((items, i) => items.reduce((sum, item) => sum + (item - i), 0)),
  );
  assert.deepEqual(
    evaluate("v[v > w]", data).slice(-40),
    lists.slice(-40).map((items) => items.slice(1)),
  );
  assert.deepEqual(
    evaluate("sum(i + j for i < j in v)", data),
    lists.map(({ length }) => [0, 0, 1, 6][length]),
  );
  const none = dataOf({ v: [list(single), []], w: [number, []] });
  assert.deepEqual(compileExpression("v[v > w]", none.scope).evaluate(none), columnOf([], list(single)));
  assert.deepEqual([...compileCut("any(v > 1)", none.scope).select(none)], []);
  assert.deepEqual(evaluate("max(v[i] * v[j] for i < j in v if v[i] > 1)", none), []);
});
