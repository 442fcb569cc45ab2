// Which classifiers validation trains: three sets of columns for the model, the floors and the baseline, and the control.

import type { InputFeature, OutputImage } from "../family/family.ts";
import { type ColumnSet, classifierTable, type Table } from "./columns.ts";
import type { FeatureColumn } from "./features.ts";
import type { ComparisonRow } from "./metrics.ts";
import { type Sample, someDraws } from "./sample.ts";
import { stretch } from "./stretch.ts";
import type { TwoSampleTest } from "./twoSample.ts";

/** Truth and one generator, at training inputs and at held-out inputs. */
export interface Pair {
  name: ComparisonRow["name"];
  description: string;
  train: { truth: Sample; generated: Sample };
  test: { truth: Sample; generated: Sample };
}

/** Draws of a generator that a classifier is tested on. */
export const classifierDraws = 5;
/** The control's spoiled truth: time profiles this much wider. */
const controlStretch = 1.1;

/** Samples as tables and the tests on them. The first pair is the model's: its truth is what the control stretches. */
export function classifierJob(
  pairs: Pair[],
  columns: FeatureColumn[],
  { inputs, output, threshold }: { inputs: readonly InputFeature[]; output: OutputImage; threshold: number },
): { samples: Record<string, Table>; tests: TwoSampleTest[] } {
  const samples: Record<string, Table> = {};
  const names = new Map<Sample, string>();
  const nameOf = (sample: Sample, name: string): string => {
    const known = names.get(sample);
    if (known !== undefined) return known;
    samples[name] = classifierTable(sample, columns, inputs, output);
    names.set(sample, name);
    return name;
  };
  const testsOf = (name: string, sets: ColumnSet[], train: Pair["train"], test: Pair["test"]) => {
    const generated = someDraws(test.generated, 0, Math.min(classifierDraws, test.generated.draws));
    const trainNames: [string, string] = [
      nameOf(train.truth, `${name}_train_truth`),
      nameOf(train.generated, `${name}_train_generated`),
    ];
    const testNames: [string, string] = [
      nameOf(test.truth, `${name}_test_truth`),
      nameOf(generated, `${name}_test_generated`),
    ];
    const events: [number, number] = [test.truth.events, generated.events];
    const paired = test.truth.features === generated.features;
    return sets.map((columns) => ({ name, columns, train: trainNames, test: testNames, events, paired }));
  };
  const spoil = (truth: Sample) => ({ truth, generated: stretch(truth, controlStretch, output, threshold) });
  const tests = pairs.flatMap(({ name, train, test }) =>
    testsOf(name, ["moments", "pixels", "all"], train, test),
  );
  const [{ train, test }] = pairs;
  tests.push(...testsOf("control", ["all"], spoil(train.truth), spoil(test.truth)));
  return { samples, tests };
}
