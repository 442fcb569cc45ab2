// The inputs as validation sees them: each that varies, and the fractional part of each coordinate of the image.

import type { InputFeature, OutputImage } from "../family/family.ts";
import type { Sample } from "./sample.ts";

/** One column of the inputs: `index` into a row of features, its fractional part where `fraction` is set. */
export interface FeatureColumn {
  name: string;
  label: string;
  index: number;
  fraction: boolean;
  /** From physical units to the domain: (value - centre) / halfWidth. */
  centre: number;
  halfWidth: number;
}

/** An input that spreads over less than this share of its domain tells nothing and is left out. */
const leastSpread = 0.005;

/**
 * The columns F: inputs whose standard deviation in `sample` is at least 0.5 % of the width of their domain, then the
 * fractional parts of the image's coordinates. A response depends on the latter because its window moves in whole cells.
 */
export function featureColumns(
  inputs: readonly InputFeature[],
  output: OutputImage,
  sample: Sample,
): FeatureColumn[] {
  const columns: FeatureColumn[] = [];
  inputs.forEach((input, index) => {
    const centre = (input.low + input.high) / 2;
    const halfWidth = (input.high - input.low) / 2 || 1;
    const column = { name: input.name, label: labelOf(input), index, fraction: false, centre, halfWidth };
    const spread = standardDeviation(columnValues([column], sample, inputs.length)[0]);
    if (spread >= leastSpread * 2) columns.push(column);
  });
  for (const axis of output.axes) {
    const index = inputs.findIndex((input) => input.name === axis.coordinate);
    if (index < 0 || !columns.some((column) => column.index === index)) continue;
    columns.push({
      name: `${axis.coordinate}_fraction`,
      label: `fractional part of ${words(axis.coordinate)} (${inputs[index].unit})`,
      index,
      fraction: true,
      centre: 0,
      halfWidth: 1,
    });
  }
  return columns;
}

/** Values of each column for every event: inputs scaled to their domain (-1 to 1), fractions from 0 to 1. */
export function columnValues(columns: FeatureColumn[], sample: Sample, inputs: number): Float64Array[] {
  return columns.map(({ index, fraction, centre, halfWidth }) => {
    const values = new Float64Array(sample.events);
    for (let e = 0; e < sample.events; e++) {
      const value = sample.features[e * inputs + index];
      values[e] = fraction ? value - Math.trunc(value) : (value - centre) / halfWidth;
    }
    return values;
  });
}

export function standardDeviation(values: ArrayLike<number>): number {
  let mean = 0;
  for (let i = 0; i < values.length; i++) mean += values[i] / values.length;
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += (values[i] - mean) ** 2;
  return Math.sqrt(sum / values.length);
}

function labelOf(input: InputFeature): string {
  return input.unit === "1" ? words(input.name) : `${words(input.name)} (${input.unit})`;
}

function words(name: string): string {
  return name.replaceAll("_", " ");
}
