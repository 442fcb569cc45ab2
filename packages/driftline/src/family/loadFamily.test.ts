// Reading families: exact numbers, and every mistake with its place, field and remedy.

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { DriftlineError } from "../errors/registry.ts";
import type { FamilyProblem } from "./familyYaml.ts";
import { loadFamilies, loadFamily } from "./loadFamily.ts";

const directory = mkdtempSync(join(tmpdir(), "driftline-families-"));
after(() => rmSync(directory, { recursive: true }));

const good = `schema: driftline-family/1
name: toy.drift
version: 3
title: Toy
description: A toy
conditions:
  velocity:
    description: Drift velocity
    unit: cm/us
    nominal: 5.50
    grid: 1e-2
    tolerance: "0.050"
    minimum: +3
    maximum: 80.0e-1
  noise: { description: Noise, unit: ADC, grid: 0.1, tolerance: 0, minimum: 0, maximum: 10 }
  gas: { description: Gas, values: [argon, "n\\u00e9on"], nominal: "n\\u00e9on" }
software:
  simulator: { description: Simulator, nominal: toy/1 }
inputs:
  - { name: angle, description: Angle, unit: deg, low: -20, high: 20 }
  - { name: length, description: Length, unit: cm, low: 0, high: 170 }
output:
  name: response
  unit: ADC
  axes:
    - { name: pad, size: 8, coordinate: angle }
    - { name: time, size: 16, coordinate: length, first: -7 }
  noise: noise
data:
  rows: 1000
  split: { train: 0.7, validation: 0.05, test: 0.25 }
  simulator: { name: toy, version: 1 }
training: { trainer: driftline, model: toy, seed: 1, threads: 1 }
validation:
  rows: 100
  gates:
    - { metric: auc_all, maximum: 0.6 }
`;

function write(folder: string, text: string): string {
  mkdirSync(join(directory, folder), { recursive: true });
  const path = join(directory, folder, "family.yaml");
  writeFileSync(path, text);
  return path;
}

/** The problems of the good family after `edits`: field and the word that stands at the place; and as a whole. */
function problemsOf(...edits: [from: string | RegExp, to: string][]): {
  short: string[];
  problems: FamilyProblem[];
} {
  let text = good;
  for (const [from, to] of edits) {
    const edited = text.replace(from, to);
    assert.notEqual(edited, text, `nothing to replace: ${from}`);
    text = edited;
  }
  const path = write("toy.drift", text);
  try {
    loadFamily(path);
  } catch (error) {
    assert.ok(error instanceof DriftlineError, `${error}`);
    assert.equal(error.code, "invalid_family");
    const problems = error.data?.problems as FamilyProblem[];
    for (const { line, column, message, remedy } of problems) {
      assert.ok(error.message.includes(`${path}:${line}:${column}: `) && message && remedy, error.message);
    }
    const wordAt = (line: number, column: number) =>
      /^[^\s,:]*/.exec(text.split("\n")[line - 1].slice(column - 1))![0];
    return {
      short: problems.map(({ line, column, field }) => `${field} @ ${wordAt(line, column)}`),
      problems,
    };
  }
  return { short: [], problems: [] };
}

test("numbers are read as they are written, never through binary floating point", () => {
  const family = loadFamily(write("toy.drift", good));
  assert.deepEqual(family.conditions[0], {
    kind: "quantity",
    name: "velocity",
    description: "Drift velocity",
    unit: "cm/us",
    nominal: "5.5",
    grid: "0.01",
    tolerance: "0.05",
    minimum: "3",
    maximum: "8",
  });
  const long = "5.00000000000000000000000000000001";
  const exact = good.replace("5.50", long).replace("1e-2", "1e-32");
  const [velocity] = loadFamily(write("toy.drift", exact)).conditions;
  assert.equal(velocity.nominal, long);
});

