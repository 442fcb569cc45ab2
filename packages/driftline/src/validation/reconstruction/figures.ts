// Resolution and bias by bin, of the simulator, of the model, and of the simulator drawn again: with bootstrap intervals.

import { breathe } from "../breathe.ts";
import { resamplingCounts } from "../random.ts";
import {
  type HitQuantity,
  hitQuantities,
  type ReconstructedSample,
  type TrackQuantity,
  trackQuantities,
} from "./sampleTracks.ts";
import { type Spread, spreadOf } from "./spread.ts";

export type Quantity = TrackQuantity | HitQuantity;

/** A bin of tracks, or of hits. */
export interface Bin {
  /** What it is a bin of: pT, |dip|; row height, drift length, |crossing angle|. */
  by: string;
  label: string;
  low: number;
  high: number;
  /** Tracks or hits in it. */
  items: Int32Array;
}

/** One quantity in one bin. Widths and means are in the quantity's unit. */
export interface ReconstructionFigure {
  quantity: Quantity;
  /** What is compared: the resolution, or the mean (of a cluster's widths and charge). */
  statistic: "resolution" | "mean";
  label: string;
  unit: string;
  by: string;
  bin: string;
  low: number;
  high: number;
  /** Items that both sides found. */
  count: number;
  /** Different tracks among them. */
  tracks: number;
  simulator: Spread;
  model: Spread;
  /** Model over simulator, all draws of each, and the standard error of its logarithm by the bootstrap over tracks. */
  ratio: number;
  error: number;
  /** The simulator's second draw over its first; null where there is one only. */
  floor: number | null;
  /** Model's mean less the simulator's, and its standard error. */
  shift: number;
  shiftError: number;
}

/** What the figures are made from: samples of the same items, and the track of each item. */
export interface FigureSource {
  quantities: Quantity[];
  bins: Bin[];
  /** Track of each item. */
  trackOf: Int32Array;
  trackCount: number;
  resamplings: number;
  valuesOf(sample: ReconstructedSample, quantity: Quantity): Float64Array;
}

/** One or two draws of each side. */
export interface Samples {
  simulator: ReconstructedSample[];
  model: ReconstructedSample[];
}

/** A bin with fewer has no width to speak of, and is left out. */
const leastItems = 20;
/** Quantities of hits whose mean is compared; of all others it is the width. */
const byMean = new Set<Quantity>(["pad_width", "time_width", "charge"]);

/** Values in their order, and the track and the draw of each. */
interface Sorted {
  values: Float64Array;
  of: Int32Array;
  draws: Uint8Array;
}

/** One quantity in one bin, and what the resamplings gave: logarithms of ratios, and shifts. */
interface Cell {
  quantity: Quantity;
  bin: Bin;
  simulator: Sorted;
  model: Sorted;
  ratios: number[];
  shifts: number[];
}

/** The figures of every quantity in every bin. Both sides resample the same tracks. Throws `cancelled`. */
export async function figuresOf(
  source: FigureSource,
  samples: Samples,
  seed: number,
  signal: AbortSignal | undefined,
  onProgress: (fraction: number) => void,
): Promise<ReconstructionFigure[]> {
  const cells: Cell[] = [];
  for (const quantity of source.quantities) {
    await breathe(signal);
    const [a, b] = [samples.simulator, samples.model].map((side) =>
      side.map((sample) => source.valuesOf(sample, quantity)),
    );
    // An item that one draw lost is left out of all: the tracks stay the same.
    const found = Uint8Array.from({ length: source.trackOf.length }, (_, item) =>
      Number([...a, ...b].every((values) => Number.isFinite(values[item]))),
    );
    const [simulator, model] = [inBins(a, found, source), inBins(b, found, source)];
    for (const [k, bin] of source.bins.entries()) {
      cells.push({ quantity, bin, simulator: simulator[k], model: model[k], ratios: [], shifts: [] });
    }
  }
  const filled = cells.filter(({ simulator }) => simulator.values.length >= leastItems);
  for (let k = 0; k < source.resamplings; k++) {
    await breathe(signal);
    const counts = resamplingCounts(source.trackCount, seed, k);
    for (const { quantity, simulator, model, ratios, shifts } of filled) {
      const [a, b] = [simulator, model].map(({ values, of }) => spreadOf(values, of, counts));
      const ratio = statisticOf(quantity, b) / statisticOf(quantity, a);
      if (ratio > 0 && Number.isFinite(ratio)) ratios.push(Math.log(ratio));
      if (Number.isFinite(b.mean - a.mean)) shifts.push(b.mean - a.mean);
    }
    onProgress((k + 1) / source.resamplings);
  }
  return filled.map(({ quantity, bin, simulator, model, ratios, shifts }) => {
    const [a, b] = [spreadOf(simulator.values), spreadOf(model.values)];
    const [first, second] = samples.simulator.map((_, draw) =>
      statisticOf(quantity, spreadOf(simulator.values.filter((_, i) => simulator.draws[i] === draw))),
    );
    return {
      quantity,
      statistic: byMean.has(quantity) ? "mean" : "resolution",
      ...{ ...trackQuantities, ...hitQuantities }[quantity],
      by: bin.by,
      bin: bin.label,
      low: bin.low,
      high: bin.high,
      count: simulator.values.length / samples.simulator.length,
      tracks: new Set(simulator.of).size,
      simulator: a,
      model: b,
      ratio: statisticOf(quantity, b) / statisticOf(quantity, a),
      error: deviationOf(ratios),
      floor: second === undefined ? null : second / first,
      shift: b.mean - a.mean,
      shiftError: deviationOf(shifts),
    };
  });
}

/** The number whose ratio is gated. */
function statisticOf(quantity: Quantity, { width, mean }: Spread): number {
  return byMean.has(quantity) ? mean : width;
}

/** The values of the items found in all draws, sorted, bin by bin: sorted once, for most items are in several bins. */
function inBins(draws: Float64Array[], found: Uint8Array, { bins, trackOf }: FigureSource): Sorted[] {
  const items = trackOf.length;
  const values = new Float64Array(draws.length * items);
  for (const [d, draw] of draws.entries()) values.set(draw, d * items);
  const order = Int32Array.from(values.keys())
    .filter((at) => found[at % items] === 1)
    .sort((a, b) => values[a] - values[b]);
  return bins.map((bin) => {
    const inside = new Uint8Array(items);
    for (const item of bin.items) inside[item] = 1;
    const kept = order.filter((at) => inside[at % items] === 1);
    return {
      values: Float64Array.from(kept, (at) => values[at]),
      of: Int32Array.from(kept, (at) => trackOf[at % items]),
      draws: Uint8Array.from(kept, (at) => Math.floor(at / items)),
    };
  });
}

function deviationOf(values: number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
}
