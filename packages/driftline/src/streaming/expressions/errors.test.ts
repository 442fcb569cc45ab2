// What is wrong with an expression: the place in the text, the words, the remedy.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { DriftlineError } from "../../errors/registry.ts";
import { compileCut, compileDefinitions, compileExpression } from "./compile.ts";
import { bool, type Data, dataOf, evaluate, integer, list, number, text } from "./testing/columns.ts";

const data: Data = dataOf({
  MET_pt: [number, [1]],
  nJet: [integer, [2]],
  Jet_pt: [list(number), [[1, 2]]],
  Jet_eta: [list(number), [[1, 2]]],
  Jet_good: [list(bool), [[true, false]]],
  nMuon: [integer, [1]],
  Muon_pt: [list(number), [[1]]],
  other: [list(number), [[1, 2, 3]]],
  three: [list(number, 3), [[1, 2, 3]]],
  two: [list(number, 2), [[1, 2]]],
  class: [text, ["X2.2"]],
  flag: [bool, [true]],
});
const scope = {
  columns: new Map([
    ...data.scope.columns,
    ["tracks", list({ kind: "record", fields: [{ name: "pt", shape: number }] })] as const,
    ["variant", { kind: "union", alternatives: [number, text] }] as const,
  ]),
};

function errorOf(work: () => unknown): DriftlineError {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof DriftlineError, String(error));
    assert.equal(error.code, "invalid_expression");
    assert.ok(error.remedy, "an error says what to do");
    return error;
  }
  return assert.fail("there is no error");
}

/** The carets of the message stand below `marked` in the text. */
function refused(expression: string, marked: string, what: RegExp, remedy: RegExp, place?: number): void {
  const error = errorOf(() => compileExpression(expression, scope, { field: "define.x" }));
  assert.equal(error.field, "define.x");
  const start = place ?? expression.indexOf(marked);
  const pointer = `\n${expression}\n${" ".repeat(start)}${"^".repeat(marked.length)}`;
  assert.ok(error.message.endsWith(pointer), `${error.message}\nis not what was expected:${pointer}`);
  assert.match(error.message, what);
  assert.match(error.remedy!, remedy);
}