test("what is left out has its default, names come in the order of the file", () => {
  const family = loadFamily(write("toy.drift", good));
  assert.deepEqual(
    family.conditions.map(({ name, nominal }) => [name, nominal]),
    [
      ["velocity", "5.5"],
      ["noise", null],
      ["gas", "n\u00e9on"],
    ],
  );
  assert.equal(family.inputs[0].integer, false);
  assert.equal(family.output.axes[0].first, 0);
  assert.deepEqual([family.output.threshold, family.output.saturation], [null, null]);
  assert.deepEqual(family.data.simulator, { name: "toy", version: 1, command: null, format: null });
  assert.deepEqual([family.data.files, family.validation.domain], [null, null]);
  assert.deepEqual(family.training.hyperparameters, {});
});

test("reconstruction in a chamber needs its inputs, conditions and axes, and ranges the right way round", () => {
  const policy = `
  reconstruction:
    detector: tpc
    tracks: 1500
    pt: { low: 2, high: 0.2 }
    dip: { low: -45, high: 45 }
    resolution: { minimum: 0.95, maximum: 1.05 }
    dedx: { minimum: 0.95, maximum: 1.05 }
    hit: { minimum: 0.95, maximum: 1.05 }
    cluster: { minimum: 0.95, maximum: 0.99 }
`;
  const { problems } = problemsOf([
    "- { metric: auc_all, maximum: 0.6 }\n",
    `- { metric: auc_all, maximum: 0.6 }${policy}`,
  ]);
  const said = problems.map(({ field, message }) => `${field} ${message}`).join("\n");
  assert.match(said, /reconstruction\.pt\.low is not below high/);
  assert.match(said, /detector is tpc, which needs the inputs crossing_angle, .*, pt/);
  assert.match(said, /detector is tpc, which needs the condition magnetic_field in T/);
  assert.match(said, /counted from pad_coordinate and drift_length/);
  assert.match(said, /cluster\.maximum/);
});

test("labels are normalised, whichever way the file writes them", () => {
  const family = loadFamily(write("toy.drift", good.replace("n\\u00e9on", "ne\\u0301on")));
  const gas = family.conditions[2];
  assert.ok(gas.kind === "label");
  assert.deepEqual(gas.values, ["argon", "n\u00e9on"]);
});

test("an external simulator needs the format of its file, and the mapping of its branches", () => {
  const external = "simulator: { name: toy, version: 1, command: [./simulate, --fast], format: root }";
  const files =
    "files: { tree: t, inputs: { angle: a, length: l }, output: { pad: p, time: q, amplitude: r } }";
  const line = "simulator: { name: toy, version: 1 }";
  const from = (to: string) => problemsOf([line, to]).short;
  assert.deepEqual(from(`${external}\n  ${files}`), []);
  assert.deepEqual(from(external), ["data.simulator.command @ [./simulate"]);
  assert.deepEqual(from(`${external.replace(", format: root", "")}\n  ${files}`), [
    "data.simulator.command @ [./simulate",
  ]);
  assert.deepEqual(from("files: { tree: t, inputs: { angle: a, lenght: l }, output: { pad: p, time: q } }"), [
    "data.files.inputs @ {",
    "data.files.inputs.lenght @ lenght",
    "data.files.output @ {",
  ]);
  assert.deepEqual(from("files: null"), ["data @ rows"]);
});

test("all problems of a file come at once, each at its place", () => {
  const { short, problems } = problemsOf(
    ["version: 3", "version: 3.5"],
    ["grid: 1e-2", "gird: 1e-2"],
    ["unit: ADC, grid: 0.1, tolerance: 0,", "unit: ADX, grid: 0.1, tolerance: 0.25,"],
    ["low: -20", "low: 30"],
    ["train: 0.7", "train: 0.8"],
    ["seed: 1", "seed: -1"],
    [", maximum: 0.6", ""],
  );
  assert.deepEqual(short, [
    "version @ 3.5",
    "conditions.velocity.grid @ description",
    "conditions.velocity.gird @ gird",
    "conditions.noise.unit @ ADX",
    "conditions.noise.tolerance @ 0.25",
    "inputs[0].low @ 30",
    "output.noise @ noise",
    "data.split @ {",
    "training.seed @ -1",
    "validation.gates[0] @ {",
  ]);
  assert.match(problems[2].remedy, /Did you mean grid\?/);
});

