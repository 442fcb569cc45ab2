// The columns that the two-sample classifier sees: sets M (summaries), P (pixels) and A (all).

import type { InputFeature, OutputImage } from "../family/family.ts";
import { columnValues, type FeatureColumn } from "./features.ts";
import type { Sample } from "./sample.ts";
import { summarise, summaryCount } from "./summaries.ts";

export type ColumnSet = "moments" | "pixels" | "all";

export interface Table {
  rows: number;
  width: number;
  values: Float32Array;
}

/** Where the sets are in a row of `classifierTable`. */
export function columnSets(features: number, output: OutputImage): Record<ColumnSet, number[]> {
  const [height, width] = [output.axes[0].size, output.axes[1].size];
  const range = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i);
  const summaries = summaryCount + output.axes.length;
  return {
    moments: range(0, features + summaries),
    pixels: [...range(0, features), ...range(features + summaries, height * width)],
    all: range(0, features + summaries + height * width + height + width),
  };
}

/**
 * One row a response: the inputs F; six moments, digit count, logarithm of the maximum, mean minus coordinate in both
 * directions; log10(1 + amplitude) of every cell; log10(1 + sum) of every row and column of the image.
 */
export function classifierTable(
  sample: Sample,
  columns: FeatureColumn[],
  inputs: readonly InputFeature[],
  output: OutputImage,
): Table {
  const [height, width] = [output.axes[0].size, output.axes[1].size];
  const cells = height * width;
  const rows = sample.events * sample.draws;
  const features = columnValues(columns, sample, inputs.length);
  const summaries = summarise(sample, output);
  const rowWidth = features.length + summaryCount + 2 + cells + height + width;
  const values = new Float32Array(rows * rowWidth);
  const coordinates = output.axes.map((axis) => inputs.findIndex((input) => input.name === axis.coordinate));
  const sums = new Float64Array(height + width);
  for (let row = 0; row < rows; row++) {
    const event = row % sample.events;
    let at = row * rowWidth;
    for (const column of features) values[at++] = column[event];
    for (const summary of summaries) values[at++] = summary[row];
    for (let axis = 0; axis < 2; axis++) {
      const coordinate =
        coordinates[axis] < 0 ? 0 : sample.features[event * inputs.length + coordinates[axis]];
      // A mean in the window's cells against the coordinate's place in the window.
      const place = coordinate - Math.trunc(coordinate) - output.axes[axis].first;
      values[at++] = summaries[axis][row] - place;
    }
    sums.fill(0);
    for (let i = 0; i < cells; i++) {
      const amplitude = sample.responses[row * cells + i];
      values[at++] = Math.log10(1 + amplitude);
      sums[Math.floor(i / width)] += amplitude;
      sums[height + (i % width)] += amplitude;
    }
    for (const sum of sums) values[at++] = Math.log10(1 + sum);
  }
  return { rows, width: rowWidth, values };
}
