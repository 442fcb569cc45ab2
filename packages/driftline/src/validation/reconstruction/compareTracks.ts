// Tracks through all pad rows with responses of the simulator and of the model, and their figures.

import { tpcInputs } from "../../family/tpcInputs.ts";
import { breathe } from "../breathe.ts";
import type { Generate } from "../sample.ts";
import { trackBins } from "./bins.ts";
import { chamber } from "./chamber.ts";
import type { Cluster } from "./clusters.ts";
import { hitFigures } from "./compareHits.ts";
import { figuresOf, type Quantity, type ReconstructionFigure, type Samples } from "./figures.ts";
import { draws, leastRows, type ReconstructionOptions } from "./options.ts";
import { type Placed, planeOf, writeInputs } from "./planes.ts";
import {
  cellCount,
  emptySample,
  type ReconstructedSample,
  recordHit,
  recordTrack,
  responsesOf,
  scaleEnergyLoss,
  type TrackQuantity,
  trackQuantities,
} from "./sampleTracks.ts";
import { type Crossing, crossingsOf, drawTrack, type Track } from "./tracks.ts";

interface BothSides {
  simulator: number;
  model: number;
}

export interface ComparedTracks {
  /**
   * Tracks drawn until the policy's number had rows enough, those used, their rows; tracks fitted and hits found on
   * each side, in the mean of its draws.
   */
  tracks: { drawn: number; used: number; crossings: number; fitted: BothSides; hits: BothSides };
  figures: ReconstructionFigure[];
}

/** Tracks whose responses are made at a time: some 40 MB. */
const piece = 500;
const resamplings = 200;

/** The same tracks with responses of the simulator and of the model, each drawn twice. */
export async function compareTracks(
  options: ReconstructionOptions,
  pt: { low: number; high: number },
  simulate: Generate,
): Promise<ComparedTracks> {
  const progress = options.onProgress ?? (() => {});
  const { tracks, crossings, drawn } = await usableTracks(options, pt);
  const starts = new Int32Array(tracks.length + 1);
  for (let k = 0; k < tracks.length; k++) starts[k + 1] = starts[k] + crossings[k].length;
  const hits = starts[tracks.length];
  const runs = [
    ...draws.simulator.map((draw) => ({ side: "simulator" as const, generate: simulate, draw })),
    ...draws.model.map((draw) => ({ side: "model" as const, generate: options.generate, draw })),
  ].map((run) => ({ ...run, sample: emptySample(tracks.length, hits) }));
  for (let first = 0, number = 0; first < tracks.length; first += piece, number++) {
    const last = Math.min(tracks.length, first + piece);
    const { features, placed } = inputsOf(tracks, crossings, first, last, options);
    for (const [step, { generate, draw, sample }] of runs.entries()) {
      const done = (first + (step / runs.length) * (last - first)) / tracks.length;
      progress(0.9 * done, `tracks: ${first} of ${tracks.length}`);
      const responses = await responsesOf(generate, features, placed.length, draw + number, options.output);
      for (let k = first; k < last; k++) {
        if (k % 50 === 0) await breathe(options.signal);
        const from = starts[k] - starts[first];
        recordCrossings(tracks[k], crossings[k], responses, placed, from, options, sample, starts[k], k);
      }
    }
  }
  const of = (side: "simulator" | "model") =>
    runs.filter((run) => run.side === side).map(({ sample }) => sample);
  const samples = { simulator: of("simulator"), model: of("model") };
  scaleEnergyLoss(tracks, samples.simulator, [...samples.simulator, ...samples.model]);
  const trackOf = new Int32Array(hits);
  for (let k = 0; k < tracks.length; k++) trackOf.fill(k, starts[k], starts[k + 1]);
  const figures = [
    ...(await trackFigures(tracks, samples, pt, options, (part) =>
      progress(0.9 + 0.03 * part, "resampling tracks"),
    )),
    ...(await hitFigures(crossings.flat(), trackOf, tracks.length, samples, options, (part) =>
      progress(0.93 + 0.07 * part, "resampling hits"),
    )),
  ];
  const count = (valuesOf: (sample: ReconstructedSample) => Float64Array): BothSides => ({
    simulator: meanFound(samples.simulator.map(valuesOf)),
    model: meanFound(samples.model.map(valuesOf)),
  });
  const found = {
    fitted: count((sample) => sample.tracks.dca_xy),
    hits: count((sample) => sample.hits.hit_pad),
  };
  return { tracks: { drawn, used: tracks.length, crossings: hits, ...found }, figures };
}

