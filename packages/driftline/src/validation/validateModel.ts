// Low-level validation of a generator: true held-out responses against what it generates at the same inputs.

import { join } from "node:path";
import type { Verdict } from "@driftline/client/api";
import { fail } from "../errors/registry.ts";
import type { Gate, InputFeature, OutputImage } from "../family/family.ts";
import type { ResponseBatch } from "../family/responses.ts";
import { baselineSample } from "./baseline.ts";
import { breathe } from "./breathe.ts";
import { classifierDraws, classifierJob, type Pair } from "./classifiers.ts";
import { type ColumnSet, columnSets } from "./columns.ts";
import { featureColumns } from "./features.ts";
import { checkGates, judge, trustGates } from "./gates.ts";
import {
  type ComparisonRow,
  type Figures,
  gatedMetrics,
  type Metric,
  reportedMetrics,
  trustMetrics,
} from "./metrics.ts";
import { type OwnFigures, ownFigures } from "./ownFigures.ts";
import { type PlotData, plotData } from "./plotData.ts";
import { chooseRows, purposes } from "./random.ts";
import type { Reconstruction } from "./reconstruction/validateReconstruction.ts";
import { drawSample, type Generate, type Sample, selectRows, someDraws, someEvents } from "./sample.ts";
import { summaryQuantities } from "./summaries.ts";
import {
  classifierRounds,
  type RunPython,
  runTwoSampleTests,
  type TwoSampleResults,
  writeTwoSampleJob,
} from "./twoSample.ts";

/** Held-out events of the figures, unless the policy says otherwise. */
export const defaultRows = 1250;
/** Training events that the classifiers learn from; the strength of the test depends on it. */
const classifierRows = 3750;
/** Training events among which nearest neighbours are sought. */
const referenceRows = 20_000;
const [trainDraws, testDraws] = [2, 10];
/** Draw numbers at held-out inputs begin here: no noise is shared with the draws at training inputs. */
const firstTestDraw = 10;
const [aucResamplings, resamplings] = [200, 100];
const [leastTrain, leastTest] = [200, 100];

export interface ModelValidationOptions {
  inputs: InputFeature[];
  output: OutputImage;
  /** Amplitudes below count as 0 on both sides, in the output's unit. */
  threshold: number;
  gates: Gate[];
  /** Held-out rows used at most; the thresholds of the gates belong to it. */
  rows?: number;
  /** Rounds of the classifiers; thresholds of AUCs belong to the usual ones. */
  classifierRounds?: number;
  train: ResponseBatch;
  test: ResponseBatch;
  /** The model, as the serving runtime runs it. */
  generate: Generate;
  /** An independent draw of the truth at the same inputs, where there is a simulator. */
  simulate?: Generate;
  seed: number;
  runPython: RunPython;
  /** A directory of this attempt; what is written there is removed again. */
  scratchDirectory: string;
  onProgress?: (fraction: number, message: string) => void;
  signal?: AbortSignal;
}

export interface ModelValidation {
  metrics: Record<string, Metric>;
  verdict: Verdict;
  /** The model, the floors and the baseline, by the same figures. */
  rows: ComparisonRow[];
  /** χ² per term of each moment's profile against each input, and each summary's distance: [names] of both. */
  profiles: { moments: string[]; features: string[]; chi2: number[][] };
  distances: Record<string, number>;
  sizes: {
    heldOut: number;
    classifierTraining: number;
    neighbourReference: number;
    trainDraws: number;
    classifierDraws: number;
    testDraws: number;
    truthFloor: "independent simulation" | "random halves";
  };
  plots: PlotData;
  /** What reconstructed tracks say; null where the policy doesn't ask for them. */
  reconstruction: Reconstruction | null;
  /** Wall-clock seconds of the parts. */
  seconds: { generating: number; classifiers: number; total: number };
}

/**
 * Compares a model with the truth by the metrics of docs/validation.md and gives the verdict of `gates`.
 * Throws `invalid_data` for too few rows, `invalid_family` for a gate of an unknown metric, `invalid_bundle` for output
 * of the wrong size, and what `generate`, `simulate` and `runPython` throw.
 */
