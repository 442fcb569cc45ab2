// Tables of runs as people write them: units in headers and cells, JSON, and every problem by its line.

import assert from "node:assert/strict";
import { test } from "node:test";
import { DriftlineError } from "../../errors/registry.ts";
import { makeFamily } from "../../family/testing.ts";
import { testFamily } from "../testing.ts";
import { parseCsv } from "./csv.ts";
import { readRuns } from "./readRuns.ts";

const other = makeFamily({
  name: "test.ecal",
  conditions: [{ kind: "label", name: "crystal", description: "", values: ["PbWO4"], nominal: null }],
});
const read = (text: string) => readRuns("runs", new TextEncoder().encode(text), [testFamily, other]);

test("records of RFC 4180: quotes, doubled quotes, line ends in quotes, CRLF, blank lines", () => {
  assert.deepEqual(parseCsv('a,"b ""c"", d"\r\n\r\n"two\nlines",x\n  \nlast,'), [
    { line: 1, cells: ["a", 'b "c", d'] },
    { line: 3, cells: ["two\nlines", "x"] },
    { line: 6, cells: ["last", ""] },
  ]);
  assert.equal(parseCsv('a,"b'), null);
  assert.deepEqual(parseCsv(""), []);
});

test("a unit in the header completes bare numbers, a cell with its own is left as it is, an empty one is not stated", () => {
  const rows = read(
    "tag,First Run,last_run,drift_velocity [mm/us],gas,crystal,software.simulator\n" +
      "mc,1,9,55,P10,PbWO4,other/2\nmc,10,10,5.6 cm/us,,,\n",
  );
  assert.deepEqual(rows, [
    {
      tag: "mc",
      line: 2,
      firstRun: 1,
      lastRun: 9,
      conditions: { drift_velocity: "55 mm/us", gas: "P10", crystal: "PbWO4" },
      software: { simulator: "other/2" },
    },
    {
      tag: "mc",
      line: 3,
      firstRun: 10,
      lastRun: 10,
      conditions: { drift_velocity: "5.6 cm/us" },
      software: {},
    },
  ]);
});

test("JSON: a list of rows, or ranges under one tag, each with the line on which it begins", () => {
  const range = '{"firstRun": 1, "lastRun": 2,\n "conditions": {"drift_velocity": 5.6, "gas": "}]\\" {"}}';
  const wanted = {
    firstRun: 1,
    lastRun: 2,
    conditions: { drift_velocity: "5.6", gas: '}]" {' },
    software: {},
  };
  assert.deepEqual(read(`{"tag": "mc", "ranges": [\n${range},\n${range}]}`), [
    { tag: "mc", ...wanted, line: 2 },
    { tag: "mc", ...wanted, line: 4 },
  ]);
  assert.deepEqual(read(`[\n\n${range.replace("{", '{"tag": "a",')}]`), [{ tag: "a", ...wanted, line: 3 }]);
});

test("all that is wrong is named by its line, and nothing is taken", () => {
  const problems = (text: string): [number, string][] => {
    try {
      read(text);
    } catch (error) {
      assert.ok(error instanceof DriftlineError && error.code === "invalid_data", String(error));
      return (error.data!.problems as { line: number; message: string }[]).map(({ line, message }) => [
        line,
        message,
      ]);
    }
    return assert.fail("it was taken");
  };
  const found = problems(
    "tag,first_run,last_run,drift_velocity,no_such,software.nothing\n" +
      "mc,1,2,5.5,,\nmc,9,3,5.5,,\n,1,2,5.5,,\nmc,-1,x,5.5,,\nmc,1,2,5.5 K,,\nmc,1,2,9999,,\nmc,1,2,,1,\nmc,1,2,,,a/b\nmc,1\n",
  );
  assert.deepEqual(
    found.map(([line]) => line),
    [3, 4, 5, 5, 6, 7, 8, 9, 10],
  );
  for (const [i, words] of [
    "the last run, 3, is before the first, 9",
    '"" is no tag',
    "first_run is not a run number",
    "last_run is not a run number",
    "5.5 K",
    "9999",
    'no family here has a condition "no_such"',
    'no family here has software "nothing"',
    "it has 2 cells, the header 6",
  ].entries()) {
    assert.ok(found[i][1].includes(words), `${found[i][1]} does not say ${words}`);
  }
  assert.match(problems("tag,first_run\n")[0][1], /must have the column last_run once/);
  assert.match(problems("tag,first_run,last_run\n")[0][1], /there are no runs in it/);
  assert.match(problems('tag,first_run,last_run\n"')[0][1], /a quote is not closed/);
  assert.match(problems("[{]")[0][1], /it is not JSON/);
  assert.match(problems('[{"tag":"a","firstRun":1}]')[0][1], /lastRun/);
  assert.match(problems('{"ranges":[],"other":1}')[0][1], /other/);
  assert.throws(() => readRuns("runs", Uint8Array.of(0xff), [testFamily]), { code: "invalid_data" });
});
