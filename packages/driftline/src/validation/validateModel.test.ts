// Whole validations of a toy detector: the truth passes, and each way of spoiling it fails the gate that is there for it.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { DriftlineError } from "@driftline/client/error";
import type { Gate } from "../family/family.ts";
import { renderReport } from "./report.ts";
import type { Generate } from "./sample.ts";
import { toyBatch, toyInputs, toyOutput, toyResponses } from "./toyDetector.ts";
import type { RunPython } from "./twoSample.ts";
import { type ModelValidation, validateModel } from "./validateModel.ts";
import { validatePoint } from "./validatePoint.ts";
import { validationJson } from "./validationJson.ts";

const trainer = join(import.meta.dirname, "../../../../trainer");
const python = process.env.DRIFTLINE_PYTHON ?? join(trainer, ".venv/bin/python");
const skip = existsSync(python) ? false : `no Python environment at ${python}`;

const runPython: RunPython = (args, options) =>
  new Promise((resolve, reject) => {
    const env = { ...process.env, PYTHONPATH: join(trainer, "src"), OMP_NUM_THREADS: "2" };
    const child = spawn(python, args, { env, stdio: ["pipe", "pipe", "inherit"], signal: options?.signal });
    let text = "";
    child.stdout.on("data", (part) => {
      text += part;
    });
    child.on("error", reject);
    child.on("close", (status) => {
      for (const line of text.split("\n").filter(Boolean)) options?.onEvent?.(JSON.parse(line));
      if (status === 0) resolve();
      else reject(new Error(`status ${status}`));
    });
  });

const gates: Gate[] = [
  { metric: "auc_all", maximum: 0.6 },
  { metric: "auc_moments", maximum: 0.6 },
  { metric: "auc_pixels", maximum: 0.58 },
  // The toy's inputs explain less of its spread than a detector's do: its floor is 0.95, not 0.45.
  { metric: "profile_chi2", maximum: 1.3 },
  { metric: "wasserstein", maximum: 0.1 },
  { metric: "neighbour_ratio", minimum: 0.9, maximum: 1.1 },
  { metric: "rank_chi2", maximum: 3 },
];
const train = toyBatch(1500, 11);
const test_ = toyBatch(800, 12);
const generator =
  (seed: number, spoil = {}): Generate =>
  async (features, rows, draw) =>
    toyResponses(features, rows, seed + draw, spoil);
const context = {
  title: "Toy <detector>",
  family: "toy.tpc",
  key: "k1-00",
  recipeHash: "aa",
  parent: null,
  conditions: [{ name: "drift_velocity", value: "5.5", unit: "cm/us" }],
  software: { simulator: "toy/1" },
  model: "truth",
  dataSource: "simulator",
  rows: 2800,
};

