// Figures of hits: of those on tracks, and of held-out responses where no tracks can be made.

import { tpcInputs } from "../../family/tpcInputs.ts";
import { breathe } from "../breathe.ts";
import { hitBinsOf } from "./bins.ts";
import { chamber } from "./chamber.ts";
import { figuresOf, type Quantity, type ReconstructionFigure, type Samples } from "./figures.ts";
import { draws, type ReconstructionOptions } from "./options.ts";
import { planeOf } from "./planes.ts";
import {
  cellCount,
  emptySample,
  type HitQuantity,
  hitQuantities,
  type ReconstructedSample,
  recordHit,
  responsesOf,
} from "./sampleTracks.ts";
import type { Crossing } from "./tracks.ts";

/** Hits are many, and their errors small: to know these to 10 % is enough. */
const resamplings = 50;

/** The figures of hits in their bins. */
export function hitFigures(
  hits: Pick<Crossing, "row" | "drift" | "crossing">[],
  trackOf: Int32Array,
  trackCount: number,
  samples: Samples,
  { seed, signal, covered }: ReconstructionOptions,
  onProgress: (fraction: number) => void,
): Promise<ReconstructionFigure[]> {
  const valuesOf = (sample: ReconstructedSample, quantity: Quantity) => sample.hits[quantity as HitQuantity];
  const quantities = Object.keys(hitQuantities) as HitQuantity[];
  const bins = hitBinsOf(hits, covered);
  const source = { quantities, bins, trackOf, trackCount, resamplings, valuesOf };
  return figuresOf(source, samples, seed, signal, onProgress);
}

/** Without a simulator: hits of held-out responses, and of the model at the same inputs. */
export async function compareHits(options: ReconstructionOptions): Promise<ReconstructionFigure[]> {
  const { test, inputs, output, signal, conditions } = options;
  const columns = tpcInputs.map((name) => inputs.findIndex((input) => input.name === name));
  const cells = cellCount(output);
  const generated = await responsesOf(options.generate, test.features, test.rows, draws.model[0], output);
  const samples = { simulator: [emptySample(0, test.rows)], model: [emptySample(0, test.rows)] };
  const hits: Crossing[] = [];
  const [padAxis, timeAxis] = output.axes;
  for (let i = 0; i < test.rows; i++) {
    if (i % 1000 === 0) await breathe(signal);
    const [crossing, dip, drift, pad, row] = columns.map(
      (column) => test.features[i * inputs.length + column],
    );
    const radians = Math.PI / 180;
    const at = {
      sector: 0,
      side: 1 as const,
      row,
      crossing: crossing * radians,
      dip: dip * radians,
      pad,
      drift,
    };
    hits.push(at);
    const placed = {
      firstPad: Math.trunc(pad) + padAxis.first,
      firstBin: Math.trunc(drift) + timeAxis.first,
    };
    for (const [sample, responses] of [
      [samples.simulator[0], test.responses],
      [samples.model[0], generated],
    ] as const) {
      const plane = planeOf(
        responses.subarray(i * cells, (i + 1) * cells),
        placed,
        row,
        output,
        options.threshold,
      );
      recordHit(plane, at, 10 * chamber.padWidthCm, 10 * conditions.cmPerBin, sample, i);
    }
  }
  const trackOf = Int32Array.from(hits.keys());
  return hitFigures(hits, trackOf, hits.length, samples, options, (part) =>
    options.onProgress?.(0.5 + 0.5 * part, "resampling hits"),
  );
}
