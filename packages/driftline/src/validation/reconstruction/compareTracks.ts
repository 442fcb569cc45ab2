// Tracks through all pad rows, three times: by the simulator, by the simulator again, by the model; and their figures.

import { breathe } from "../breathe.ts";
import type { Generate } from "../sample.ts";
import { trackBins } from "./bins.ts";
import { chamber } from "./chamber.ts";
import type { Cluster } from "./clusters.ts";
import { hitFigures } from "./compareHits.ts";
import { figuresOf, type Quantity, type ReconstructionFigure, type Samples } from "./figures.ts";
import { draws, leastRows, type ReconstructionOptions } from "./options.ts";
import { neededInputs, type Placed, planeOf, writeInputs } from "./planes.ts";
import {
  cellCount,
  emptySample,
  type ReconstructedSample,
  recordHit,
  recordTrack,
  scaleEnergyLoss,
  type TrackQuantity,
  trackQuantities,
} from "./sampleTracks.ts";
import { type Crossing, crossingsOf, drawTrack, type Track } from "./tracks.ts";

export interface ComparedTracks {
  /** Tracks drawn until the policy's number had rows enough, those used, their rows, and how many each side fitted. */
  tracks: { drawn: number; used: number; crossings: number; fitted: Record<string, number> };
  figures: ReconstructionFigure[];
}

/** Tracks whose responses are made at a time: some 40 MB. */
const piece = 500;
const resamplings = 200;

/** The same tracks with responses of the simulator, of the simulator drawn again, and of the model. */
export async function compareTracks(
  options: ReconstructionOptions,
  pt: { low: number; high: number },
  simulate: Generate,
): Promise<ComparedTracks> {
  const { signal, output, inputs, conditions } = options;
  const progress = options.onProgress ?? (() => {});
  const { tracks, crossings, drawn } = await usableTracks(options, pt);
  const starts = new Int32Array(tracks.length + 1);
  for (let k = 0; k < tracks.length; k++) starts[k + 1] = starts[k] + crossings[k].length;
  const hits = starts[tracks.length];
  const samples = {
    simulator: emptySample(tracks.length, hits),
    model: emptySample(tracks.length, hits),
    again: emptySample(tracks.length, hits),
  };
  const columns = neededInputs.map((name) => inputs.findIndex((input) => input.name === name));
  const cells = cellCount(output);
  const names = ["simulator", "again", "model"] as const;
  for (let first = 0, number = 0; first < tracks.length; first += piece, number++) {
    const last = Math.min(tracks.length, first + piece);
    const rows = starts[last] - starts[first];
    const features = new Float32Array(rows * inputs.length);
    const placed: Placed[] = [];
    for (let k = first; k < last; k++) {
      for (const at of crossings[k]) {
        const offset = placed.length * inputs.length;
        placed.push(
          writeInputs(at, tracks[k].pt, columns, options.covered.pad_coordinate, output, features, offset),
        );
      }
    }
    for (const [step, name] of names.entries()) {
      progress(
        (0.9 * (first + (step / 3) * (last - first))) / tracks.length,
        `tracks: ${first} of ${tracks.length}`,
      );
      const generate = name === "model" ? options.generate : simulate;
      const responses = await generate(features, rows, draws[name] + number);
      for (let k = first; k < last; k++) {
        if (k % 50 === 0) await breathe(signal);
        const from = starts[k] - starts[first];
        const clusters = crossings[k].map((at, i): Cluster | null => {
          const response = responses.subarray((from + i) * cells, (from + i + 1) * cells);
          const plane = planeOf(response, placed[from + i], at.row, output, options.threshold);
          return recordHit(
            plane,
            at,
            10 * chamber.padWidthCm,
            10 * conditions.cmPerBin,
            samples[name],
            starts[k] + i,
          );
        });
        recordTrack(tracks[k], crossings[k], clusters, conditions, samples[name], k);
      }
    }
  }
  scaleEnergyLoss(tracks, samples.simulator, Object.values(samples));
  const trackOf = new Int32Array(hits);
  for (let k = 0; k < tracks.length; k++) trackOf.fill(k, starts[k], starts[k + 1]);
  const all = crossings.flat();
  const figures = [
    ...(await trackFigures(tracks, samples, pt, options, (part) =>
      progress(0.9 + 0.03 * part, "resampling tracks"),
    )),
    ...(await hitFigures(all, trackOf, tracks.length, samples, options, (part) =>
      progress(0.93 + 0.07 * part, "resampling hits"),
    )),
  ];
  const fitted = Object.fromEntries(
    names.map((name) => [name, samples[name].tracks.dca_xy.filter((value) => Number.isFinite(value)).length]),
  );
  return { tracks: { drawn, used: tracks.length, crossings: hits, fitted }, figures };
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