describe("validating a model", { skip }, () => {
  let directory: string;
  let truth: ModelValidation;
  const progress: number[] = [];
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "driftline-validation-"));
    truth = await validateModel({
      inputs: toyInputs,
      output: toyOutput,
      threshold: 1,
      gates,
      rows: 800,
      train,
      test: test_,
      generate: generator(1000),
      simulate: generator(2000),
      seed: 1,
      runPython,
      scratchDirectory: directory,
      onProgress: (fraction) => progress.push(fraction),
    });
  });
  after(() => rm(directory, { recursive: true, force: true }));

  // At these sizes the AUCs of equal samples have an error of about 0.015, χ² per term of 0.03: all gates are five or
  // more errors away, but for the Wasserstein distance (two) and the ranks (about one seed in 500): together 3 %.
  test("the truth passes every gate, near its own floor", () => {
    assert.deepEqual(
      truth.verdict.gates.filter(({ passed }) => !passed),
      [],
    );
    assert.equal(truth.verdict.passed, true);
    const { auc_all: auc, profile_chi2: chi2, neighbour_ratio: ratio } = truth.metrics;
    assert.ok(Math.abs(auc.value - 0.5) < 0.06 && Math.abs((auc.floor ?? 0) - 0.5) < 0.06);
    assert.ok(auc.interval && auc.interval[0] < auc.value && auc.value < auc.interval[1]);
    // Same inputs on both sides: the part of the spread that the inputs explain does not fluctuate.
    assert.ok(chi2.value > 0.6 && chi2.value < 1.3, `χ² ${chi2.value}`);
    assert.ok(ratio.value > 0.95 && ratio.value < 1.05);
    assert.ok(truth.metrics.auc_control.value > 0.85);
    assert.equal(truth.metrics.finite_fraction.value, 1);
  });

  test("the baseline copies, and its figures show it", () => {
    const baseline = truth.rows.find(({ name }) => name === "baseline");
    assert.ok(baseline && (baseline.figures.neighbour_ratio ?? 1) < 0.6);
    assert.equal(baseline.figures.rank_chi2, null);
    assert.equal(truth.sizes.truthFloor, "independent simulation");
  });

  test("progress rises from 0 to 1, and nothing stays behind", async () => {
    assert.equal(progress[0], 0);
    assert.equal(progress.at(-1), 1);
    assert.deepEqual(
      progress,
      [...progress].sort((a, b) => a - b),
    );
    assert.deepEqual(await readdir(directory), []);
  });

  test("the report has verdict, gates, every plot, provenance, and needs nothing else", () => {
    const page = renderReport(truth, context);
    assert.match(page, /<strong>Passed<\/strong>/);
    assert.match(page, /Toy &lt;detector&gt;/);
    for (const gate of truth.verdict.gates) assert.ok(page.includes(gate.metric), gate.metric);
    // 8 distributions, 6 moments against 5 inputs, 6 ranks, 3 examples.
    assert.equal(page.match(/<figure>/g)?.length, 8 + 30 + 6 + 3);
    assert.doesNotMatch(page, /<script|<link|<img|src=|NaN|undefined/);
    assert.match(page, /drift_velocity/);
    assert.doesNotMatch(page, /started from/);
    assert.match(renderReport(truth, { ...context, parent: "b3ef" }), /<dt>started from<\/dt><dd>b3ef<\/dd>/);
    const refused: ModelValidation = {
      ...truth,
      verdict: {
        passed: false,
        gates: truth.verdict.gates.map((gate, k) => ({ ...gate, passed: k > 0, value: 0.75 })),
      },
    };
    assert.match(renderReport(refused, context), /auc_all at nominal is 0.75, above 0.6 by 0.15/);
  });

  test("histograms hold every event once and follow the UHI schema", () => {
    const { histograms } = JSON.parse(JSON.stringify(validationJson(truth)));
    assert.equal(Object.keys(histograms).length, 2 * (8 + 30) + 6);
    for (const [name, of] of Object.entries<ReturnType<typeof validationJson>["histograms"][string]>(
      histograms,
    )) {
      assert.equal(of.uhi_schema, 1);
      assert.deepEqual(Object.keys(of).sort(), ["axes", "metadata", "storage", "uhi_schema", "writer_info"]);
      const [axis] = of.axes;
      assert.ok(axis.lower < axis.upper && axis.type === "regular" && axis.circular === false);
      const { storage } = of;
      const length = axis.bins + (axis.underflow ? 1 : 0) + (axis.overflow ? 1 : 0);
      assert.equal(storage.values.length, length, name);
      assert.equal(storage.variances.length, length, name);
      const counts = storage.type === "mean" ? storage.counts : storage.values;
      const total = counts.reduce((sum, count) => sum + count, 0);
      const draws = storage.type === "mean" && name.endsWith("generated") ? 10 : 1;
      assert.ok(Math.abs(total - 800 * draws) < 1e-6, `${name}: ${total}`);
    }
  });

  const atPoint = async (spoil: object, ...metrics: string[]) => {
    const results = await validatePoint({
      at: "spoiled",
      inputs: toyInputs,
      output: toyOutput,
      threshold: 1,
      gates: gates.filter(({ metric }) => metrics.includes(metric)),
      truth: train,
      generate: generator(3000, spoil),
      seed: 1,
      runPython,
      scratchDirectory: directory,
    });
    return Object.fromEntries(results.map(({ metric, passed }) => [metric, passed]));
  };

  test("at a point the truth passes, widths off by 10 % and another slope do not", async () => {
    const named = ["auc_moments", "wasserstein"];
    assert.deepEqual(await atPoint({}, ...named), {
      auc_moments: true,
      wasserstein: true,
      finite_fraction: true,
    });
    assert.equal((await atPoint({ width: 1.1 }, "wasserstein")).wasserstein, false);
    assert.equal((await atPoint({ width: 1.3 }, "auc_moments")).auc_moments, false);
    // The dependence on the angle is lost while the distributions stay nearly the same.
    assert.equal((await atPoint({ slope: 0 }, "profile_chi2")).profile_chi2, false);
  });

  test("a model that answers with training responses fails the memorisation gate", async () => {
    const train = toyBatch(600, 13);
    const copy: Generate = async (features, rows) => {
      const responses = new Float32Array(rows * 128);
      for (let row = 0; row < rows; row++) {
        let [best, from] = [Infinity, 0];
        for (let r = 0; r < train.rows; r++) {
          let sum = 0;
          for (let k = 0; k < 3; k++) {
            const width = toyInputs[k].high - toyInputs[k].low;
            sum += ((features[row * 4 + k] - train.features[r * 4 + k]) / width) ** 2;
          }
          if (sum > 0 && sum < best) [best, from] = [sum, r];
        }
        responses.set(train.responses.subarray(from * 128, (from + 1) * 128), row * 128);
      }
      return responses;
    };
    const { verdict, metrics } = await validateModel({
      inputs: toyInputs,
      output: toyOutput,
      threshold: 1,
      gates: gates.filter(({ metric }) => metric === "neighbour_ratio"),
      rows: 300,
      train,
      test: test_,
      generate: copy,
      seed: 1,
      runPython,
      scratchDirectory: directory,
    });
    assert.ok(metrics.neighbour_ratio.value < 0.6);
    assert.deepEqual(
      verdict.gates.filter(({ passed }) => !passed).map(({ metric }) => metric),
      ["neighbour_ratio"],
    );
  });
});