export async function validateModel(options: ModelValidationOptions): Promise<ModelValidation> {
  const started = performance.now();
  const { inputs, output, threshold, train, test, seed, signal } = options;
  const progress = options.onProgress ?? (() => {});
  checkGates(options.gates);
  checkRows(train.rows, leastTrain, "training");
  checkRows(test.rows, leastTest, "held-out");

  const reference = selectRows(
    train,
    chooseRows(train.rows, referenceRows, seed, purposes.trainRows),
    output,
    threshold,
  );
  const trueTrain = someEvents(reference, 0, Math.min(classifierRows, reference.events));
  const heldOut = chooseRows(test.rows, options.rows ?? defaultRows, seed, purposes.testRows);
  const trueTest = selectRows(test, heldOut, output, threshold);
  const columns = featureColumns(inputs, output, reference);
  const setting = { columns, inputs, output, seed };

  progress(0, "generating responses");
  const draw = async (generate: Generate, own: number) => {
    const atTrain = await drawSample(generate, trueTrain, 0, trainDraws + own, output, threshold);
    await breathe(signal);
    const atTest = await drawSample(generate, trueTest, firstTestDraw, testDraws + own, output, threshold);
    await breathe(signal);
    return { train: atTrain.sample, test: atTest.sample, finite: Math.min(atTrain.finite, atTest.finite) };
  };
  // One more draw of the model stands for the truth where the model is compared with itself.
  const model = await draw(options.generate, 1);
  progress(0.15, "drawing the truth again");
  const again = options.simulate ? await draw(options.simulate, 0) : null;
  const pairs: Pair[] = [
    {
      name: "model",
      description: "the model",
      train: { truth: trueTrain, generated: someDraws(model.train, 0, trainDraws) },
      test: { truth: trueTest, generated: someDraws(model.test, 0, testDraws) },
    },
    {
      name: "itself",
      description: "floor: the model against itself",
      train: {
        truth: someDraws(model.train, trainDraws, 1),
        generated: someDraws(model.train, 0, trainDraws),
      },
      test: { truth: someDraws(model.test, testDraws, 1), generated: someDraws(model.test, 0, testDraws) },
    },
    again
      ? {
          name: "truth",
          description: "floor: the simulator against itself, same inputs",
          train: { truth: trueTrain, generated: again.train },
          test: { truth: trueTest, generated: again.test },
        }
      : {
          name: "truth",
          description: "floor: random halves of the truth, other inputs",
          train: halves(trueTrain),
          test: halves(trueTest),
        },
    {
      name: "baseline",
      description: "baseline: the response of the nearest training event",
      train: {
        truth: trueTrain,
        generated: await baselineSample(trueTrain, reference, setting, true, signal),
      },
      test: { truth: trueTest, generated: await baselineSample(trueTest, reference, setting, false, signal) },
    },
  ];
  const generated = performance.now();

  progress(0.3, "training the classifiers");
  const directory = join(options.scratchDirectory, "two-sample");
  await writeTwoSampleJob(directory, {
    ...classifierJob(pairs, columns, options),
    columns: columnSets(columns.length, output),
    rounds: options.classifierRounds ?? classifierRounds,
    resamplings: aucResamplings,
    seed,
  });
  // The classifiers run in a process of their own meanwhile.
  const [classifiers, own] = await Promise.all([
    runTwoSampleTests(directory, options.runPython, {
      signal,
      onProgress: (done, of) => progress(0.3 + (0.7 * done) / of, `classifier ${done} of ${of}`),
    }),
    ownFigures(pairs, reference, setting, resamplings, signal),
  ]);
  const rows = pairs.map(
    ({ name, description }, k): ComparisonRow => ({
      name,
      description,
      figures: figuresOf(name, own[k], classifiers),
    }),
  );
  const [{ comparison }] = own;
  const metrics = metricsOf(rows, own[0], classifiers, model.finite);
  progress(1, "validated");
  const quantities = summaryQuantities(output);
  const finished = performance.now();
  return {
    metrics,
    verdict: judge([...options.gates, ...trustGates], metrics, "nominal"),
    rows,
    profiles: {
      moments: quantities.slice(0, comparison.profilePairs.length).map(({ name }) => name),
      features: columns.map(({ name }) => name),
      chi2: comparison.profilePairs,
    },
    distances: Object.fromEntries(quantities.map(({ name }, k) => [name, comparison.distances[k]])),
    sizes: {
      heldOut: trueTest.events,
      classifierTraining: trueTrain.events,
      neighbourReference: reference.events,
      trainDraws,
      classifierDraws,
      testDraws,
      truthFloor: again ? "independent simulation" : "random halves",
    },
    reconstruction: null,
    plots: plotData(pairs[0].test.truth, pairs[0].test.generated, comparison.ranks, setting),
    seconds: {
      generating: (generated - started) / 1000,
      classifiers: classifiers.seconds,
      total: (finished - started) / 1000,
    },
  };
}