/** Inputs of all rows of some tracks, and where their windows lie. */
function inputsOf(
  tracks: Track[],
  crossings: Crossing[][],
  first: number,
  last: number,
  { inputs, output, covered }: ReconstructionOptions,
): { features: Float32Array; placed: Placed[] } {
  const columns = tpcInputs.map((name) => inputs.findIndex((input) => input.name === name));
  const rows = crossings.slice(first, last).reduce((sum, { length }) => sum + length, 0);
  const features = new Float32Array(rows * inputs.length);
  const placed: Placed[] = [];
  for (let k = first; k < last; k++) {
    for (const at of crossings[k]) {
      const offset = placed.length * inputs.length;
      placed.push(writeInputs(at, tracks[k].pt, columns, covered.pad_coordinate, output, features, offset));
    }
  }
  return { features, placed };
}

/** Clusters and fit of track `index`, whose responses begin at row `from` and whose hits are counted from `hit`. */
function recordCrossings(
  track: Track,
  crossings: Crossing[],
  responses: Float32Array,
  placed: Placed[],
  from: number,
  { output, threshold, conditions }: ReconstructionOptions,
  sample: ReconstructedSample,
  hit: number,
  index: number,
): void {
  const cells = cellCount(output);
  const clusters = crossings.map((at, i): Cluster | null => {
    const response = responses.subarray((from + i) * cells, (from + i + 1) * cells);
    const plane = planeOf(response, placed[from + i], at.row, output, threshold);
    return recordHit(plane, at, 10 * chamber.padWidthCm, 10 * conditions.cmPerBin, sample, hit + i);
  });
  recordTrack(track, crossings, clusters, conditions, sample, index);
}

/** Mean number of values that are there. */
function meanFound(draws: Float64Array[]): number {
  const found = draws.map((values) => values.filter((value) => Number.isFinite(value)).length);
  return found.reduce((sum, n) => sum + n, 0) / found.length;
}

/** Draws tracks until the policy's number have rows enough inside the model's inputs. */
async function usableTracks(
  { policy, covered, conditions, seed, signal }: ReconstructionOptions,
  pt: { low: number; high: number },
) {
  const tracks: Track[] = [];
  const crossings: Crossing[][] = [];
  const range = (name: string, scale: number) => [covered[name].low * scale, covered[name].high * scale];
  const [crossingLow, crossingHigh] = range("crossing_angle", Math.PI / 180);
  const [dipLow, dipHigh] = range("dip_angle", Math.PI / 180);
  const [driftLow, driftHigh] = range("drift_length", 1);
  const [rowLow, rowHigh] = range("pad_row", 1);
  let drawn = 0;
  // Some four in five have; ranges in which hardly any has must end all the same.
  while (tracks.length < policy.tracks && drawn < 50 * policy.tracks) {
    if (drawn % 1000 === 0) await breathe(signal);
    const track = drawTrack(seed, drawn++, { pt, dip: policy.dip });
    const inside = crossingsOf(track, conditions).filter(
      ({ crossing, dip, drift, row }) =>
        crossing >= crossingLow &&
        crossing <= crossingHigh &&
        dip >= dipLow &&
        dip <= dipHigh &&
        drift >= driftLow &&
        drift <= driftHigh &&
        row >= rowLow &&
        row <= rowHigh,
    );
    if (inside.length < leastRows) continue;
    tracks.push(track);
    crossings.push(inside);
  }
  return { tracks, crossings, drawn };
}

function trackFigures(
  tracks: Track[],
  samples: Samples,
  pt: { low: number; high: number },
  { policy, seed, signal, conditions }: ReconstructionOptions,
  onProgress: (fraction: number) => void,
): Promise<ReconstructionFigure[]> {
  const bins = trackBins(tracks, { pt, dip: policy.dip });
  const trackOf = Int32Array.from(tracks.keys());
  // Without a field there is no curvature, and so no momentum.
  const quantities = (Object.keys(trackQuantities) as TrackQuantity[]).filter(
    (quantity) => quantity !== "pt" || conditions.fieldTesla > 0,
  );
  const valuesOf = (sample: ReconstructedSample, quantity: Quantity) =>
    sample.tracks[quantity as TrackQuantity];
  const source = { quantities, bins, trackOf, trackCount: tracks.length, resamplings, valuesOf };
  return figuresOf(source, samples, seed, signal, onProgress);
}