describe("what validation refuses to work on", () => {
  const options = {
    inputs: toyInputs,
    output: toyOutput,
    threshold: 1,
    gates,
    train,
    test: test_,
    generate: generator(1),
    seed: 1,
    runPython: () => assert.fail("no Python is to be started"),
    scratchDirectory: tmpdir(),
  };
  const rejects = (promise: Promise<unknown>, code: string, text: RegExp) =>
    assert.rejects(promise, (error) => {
      assert.ok(error instanceof DriftlineError);
      assert.equal(error.code, code);
      assert.match(`${error.message} ${error.remedy}`, text);
      return true;
    });

  test("a gate of an unknown metric, too few rows, output of the wrong size, an aborted signal", async () => {
    const unknown = [{ metric: "auc", maximum: 1 }];
    await rejects(validateModel({ ...options, gates: unknown }), "invalid_family", /"auc".*auc_moments/);
    await rejects(
      validateModel({ ...options, test: toyBatch(50, 1) }),
      "invalid_data",
      /50 held-out responses; at least 100/,
    );
    await rejects(
      validateModel({ ...options, generate: async () => new Float32Array(7) }),
      "invalid_bundle",
      /1500 responses of 8 × 16, the generator gave 7 values in place of 192000/,
    );
    await rejects(validateModel({ ...options, signal: AbortSignal.abort() }), "cancelled", /cancelled/);
  });
});
