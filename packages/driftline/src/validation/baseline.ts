// The baseline generator, which answers with the response of the nearest training event; and the space to search in.

import type { InputFeature, OutputImage } from "../family/family.ts";
import { columnValues, type FeatureColumn, standardDeviation } from "./features.ts";
import { nearestInBlocks, type Points } from "./neighbours.ts";
import type { Sample } from "./sample.ts";

interface Setting {
  columns: FeatureColumn[];
  inputs: readonly InputFeature[];
  output: OutputImage;
}

/** The inputs of every event, each over its standard deviation in `reference`. */
function standardInputs(sample: Sample, reference: Sample, { columns, inputs }: Setting): Float64Array[] {
  const scales = columnValues(columns, reference, inputs.length).map(standardDeviation);
  return columnValues(columns, sample, inputs.length).map((values, k) => values.map((x) => x / scales[k]));
}

/**
 * Points of a sample with one draw: standardised inputs over √(their number), then log10(1 + amplitude) of each cell.
 * So the inputs together weigh the same however many there are, and a copied response stays near its original.
 */
export function memorisationPoints(sample: Sample, reference: Sample, setting: Setting): Points {
  const features = standardInputs(sample, reference, setting);
  const cells = sample.responses.length / sample.events;
  const width = features.length + cells;
  const values = new Float32Array(sample.events * width);
  for (let e = 0; e < sample.events; e++) {
    let at = e * width;
    for (const column of features) values[at++] = column[e] / Math.sqrt(features.length);
    for (let i = 0; i < cells; i++) values[at++] = Math.log10(1 + sample.responses[e * cells + i]);
  }
  return { rows: sample.events, width, values };
}

/**
 * For each event of `at` the response of the event of `reference` with the nearest standardised inputs. With
 * `leaveOut`, `at` is the beginning of `reference` and no event answers for itself.
 */
export async function baselineSample(
  at: Sample,
  reference: Sample,
  setting: Setting,
  leaveOut: boolean,
  signal?: AbortSignal,
): Promise<Sample> {
  const pointsOf = (sample: Sample): Points => {
    const columns = standardInputs(sample, reference, setting);
    const values = new Float32Array(sample.events * columns.length);
    columns.forEach((column, k) => {
      for (let e = 0; e < sample.events; e++) values[e * columns.length + k] = column[e];
    });
    return { rows: sample.events, width: columns.length, values };
  };
  const exclude = leaveOut ? Int32Array.from({ length: at.events }, (_, e) => e) : undefined;
  const { rows } = await nearestInBlocks(pointsOf(at), pointsOf(reference), { exclude, signal });
  const cells = reference.responses.length / reference.events;
  const responses = new Float32Array(at.events * cells);
  rows.forEach((row, e) => {
    responses.set(reference.responses.subarray(row * cells, (row + 1) * cells), e * cells);
  });
  return { events: at.events, draws: 1, features: at.features, responses };
}
