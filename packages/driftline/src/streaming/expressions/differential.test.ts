// Generated expressions against a second implementation: NumPy and awkward in the trainer's environment.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { type Column, concat } from "@driftline/rootio";
import { compileExpression, keepEntries } from "./compile.ts";
import { dataOf } from "./testing/columns.ts";
import { randomExpression } from "./testing/generate.ts";
import { randomColumns, randomFrom } from "./testing/randomColumns.ts";

const python = join(import.meta.dirname, "../../../../../trainer/.venv/bin/python");
const reference = join(import.meta.dirname, "testing/reference.py");
const skip = existsSync(python) ? false : "trainer/.venv is absent: not compared with NumPy";

/** More by DRIFTLINE_TEST_EXPRESSIONS, other ones by DRIFTLINE_TEST_SEED. */
const expressions = Number(process.env.DRIFTLINE_TEST_EXPRESSIONS ?? 1000);
const seed = Number(process.env.DRIFTLINE_TEST_SEED ?? 6);
const entries = 40;

type Answer = { offsets: number[][]; values: string } | { error: string };

test(`${expressions} generated expressions give what NumPy and awkward give`, { skip }, () => {
  const random = randomFrom(seed);
  const columns = randomColumns(random, entries);
  const data = dataOf(
    Object.fromEntries(Object.entries(columns).map(([name, { shape, values }]) => [name, [shape, values]])),
  );
  const generated = Array.from({ length: expressions }, () => randomExpression(random, columns));
  const given = {
    columns: Object.fromEntries(
      Object.entries(columns).map(([name, { kind, values }]) => [name, [kind, values]]),
    ),
    expressions: generated.map(({ python }) => python),
  };
  // JSON has no NaN and infinities: they go as text, which Python's float() reads.
  const input = JSON.stringify(given, (_key, value) =>
    typeof value === "number" && !(Number.isFinite(value) && !Object.is(value, -0)) ? text(value) : value,
  );
  const output = execFileSync(python, [reference], {
    input,
    encoding: "utf8",
    maxBuffer: 2 ** 30,
    stdio: ["pipe", "pipe", "inherit"],
  });
  const answers = output
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Answer);
  assert.equal(answers.length, expressions);
  // The same entries in chunks of 9.
  const parts = Array.from({ length: Math.ceil(entries / 9) }, (_, i) => {
    const kept = Array.from({ length: Math.min(9, entries - 9 * i) }, (_, k) => 9 * i + k);
    return keepEntries(data, Int32Array.from(kept));
  });
  let finite = 0;
  const failures: string[] = [];
  for (const [i, { ours, python, transcendental }] of generated.entries()) {
    const fails = (what: string) => failures.push(`expression ${i}: ${what}\n  ${ours}\n  ${python}`);
    const answer = answers[i];
    if ("error" in answer) {
      fails(answer.error);
      continue;
    }
    const expected = new Float64Array(new Uint8Array(Buffer.from(answer.values, "base64")).buffer);
    const expression = compileExpression(ours, data.scope);
    const { offsets, values } = flatten(expression.evaluate(data));
    const inParts = parts.map((part) => expression.evaluate(part));
    if (!isDeepStrictEqual(flatten(concat(inParts, expression.shape)), { offsets, values }))
      fails("the result depends on how the entries are divided into chunks");
    if (!isDeepStrictEqual(offsets, answer.offsets) || values.length !== expected.length) {
      fails("the lists have other lengths");
      continue;
    }
    const different = values.findIndex((value, k) => !equal(value, expected[k], transcendental));
    if (different >= 0)
      fails(`value ${different} is ${text(values[different])}, not ${text(expected[different])}`);
    finite += values.filter(Number.isFinite).length;
  }
  assert.ok(failures.length === 0, `${failures.length} differ\n${failures.slice(0, 5).join("\n")}`);
  assert.ok(finite > 20 * expressions, `only ${finite} finite values were compared`);
});

function equal(a: number, b: number, transcendental: boolean): boolean {
  return Object.is(a, b) || (transcendental && (a === b || Math.abs(a - b) <= 1e-12 * Math.abs(b)));
}

const text = (value: number) => (Object.is(value, -0) ? "-0.0" : String(value));

function flatten(column: Column): { offsets: number[][]; values: number[] } {
  if (column.kind === "number") return { offsets: [], values: Array.from(column.values, Number) };
  if (column.kind !== "list") return assert.fail(column.kind);
  const { offsets, values } = flatten(column.content);
  return { offsets: [[...column.offsets], ...offsets], values };
}
