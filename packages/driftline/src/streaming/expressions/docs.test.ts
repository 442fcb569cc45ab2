// docs/expressions.md: its examples compile, its error is the one that is printed, its tables name every function.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Shape } from "@driftline/rootio";
import { parse } from "yaml";
import type { DriftlineError } from "../../errors/registry.ts";
import { compileCut, compileDefinitions, compileExpression, type Scope } from "./compile.ts";
import { functionUsages } from "./functions.ts";
import { bool, integer, list, number, text } from "./testing/columns.ts";

const page = readFileSync(join(import.meta.dirname, "../../../../../docs/expressions.md"), "utf8");
const blocks = [...page.matchAll(/```(\w*)\n(.*?)```/gs)].map(([, language, content]) => ({
  language,
  content,
}));

const names = (collection: string, fields: string[]): [string, Shape][] =>
  fields.map((field) => [
    `${collection}_${field}`,
    list(field === "charge" || field === "jetIdx" ? integer : number),
  ]);
const vector = ["pt", "eta", "phi", "mass"];
const scope: Scope = {
  columns: new Map<string, Shape>([
    ["MET_pt", number],
    ["MET_phi", number],
    ["nJet", integer],
    ["nMuon", integer],
    ["nElectron", integer],
    ...names("Jet", [...vector, "btag"]),
    ...names("Muon", [...vector, "charge", "jetIdx"]),
    ...names("Electron", [...vector, "charge"]),
    ["branch/leaf", number],
    ["odd name", number],
    ["FlareClass", text],
    ["particles", list({ kind: "record", fields: [{ name: "pt", shape: number }] })],
    ...["a", "b", "x", "y"].map((name): [string, Shape] => [name, number]),
    ["c", bool],
  ]),
};

/** Code in the first column of the tables of a section. */
function firstColumn(section: string): string[] {
  const [, rest] = page.split(`## ${section}\n`);
  assert.ok(rest, `there is no section ${section}`);
  return rest
    .split(/\n## /)[0]
    .split("\n")
    .filter((line) => line.startsWith("|") && !line.startsWith("| ---"))
    .map((line) => line.split(/(?<!\\)\|/)[1].replaceAll("\\|", "|"));
}

const code = (cell: string) =>
  [...cell.matchAll(/``\s(.+?)\s``|`([^`]+)`/g)].map(([, quoted, plain]) => quoted ?? plain);

test("examples compile", () => {
  const examples = [
    ...blocks
      .filter(({ language, content }) => language === "" && !content.includes("There is"))
      .flatMap(({ content }) => content.trim().split("\n")),
    ...firstColumn("Side by side").flatMap(code),
    ...firstColumn("Notation")
      .flatMap(code)
      .filter(
        (example) =>
          /\w/.test(example) &&
          !example.includes("not") &&
          !/^"|^'/.test(example) &&
          !/^Jet(\[0\] \+ Jet\[1\])?$/.test(example),
      ),
  ];
  assert.ok(examples.length > 25, `${examples.length} examples`);
  for (const example of examples) compileExpression(example, scope);
});

test("the long example compiles, with its cut", () => {
  const { content } = blocks.find(({ language }) => language === "yaml")!;
  const { scope: defined } = compileDefinitions(parse(content), scope);
  const [, cut] = /with the cut `(.+)`/.exec(page)!;
  compileCut(cut, defined);
});

test("the error is what is printed", () => {
  const { content } = blocks.find((block) => block.content.includes("There is"))!;
  const [, expression] = content.split("\n");
  try {
    compileExpression(expression, scope);
    assert.fail("it compiles");
  } catch (error) {
    const { message, remedy } = error as DriftlineError;
    assert.equal(`${message}\n${remedy}\n`, content);
  }
});

test("the tables name every function", () => {
  const written = firstColumn("Functions")
    .flatMap(code)
    .flatMap((cell) => cell.match(/[A-Za-z]\w*/g) ?? []);
  const missing = [...functionUsages.keys()].filter(
    (name) =>
      !written.some((word) => word.toLowerCase() === name) && !page.toLowerCase().includes(`${name}(`),
  );
  assert.deepEqual(missing, []);
});