test("text that cannot be read", () => {
  refused("Jet_pt > 3O", "3O", /`3O` is not a number/, /digits/);
  refused("(MET_pt + 1", "(", /not closed/, /\)/);
  refused("sum(Jet_pt", "(", /not closed/, /\)/);
  refused("Jet_pt[0", "[", /not closed/, /\]/);
  refused("MET_pt + 1)", ")", /closes no bracket/, /leave out/);
  refused("MET_pt 5", "5", /complete before `5`/, /operator/);
  refused("MET_pt +", " ", /value was expected, the text ends/, /Write/, 8);
  refused("MET_pt > > 5", ">", /value was expected, there is `>`/, /Write/, 9);
  refused("MET_pt = 5", "=", /no meaning/, /==/);
  refused("MET_pt # 5", "#", /no meaning/, /back-quotes/);
  refused('class == "X', '"', /string is not closed/, /"/);
  refused("`MET_pt > 5", "`", /not closed/, /`/);
  refused("flag ? 1", "?", /no `:`/, /condition \? value/);
  refused("MET_pt ^ 2", "^", /power in ROOT and an exclusive or in NumPy/, /\*\*/);
  refused("MET_pt > 1 & MET_pt < 2", ">", /`&` binds more tightly than `>`/, /brackets.*&&/);
  refused("flag | MET_pt < 2", "<", /`\|` binds/, /\|\|/);
  refused("1 < MET_pt > 2", ">", /cannot be chained/, /&&/);
  refused("[1, 2]", "[", /Lists of single values/, /for i in/);
  refused("sum(Jet_pt[i] for i Jet_pt)", "Jet_pt", /`in` was expected/, /for i in list/, 20);
  refused("MET_pt + and", "and", /there is the word `and`/, /back-quotes/);
  refused("", " ", /no expression/, /column/, 0);
});

test("names that there are not, with the nearest", () => {
  refused("Jte_pt > 30", "Jte_pt", /no column `Jte_pt`/, /`Jet_pt`/);
  refused("MET_pt + sqr(2)", "sqr", /no function `sqr`/, /`sqrt`/);
  refused("Jet_pt[0].charge", "charge", /no `charge`/, /Jet|pt/);
  refused("tracks + 1", "tracks", /holds records/, /column of numbers/);
  refused("variant + 1", "variant", /several types/, /column of numbers/);
  refused("sqrt(1, 2)", "sqrt(1, 2)", /does not take 2 parameters/, /sqrt\(x\)/);
  refused("any(Jet_pt[MET_pt] > 1 for MET_pt in Jet_pt)", "MET_pt", /is a column/, /another name/, 27);
});

test("types and lists that do not fit", () => {
  refused(
    "MET_pt && flag",
    "MET_pt",
    /works with true and false; this is a number/,
    /MET_pt > 0 or MET_pt != 0/,
  );
  refused("nJet & 2", "nJet", /& works with true and false/, /bitand/);
  refused("!MET_pt > 5", "MET_pt", /! \(not\) works with true and false/, /MET_pt != 0/);
  refused('class > "A"', ">", /not ordered/, /startswith/);
  refused("class == 5", "==", /a string, `5` is a number/, /quotes/);
  refused("class + 1", "class", /works with numbers; this is a string/, /startswith/);
  refused("flag > 0", "flag", /compares numbers; this is true or false/, /condition/);
  refused("sum(MET_pt)", "MET_pt", /sum needs a list; `MET_pt` is a number for each entry/, /several values/);
  refused("MET_pt[0]", "MET_pt", /needs a list/, /several values/);
  refused("any(Jet_pt)", "Jet_pt", /any does not work with a list of numbers/, /any\(Jet_pt > 40\)/);
  refused("count(Jet_good)", "Jet_good", /ambiguous/, /sum.*len/);
  refused("Jet_pt + Muon_pt", "+", /Lists of Jet and of Muon/, /loop over both/);
  refused(
    "Jet_pt[Jet_pt > 1] + Jet_eta",
    "+",
    /selection of Jet and of Jet have different lengths/,
    /same selection/,
  );
  refused("Jet_pt[Muon_pt > 1]", "Jet_pt[Muon_pt > 1]", /Lists of Muon and of Jet/, /loop/);
  refused("three + two", "+", /Lists of 3 and of 2 items/, /\[0\]/);
  refused("any(Jet_pt[i] > 1 for i in Muon_pt)", "Jet_pt[i]", /Lists of Muon and of Jet/, /loop/);
  refused(
    "any(Jet_pt > 1 for i in Muon_pt if Jet_pt > 2)",
    "Jet_pt > 2",
    /condition of a loop is a list/,
    /any/,
  );
  refused("p4(1, 2, 3, 4)", "p4(1, 2, 3, 4)", /four-vector, not a column/, /pt\(…\)/);
  refused("mass(MET_pt)", "MET_pt", /needs a four-vector/, /p4\(pt/);
  refused("Jet_pt[flag]", "flag", /list of conditions; this is true or false/, /cut/);
});

test("what only the data tell: lists of one entry that differ in length", () => {
  const error = errorOf(() => evaluate("Jet_pt + other", data));
  assert.match(error.message, /In entry 0 the list of `Jet_pt` has 2 items, that of `other` 3/);
  assert.match(error.message, /Jet_pt \+ other\n {7}\^$/);
  const counted = errorOf(() => evaluate("any(other[i] > 1 for i in Jet_pt)", data));
  assert.match(counted.message, /In entry 0 the list of `other` has 3 items, that of `Jet_pt` 2/);
});

test("limits: length, nesting, parts, combinations", () => {
  const length = errorOf(() => compileExpression("1 + ".repeat(10_000), scope));
  assert.match(length.message, /40000 characters/);
  const nested = errorOf(() => compileExpression("(".repeat(5000), scope));
  assert.match(nested.message, /nested more than 100 levels/);
  for (const deep of [
    "-".repeat(5000),
    "1 ** ".repeat(3000),
    "flag ? 1 : ".repeat(1500),
    "not ".repeat(2000),
  ])
    assert.match(errorOf(() => compileExpression(`${deep}1`, scope)).message, /nested more than 100 levels/);
  const long = errorOf(() => compileExpression(`1${" + 1".repeat(700)}`, scope));
  assert.match(long.message, /more than 600 parts/);
  assert.deepEqual(evaluate(`1${" + 1".repeat(500)}`, data), [501]);
  const many = dataOf({ v: [list(number), [Array(400).fill(1), []]] });
  const combinations = errorOf(() => evaluate("count([1 for i < j < k in v])", many));
  assert.match(combinations.message, /Entry 0 has 10586800 combinations, more than the 4194304/);
  // The 79,800 pairs of an entry fit, those of 60 entries only in parts.
  const pairs = dataOf({ v: [list(number), Array.from({ length: 60 }, () => Array(400).fill(1))] });
  assert.deepEqual(evaluate("sum(v[i] for i < j in v)", pairs), Array(60).fill(79_800));
});

test("cuts and definitions", () => {
  assert.match(
    errorOf(() => compileCut("MET_pt", scope)).message,
    /A cut is true or false; this is a number/,
  );
  assert.match(errorOf(() => compileCut("Jet_pt > 1", scope)).message, /one value an entry/);
  const twice = errorOf(() => compileDefinitions({ MET_pt: "1" }, scope, { field: "define" }));
  assert.equal(twice.field, "define.MET_pt");
  const later = errorOf(() => compileDefinitions({ a: "b + 1", b: "1" }, scope));
  assert.equal(later.field, "a");
  assert.match(later.message, /no column `b`/);
  const lists = errorOf(() =>
    compileDefinitions({ hard: "Jet_pt[Jet_pt > 1]", wrong: "hard + Jet_eta" }, scope),
  );
  assert.match(lists.message, /different lengths/);
});

test("no text is answered by anything but a result or an error with a place", () => {
  const words = [
    "Jet_pt",
    "MET_pt",
    "flag",
    "class",
    "Jet",
    "i",
    "1",
    "0.5",
    '"X"',
    "sum",
    "any",
    "(",
    ")",
    "[",
    "]",
    "for",
    "in",
    "if",
    "<",
    "&&",
    "&",
    "not",
    "-",
    "**",
    "?",
    ":",
    ",",
    ".",
    "`",
    "'",
    "max",
    "p4",
    "mass",
    "constructor",
    "toString(1)",
    "__proto__",
    "where",
    "==",
  ];
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...words), { maxLength: 14 }), (parts) => {
      try {
        evaluate(parts.join(" "), data);
      } catch (error) {
        assert.ok(
          error instanceof DriftlineError && error.code === "invalid_expression",
          `${parts.join(" ")}: ${error}`,
        );
        const { start, end } = error.data as { start: number; end: number };
        assert.ok(start >= 0 && start <= end && end <= parts.join(" ").length + 1, parts.join(" "));
      }
    }),
    { seed: 6, numRuns: 3000 },
  );
  fc.assert(
    fc.property(fc.string({ maxLength: 30 }), (given) => {
      try {
        compileExpression(given, scope);
      } catch (error) {
        assert.ok(
          error instanceof DriftlineError && error.code === "invalid_expression",
          `${given}: ${error}`,
        );
      }
    }),
    { seed: 6, numRuns: 2000 },
  );
});
