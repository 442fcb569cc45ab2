// The cheaper test of the measured domain: fresh truth at one point of conditions against the same model.

import { join } from "node:path";
import type { GateResult } from "@driftline/client/api";
import { fail } from "../errors/registry.ts";
import type { Gate, InputFeature, OutputImage } from "../family/family.ts";
import type { ResponseBatch } from "../family/responses.ts";
import { breathe } from "./breathe.ts";
import { type ColumnSet, classifierTable, columnSets } from "./columns.ts";
import { compare } from "./compare.ts";
import { featureColumns } from "./features.ts";
import { checkGates, judge } from "./gates.ts";
import { gatedMetrics, type Metric, trustMetrics } from "./metrics.ts";
import { chooseRows, purposes } from "./random.ts";
import { drawSample, type Generate, selectRows, someDraws } from "./sample.ts";
import {
  classifierRounds,
  type RunPython,
  runTwoSampleTests,
  type TwoSampleResults,
  writeTwoSampleJob,
} from "./twoSample.ts";

const [trainDraws, classifierDraws, testDraws, firstTestDraw] = [2, 5, 10, 10];
const [aucResamplings, resamplings] = [200, 100];
const leastRows = 100;
const aucSets = { auc_all: "all", auc_moments: "moments", auc_pixels: "pixels" } as const;
/** The neighbour ratio needs the model's own training responses, which are made elsewhere in conditions. */
const pointMetrics = Object.keys(gatedMetrics).filter((name) => name !== "neighbour_ratio");

export interface PointValidationOptions {
  /** Name of the point in the verdict, for example `drift_velocity=5.55`. */
  at: string;
  inputs: InputFeature[];
  output: OutputImage;
  /** Of this point, in the output's unit. */
  threshold: number;
  gates: Gate[];
  classifierRounds?: number;
  /** Fresh truth at the point: classifiers learn from a random half and are tested on the other. */
  truth: ResponseBatch;
  generate: Generate;
  seed: number;
  runPython: RunPython;
  /** A directory of this point. */
  scratchDirectory: string;
  signal?: AbortSignal;
}

/** The result of every gate of `gates`, and of `finite_fraction`. Throws as `validateModel` does. */
export async function validatePoint(options: PointValidationOptions): Promise<GateResult[]> {
  const { at, inputs, output, threshold, gates, generate, seed, signal } = options;
  checkGates(gates, pointMetrics);
  if (options.truth.rows < 2 * leastRows) {
    throw fail("invalid_data", `Validating at ${at}: there are ${options.truth.rows} true responses.`, {
      field: "validation.domain.rows",
      remedy: `At least ${2 * leastRows} are needed at each point.`,
    });
  }
  const asked = (name: string) => gates.some((gate) => gate.metric === name);
  const rows = chooseRows(options.truth.rows, options.truth.rows, seed, purposes.testRows);
  const [half, select] = [
    Math.floor(rows.length / 2),
    (part: Int32Array) => selectRows(options.truth, part, output, threshold),
  ];
  const truth = { train: select(rows.subarray(0, half)), test: select(rows.subarray(half)) };
  const columns = featureColumns(inputs, output, truth.train);
  const atTest = await drawSample(generate, truth.test, firstTestDraw, testDraws, output, threshold);
  await breathe(signal);
  const metrics: Record<string, Metric> = {};

  let classifying: Promise<TwoSampleResults> | null = null;
  const sets = Object.entries(aucSets).filter(([name]) => asked(name));
  if (sets.length > 0) {
    const atTrain = await drawSample(generate, truth.train, 0, trainDraws, output, threshold);
    const generated = someDraws(atTest.sample, 0, classifierDraws);
    const table = (sample: typeof generated) => classifierTable(sample, columns, inputs, output);
    const directory = join(options.scratchDirectory, "two-sample");
    await writeTwoSampleJob(directory, {
      samples: {
        train_truth: table(truth.train),
        train_generated: table(atTrain.sample),
        test_truth: table(truth.test),
        test_generated: table(generated),
      },
      columns: columnSets(columns.length, output),
      tests: sets.map(([name, set]) => ({
        name,
        columns: set as ColumnSet,
        train: ["train_truth", "train_generated"],
        test: ["test_truth", "test_generated"],
        events: [truth.test.events, truth.test.events],
        paired: true,
      })),
      rounds: options.classifierRounds ?? classifierRounds,
      resamplings: aucResamplings,
      seed,
    });
    classifying = runTwoSampleTests(directory, options.runPython, { signal });
  }
  const [results, own] = await Promise.all([
    classifying,
    compare(truth.test, atTest.sample, { columns, inputs, output, seed }, resamplings, signal),
  ]);
  for (const { name, auc, interval } of results?.tests ?? []) {
    metrics[name] = { value: auc, interval, floor: null, description: gatedMetrics[name as "auc_all"] };
  }
  const add = (name: keyof typeof gatedMetrics, value: number | null, interval?: [number, number]) => {
    if (!asked(name) || value === null) return;
    metrics[name] = { value, interval: interval ?? null, floor: null, description: gatedMetrics[name] };
  };
  add("profile_chi2", own.comparison.profileChi2, own.intervals?.profileChi2);
  add("wasserstein", own.comparison.wasserstein, own.intervals?.wasserstein);
  add("rank_chi2", own.comparison.rankChi2, own.intervals?.rankChi2);
  const finite = atTest.finite;
  metrics.finite_fraction = {
    value: finite,
    interval: null,
    floor: null,
    description: trustMetrics.finite_fraction,
  };
  return judge([...gates, { metric: "finite_fraction", minimum: 1 }], metrics, at).gates;
}
