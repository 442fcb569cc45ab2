// High-level validation: what the experiment's reconstruction would make of the model, against the same with the simulator.

import type { GateResult } from "@driftline/client/api";
import type { InputFeature, OutputImage, ReconstructionPolicy } from "../../family/family.ts";
import type { ResponseBatch } from "../../family/responses.ts";
import { breathe } from "../breathe.ts";
import { applyThreshold, type Generate } from "../sample.ts";
import { chamber, rowHeightCm } from "./chamber.ts";
import type { Cluster } from "./clusters.ts";
import { type Bin, figuresOf, type Quantity, type ReconstructionFigure, type Samples } from "./figures.ts";
import { neededInputs, type Placed, planeOf, writeInputs } from "./planes.ts";
import {
  cellCount,
  emptySample,
  type HitQuantity,
  hitQuantities,
  type ReconstructedSample,
  recordHit,
  recordTrack,
  scaleEnergyLoss,
  type TrackQuantity,
  trackQuantities,
} from "./sampleTracks.ts";
import type { FitConditions } from "./trackFit.ts";
import { type Crossing, crossingsOf, drawTrack, type Track } from "./tracks.ts";
import { judgeRatios, outside } from "./verdict.ts";

export interface ReconstructionOptions {
  policy: ReconstructionPolicy;
  inputs: InputFeature[];
  output: OutputImage;
  /** Amplitudes below are not read out. */
  threshold: number;
  conditions: FitConditions;
  /** Range of each input that the model's data cover. */
  covered: Record<string, { low: number; high: number }>;
  generate: Generate;
  /** The base simulator; without it hits of `test` are compared, and no tracks. */
  simulate?: Generate;
  /** Held-out responses, for a model made from files. */
  test: ResponseBatch;
  seed: number;
  onProgress?: (fraction: number, message: string) => void;
  signal?: AbortSignal;
}

/** What the validation of reconstruction found; plain data, as validation.json keeps it. */
export interface Reconstruction {
  /** What could not be done and why, in sentences; empty where all was. */
  notes: string[];
  /** Tracks drawn until the policy's number had rows enough, those used, and their hits; null where none were made. */
  tracks: { drawn: number; used: number; crossings: number; fitted: Record<string, number> } | null;
  figures: ReconstructionFigure[];
  gates: GateResult[];
  /** Bins whose ratio is outside the limits, though their interval may reach them. */
  outside: string[];
  limits: { minimum: number; maximum: number };
  seconds: number;
}

/** Rows of a track with the inputs in the model's range: with fewer it is not used (MPD analyses ask for more than 20). */
const leastRows = 20;
/** Tracks whose responses are made at a time: some 40 MB. */
const piece = 500;
/** Draw numbers of the three samples begin here; one is taken for each piece. */
const draws = { simulator: 100_000, model: 200_000, again: 300_000 } as const;
const [ptBins, dipBins] = [6, 3];

/** Follows the steps of docs/validation.md. Throws `invalid_bundle` for output of a wrong size, and `cancelled`. */
export async function validateReconstruction(options: ReconstructionOptions): Promise<Reconstruction> {
  const started = performance.now();
  const { notes, rows, pt } = coverage(options);
  const found =
    options.simulate && rows >= leastRows && pt !== null
      ? await compareTracks(options, pt, options.simulate)
      : await compareHits(options);
  const { minimum, maximum } = options.policy.ratio;
  const limits = { minimum, maximum };
  return {
    notes,
    tracks: found.tracks,
    figures: found.figures,
    gates: found.tracks ? judgeRatios(found.figures, limits) : [],
    outside: outside(found.figures, limits).map(({ quantity, bin }) => `${quantity}, ${bin}`),
    limits,
    seconds: (performance.now() - started) / 1000,
  };
}

/** What of the policy the model's inputs allow, and the sentences that say what they do not. */
function coverage({ policy, covered, simulate }: ReconstructionOptions) {
  const notes: string[] = [];
  const [row, momentum] = [covered.pad_row, covered.pt];
  const rows = row.high - row.low + 1;
  if (rows < leastRows) {
    const which = row.low === row.high ? `pad row ${row.low}` : `pad rows ${row.low} to ${row.high}`;
    notes.push(`Tracks: not applicable, inputs cover ${which} only; a track needs ${leastRows} rows.`);
  }
  const low = Math.max(policy.pt.low, momentum.low);
  const high = Math.min(policy.pt.high, momentum.high);
  const pt = high > 1.01 * low ? { low, high } : null;
  const short = (value: number) => Number(value.toPrecision(3));
  if (pt === null) {
    notes.push(
      `Tracks: not applicable, inputs cover pT ${short(momentum.low)} to ${short(momentum.high)} GeV/c only.`,
    );
  } else if (low > policy.pt.low || high < policy.pt.high) {
    notes.push(`Tracks of ${short(low)} to ${short(high)} GeV/c only: the inputs cover no others.`);
  }
  if (!simulate) {
    notes.push(
      "Tracks: not applicable, nothing here simulates the same tracks. Hits of held-out responses are compared, not gated.",
    );
  }
  return { notes, rows, pt };
}