test("each mistake is found", () => {
  const one = (from: string | RegExp, to: string) =>
    problemsOf([from, to]).short.map((line) => line.split(" ")[0]);
  assert.deepEqual(one("nominal: 5.50", "nominal: 5.505"), ["conditions.velocity.nominal"]);
  // One problem, and not two more about conditions in "another unit".
  assert.deepEqual(one("name: response\n  unit: ADC", "name: response\n  unit: { a: 1 }"), ["output.unit"]);
  assert.deepEqual(one("nominal: 5.50", "nominal: 8.01"), ["conditions.velocity.nominal"]);
  assert.deepEqual(one("nominal: 5.50", "nominal: 0x5"), ["conditions.velocity.nominal"]);
  assert.deepEqual(one("nominal: 5.50", "nominal: 5.5 cm/us"), ["conditions.velocity.nominal"]);
  assert.deepEqual(one("nominal: 5.50", "nominal: 1e200"), ["conditions.velocity.nominal"]);
  assert.deepEqual(one("nominal: 5.50", "nominal: .nan"), ["conditions.velocity.nominal"]);
  assert.deepEqual(one("minimum: +3", "minimum: 3.005"), ["conditions.velocity.minimum"]);
  assert.deepEqual(one("minimum: +3", "minimum: 9").sort(), [
    "conditions.velocity.minimum",
    "conditions.velocity.nominal",
  ]);
  assert.deepEqual(one("grid: 1e-2", "grid: 0"), ["conditions.velocity.grid"]);
  assert.deepEqual(one("grid: 1e-2", "grid: -0.01"), ["conditions.velocity.grid"]);
  assert.deepEqual(one('"0.050"', "0.055"), ["conditions.velocity.tolerance"]);
  assert.deepEqual(one('"0.050"', "-0.05"), ["conditions.velocity.tolerance"]);
  assert.deepEqual(one("unit: cm/us", "unit: cm/u"), ["conditions.velocity.unit"]);
  assert.deepEqual(one("unit: cm/us", "unit: 5"), ["conditions.velocity.unit"]);
  assert.deepEqual(one("  velocity:", "  Velocity:"), ["conditions.Velocity"]);
  assert.deepEqual(one('nominal: "n\\u00e9on"', "nominal: neon"), ["conditions.gas.nominal"]);
  assert.deepEqual(one("[argon,", '["n\\u00e9on",'), ["conditions.gas.values[1]"]);
  assert.deepEqual(one("[argon,", '["argon ",'), ["conditions.gas.values[0]"]);
  assert.deepEqual(one("toy/1", "toy"), ["software.simulator.nominal"]);
  assert.deepEqual(one("  simulator: {", "  gas: {"), ["software.gas"]);
  assert.deepEqual(one("name: length", "name: angle").sort(), [
    "inputs[1].name",
    "output.axes[1].coordinate",
  ]);
  assert.deepEqual(one("name: length", "name: velocity").sort(), [
    "inputs[1].name",
    "output.axes[1].coordinate",
  ]);
  assert.deepEqual(one("name: time", "name: pad"), ["output.axes[1].name"]);
  assert.deepEqual(one("name: time", "name: amplitude"), ["output.axes[1].name"]);
  assert.deepEqual(one("coordinate: angle", "coordinate: angel"), ["output.axes[0].coordinate"]);
  assert.deepEqual(one("  noise: noise", "  noise: gas"), ["output.noise"]);
  assert.deepEqual(one("  noise: noise", "  noise: velocity"), ["output.noise"]);
  assert.deepEqual(one("  noise: noise", "  noise: constructor"), ["output.noise"]);
  assert.deepEqual(one("train: 0.7, validation: 0.05", "train: 0, validation: 0.75"), ["data.split"]);
  assert.deepEqual(one("maximum: 0.6", "minimum: 0.7, maximum: 0.6"), ["validation.gates[0].minimum"]);
  assert.deepEqual(one("name: toy.drift", "name: toy.drifts"), ["name"]);
  assert.deepEqual(one("name: toy.drift", "name: Drift"), ["name", "name"]);
  assert.deepEqual(one("schema: driftline-family/1", "schema: driftline-family/2"), ["schema"]);
  assert.deepEqual(one("title: Toy", "title: 5"), ["title"]);
  assert.deepEqual(one("title: Toy", "title:"), ["title"]);
  assert.deepEqual(one("title: Toy\n", ""), ["title"]);
  assert.deepEqual(one("title: Toy", "__proto__: 1\ntitle: Toy"), ["__proto__"]);
  assert.deepEqual(one("threads: 1 }", "threads: 1, hyperparameters: { rate: .inf } }"), [
    "training.hyperparameters.rate",
  ]);
});