function checkRows(rows: number, least: number, what: string): void {
  if (rows >= least) return;
  throw fail(
    "invalid_data",
    `Validating: there are ${rows} ${what} responses; at least ${least} are needed.`,
    {
      field: "rows",
      remedy: "Make the dataset larger, or its share for this split.",
    },
  );
}

function halves(sample: Sample): { truth: Sample; generated: Sample } {
  const middle = Math.floor(sample.events / 2);
  return { truth: someEvents(sample, 0, middle), generated: someEvents(sample, middle, sample.events) };
}

function figuresOf(
  name: ComparisonRow["name"],
  { comparison, neighbourRatio }: OwnFigures,
  classifiers: TwoSampleResults,
): Figures {
  return {
    auc_all: aucOf(classifiers, name, "all").auc,
    auc_moments: aucOf(classifiers, name, "moments").auc,
    auc_pixels: aucOf(classifiers, name, "pixels").auc,
    profile_chi2: comparison.profileChi2,
    wasserstein: comparison.wasserstein,
    neighbour_ratio: neighbourRatio,
    // A baseline that always says the same has no distribution to rank in.
    rank_chi2: name === "baseline" ? null : comparison.rankChi2,
    wasserstein_sum: comparison.wassersteinSum,
  };
}

function metricsOf(
  rows: ComparisonRow[],
  { intervals, neighbourInterval }: OwnFigures,
  classifiers: TwoSampleResults,
  finite: number,
): Record<string, Metric> {
  const intervalOf: Record<keyof Figures, [number, number] | null> = {
    auc_all: aucOf(classifiers, "model", "all").interval,
    auc_moments: aucOf(classifiers, "model", "moments").interval,
    auc_pixels: aucOf(classifiers, "model", "pixels").interval,
    profile_chi2: intervals?.profileChi2 ?? null,
    wasserstein: intervals?.wasserstein ?? null,
    neighbour_ratio: neighbourInterval,
    rank_chi2: intervals?.rankChi2 ?? null,
    wasserstein_sum: intervals?.wassersteinSum ?? null,
  };
  const [{ figures }, { figures: floors }] = rows;
  const metrics: Record<string, Metric> = {};
  for (const [name, description] of Object.entries({ ...gatedMetrics, ...reportedMetrics })) {
    const key = name as keyof Figures;
    metrics[name] = {
      value: figures[key] ?? Number.NaN,
      interval: intervalOf[key],
      floor: floors[key],
      description,
    };
  }
  const { auc, interval } = aucOf(classifiers, "control", "all");
  metrics.auc_control = { value: auc, interval, floor: null, description: trustMetrics.auc_control };
  const description = trustMetrics.finite_fraction;
  metrics.finite_fraction = { value: finite, interval: null, floor: null, description };
  return metrics;
}

function aucOf(results: TwoSampleResults, name: string, columns: ColumnSet) {
  const found = results.tests.find((test) => test.name === name && test.columns === columns);
  if (!found) throw fail("internal", `Validating: no result of the two-sample test ${name} on ${columns}.`);
  return found;
}