interface Compared {
  tracks: Reconstruction["tracks"];
  figures: ReconstructionFigure[];
}

async function compareTracks(
  options: ReconstructionOptions,
  pt: { low: number; high: number },
  simulate: Generate,
): Promise<Compared> {
  const { seed, signal, output, inputs, policy, conditions } = options;
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
    ...(await trackFigures(tracks, samples, pt, policy, options, (part) =>
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
  policy: ReconstructionPolicy,
  { seed, signal, conditions }: ReconstructionOptions,
  onProgress: (fraction: number) => void,
) {
  const steepest = Math.max(Math.abs(policy.dip.low), Math.abs(policy.dip.high));
  const momentum = edges(pt.low, pt.high, ptBins, true);
  const bins = [
    ...binned(
      "pT",
      "GeV/c",
      momentum,
      tracks.map((track) => track.pt),
    ),
    ...binned(
      "|dip|",
      "deg",
      edges(0, steepest, dipBins),
      tracks.map(({ dip }) => (Math.abs(dip) * 180) / Math.PI),
    ),
  ];
  const trackOf = Int32Array.from(tracks.keys());
  // Without a field there is no curvature, and so no momentum.
  const quantities = (Object.keys(trackQuantities) as TrackQuantity[]).filter(
    (quantity) => quantity !== "pt" || conditions.fieldTesla > 0,
  );
  const valuesOf = (sample: ReconstructedSample, quantity: Quantity) =>
    sample.tracks[quantity as TrackQuantity];
  const source = { quantities, bins, trackOf, trackCount: tracks.length, resamplings: 200, valuesOf };
  return figuresOf(source, samples, seed, signal, onProgress);
}

function hitFigures(
  hits: Pick<Crossing, "row" | "drift" | "crossing">[],
  trackOf: Int32Array,
  trackCount: number,
  samples: Samples,
  { seed, signal, covered }: ReconstructionOptions,
  onProgress: (fraction: number) => void,
) {
  const { drift_length: drift, crossing_angle: crossing } = covered;
  const steepest = Math.max(Math.abs(crossing.low), Math.abs(crossing.high));
  const heights = hits.map(({ row }) => 10 * rowHeightCm(row));
  const bins = [
    ...[...new Set(heights)]
      .sort((a, b) => a - b)
      .map(
        (height): Bin => ({
          by: "row height",
          label: `rows of ${height} mm`,
          low: height,
          high: height,
          items: Int32Array.from(heights.keys()).filter((i) => heights[i] === height),
        }),
      ),
    ...binned(
      "drift length",
      "bins",
      edges(drift.low, drift.high, 3),
      hits.map((hit) => hit.drift),
    ),
    ...binned(
      "|crossing angle|",
      "deg",
      edges(0, steepest, 3),
      hits.map((hit) => (Math.abs(hit.crossing) * 180) / Math.PI),
    ),
  ];
  const valuesOf = (sample: ReconstructedSample, quantity: Quantity) => sample.hits[quantity as HitQuantity];
  const quantities = Object.keys(hitQuantities) as HitQuantity[];
  const source = { quantities, bins, trackOf, trackCount, resamplings: 100, valuesOf };
  return figuresOf(source, samples, seed, signal, onProgress);
}

/** Without a simulator: hits of held-out responses, and of the model at the same inputs. */
async function compareHits(options: ReconstructionOptions): Promise<Compared> {
  const { test, inputs, output, seed, signal, conditions } = options;
  const columns = neededInputs.map((name) => inputs.findIndex((input) => input.name === name));
  const cells = cellCount(output);
  const generated = await options.generate(test.features, test.rows, draws.model);
  applyThreshold(generated, options.threshold);
  const samples = { simulator: emptySample(0, test.rows), model: emptySample(0, test.rows), again: null };
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
      [samples.simulator, test.responses],
      [samples.model, generated],
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
  const progress = options.onProgress ?? (() => {});
  const figures = await hitFigures(
    hits,
    Int32Array.from(hits.keys()),
    hits.length,
    samples,
    options,
    (part) => progress(0.5 + 0.5 * part, "resampling hits"),
  );
  return { tracks: null, figures };
}

/** Edges of `n` bins of equal width, or of equal ratio. */
function edges(low: number, high: number, n: number, logarithmic = false): number[] {
  return Array.from({ length: n + 1 }, (_, k) =>
    logarithmic ? low * (high / low) ** (k / n) : low + ((high - low) * k) / n,
  );
}

function binned(by: string, unit: string, borders: number[], values: number[]): Bin[] {
  const short = (value: number) => Number(value.toPrecision(3));
  return borders.slice(1).map((high, k) => {
    const low = borders[k];
    const last = k === borders.length - 2;
    return {
      by,
      label: `${by} ${short(low)} to ${short(high)} ${unit}`,
      low,
      high,
      items: Int32Array.from(values.keys()).filter(
        (i) => values[i] >= low && (values[i] < high || (last && values[i] <= high * (1 + 1e-9))),
      ),
    };
  });
}