test("broken YAML, duplicate fields and hostile files are refused with their place", () => {
  const refusal = (text: string) => {
    try {
      loadFamily(write("toy.drift", text));
    } catch (error) {
      assert.ok(error instanceof DriftlineError, `${error}`);
      return error.message.split("\n").slice(1).join("\n").replaceAll(directory, "");
    }
    return "accepted";
  };
  assert.match(refusal(good.replace("title: Toy", "title: [Toy")), /:5:1: is no valid YAML: /);
  assert.match(refusal(`${good}version: 4\n`), /family.yaml:38:1: version is there twice\. Keep one/);
  assert.match(
    refusal(good.replace("unit: cm/us", "unit: cm/us\n    unit: m/s")),
    /:10:5: unit is there twice/,
  );
  assert.match(refusal(""), /:1:1: is empty/);
  assert.match(refusal("- a"), /:1:1: is a list/);
  assert.match(refusal(`${good}---\n${good}`), /is no valid YAML/);
  assert.match(refusal("[".repeat(5000)), /nested too deeply/);
  assert.match(refusal(`a: ${"x".repeat(100_001)}`), /longer than/);
  assert.match(refusal("a: &a { b: *a }"), /aliases that multiply or contain themselves/);
  const bomb = [..."bcdefgh"].map((name, i) => `${name}: &${name} [${`*${"abcdefg"[i]},`.repeat(9)}]`);
  assert.match(refusal(`a: &a [1]\n${bomb.join("\n")}\n`), /aliases that multiply/);
});

test("a value may be reused by an anchor, and is read as it is written there", () => {
  const shared = good.replace("nominal: 5.50", "nominal: &v 5.50").replace("maximum: 80.0e-1", "maximum: *v");
  const [velocity] = loadFamily(write("toy.drift", shared)).conditions;
  assert.ok(velocity.kind === "quantity");
  assert.deepEqual([velocity.nominal, velocity.maximum], ["5.5", "5.5"]);
});

test("directories are read as a whole: problems of all files, families that are there twice", () => {
  const text = good;
  write("a/toy.drift", text);
  write("a/toy.other", text.replace("toy.drift", "toy.other"));
  mkdirSync(join(directory, "a/empty"));
  assert.deepEqual([...loadFamilies([join(directory, "a")]).keys()], ["toy.drift", "toy.other"]);
  write("b/toy.drift", text);
  assert.throws(() => loadFamilies([join(directory, "a"), join(directory, "b")]), {
    code: "invalid_family",
    message: /toy\.drift is in .*a.toy\.drift.family\.yaml and in .*b.toy\.drift.family\.yaml/,
  });
  write("c/toy.drift", text.replace("version: 3", "version: three"));
  write("c/toy.other", text.replace("seed: 1", "seed: one"));
  assert.throws(
    () => loadFamilies([join(directory, "c")]),
    (error: DriftlineError) => {
      const problems = error.data?.problems as FamilyProblem[];
      assert.deepEqual(
        problems.map(({ field }) => field),
        ["version", "name", "training.seed"],
      );
      return true;
    },
  );
  for (const path of ["nowhere", "a/toy.drift/family.yaml", "\0"]) {
    assert.throws(() => loadFamilies([join(directory, path)]), {
      code: "invalid_family",
      message: `Reading families: there is no directory ${join(directory, path)}.`,
    });
  }
  assert.throws(() => loadFamily(join(directory, "nowhere/family.yaml")), {
    code: "invalid_family",
    message: /nowhere/,
  });
});
