// Responses as parts of the readout plane: windows at their pads and time bins, and several laid over one another.

import type { OutputImage } from "../../family/family.ts";
import { chamber, padCount } from "./chamber.ts";
import type { Plane } from "./clusters.ts";
import type { Crossing } from "./tracks.ts";

/** A response's inputs in the family's order, and where its window lies. */
export interface Placed {
  firstPad: number;
  firstBin: number;
}

const degrees = 180 / Math.PI;

/**
 * Writes the inputs of a crossing at `features[offset]…` in the order of `columns` (places of `tpcInputs`) and gives
 * the place of the response's window. All pads of a row are alike, so the pad coordinate is moved by whole pads into the
 * range that the model was made for, and the window moved back.
 */
export function writeInputs(
  at: Crossing,
  pt: number,
  columns: number[],
  padRange: { low: number; high: number },
  output: OutputImage,
  features: Float32Array,
  offset: number,
): Placed {
  const moved = Math.floor(at.pad) - Math.floor(0.5 * (padRange.low + padRange.high));
  const values = [at.crossing * degrees, at.dip * degrees, at.drift, at.pad - moved, at.row, pt];
  for (const [k, value] of values.entries()) features[offset + columns[k]] = value;
  const [padAxis, timeAxis] = output.axes;
  return {
    firstPad: Math.trunc(features[offset + columns[3]]) + padAxis.first + moved,
    firstBin: Math.trunc(features[offset + columns[2]]) + timeAxis.first,
  };
}

/** The plane of one response; pads that the row does not have, and amplitudes below the threshold, are empty. */
export function planeOf(
  response: Float32Array,
  { firstPad, firstBin }: Placed,
  row: number,
  output: OutputImage,
  threshold: number,
): Plane {
  const [pads, bins] = [output.axes[0].size, output.axes[1].size];
  const amplitudes = response.slice();
  for (let cell = 0; cell < amplitudes.length; cell++) {
    const pad = firstPad + Math.floor(cell / bins);
    const amplitude = amplitudes[cell];
    const read = pad >= 0 && pad < padCount(row) && amplitude >= threshold && amplitude < Infinity;
    if (!read) amplitudes[cell] = 0;
  }
  return { firstPad, firstBin, pads, bins, amplitudes };
}

/**
 * Several responses on one row's readout: amplitudes add up, and are cut at the saturation. Each was cut at the threshold
 * by itself, as the model gives it: charge that two tracks would bring above it together only is missing.
 */
export function overlay(planes: Plane[], saturation: number | null): Plane {
  const firstPad = Math.min(...planes.map((plane) => plane.firstPad));
  const firstBin = Math.min(...planes.map((plane) => plane.firstBin));
  const pads = Math.max(...planes.map((plane) => plane.firstPad + plane.pads)) - firstPad;
  const bins = Math.max(...planes.map((plane) => plane.firstBin + plane.bins)) - firstBin;
  const amplitudes = new Float32Array(pads * bins);
  for (const plane of planes) {
    for (let i = 0; i < plane.pads; i++) {
      for (let j = 0; j < plane.bins; j++) {
        const cell = (plane.firstPad - firstPad + i) * bins + plane.firstBin - firstBin + j;
        amplitudes[cell] = Math.min(
          saturation ?? Infinity,
          amplitudes[cell] + plane.amplitudes[i * plane.bins + j],
        );
      }
    }
  }
  return { firstPad, firstBin, pads, bins, amplitudes };
}

/** A crossing of the same row by a neighbour, moved by some pads and time bins; null beyond the ends of the row. */
export function neighbourOf(at: Crossing, pads: number, bins: number, cmPerBin: number): Crossing | null {
  const pad = at.pad + pads;
  const drift = at.drift + bins;
  const inside = pad >= 0 && pad <= padCount(at.row) - 1 && drift >= 0 && drift * cmPerBin <= chamber.driftCm;
  return inside ? { ...at, pad, drift } : null;
}
