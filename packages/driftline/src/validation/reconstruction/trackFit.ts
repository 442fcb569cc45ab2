// From hits to a track: a circle in the bending plane, a line along the path, and the truncated mean of the energy loss.

import { chamber, rowCentreCm, rowHeightCm, sectorAngle, xOfPad } from "./chamber.ts";
import { fitCircle } from "./circleFit.ts";
import type { Cluster } from "./clusters.ts";
import { type Crossing, turn } from "./tracks.ts";

/** What the fit needs of the conditions. */
export interface FitConditions {
  fieldTesla: number;
  cmPerBin: number;
  /** cm/√cm. */
  transverseDiffusion: number;
  longitudinalDiffusion: number;
}

/** A track as reconstructed, at its point closest to the true vertex in the bending plane. */
export interface FittedTrack {
  hits: number;
  /** Signed distance of closest approach in the bending plane, and what is left along the beam there, cm. */
  dcaXy: number;
  dcaZ: number;
  /** GeV/c; infinite without a field. */
  pt: number;
  /** rad, in the frame of the detector from the y axis towards x. */
  azimuth: number;
  /** rad. */
  dip: number;
  /** Truncated mean of charge per path, in the unit of the amplitudes per cm. */
  dedx: number;
}

/** Hits that a fit needs at least. */
const leastHits = 10;
/** Share of the hits, the lowest, whose mean is the energy loss: as in MpdRoot (MpdTpcDedxTask, `trunc = 0.7`). */
const truncation = 0.7;
/** Error that a hit has whatever its drift and angle, cm: readout and avalanche. */
const constantErrorCm = 0.02;
/** Electrons per cm that a centroid is worth, set by hand: ionisation and gain fluctuate, so it is fewer than there are. */
const effectivePerCm = 20;

/**
 * Fits the clusters of a track, `clusters[i]` being that of `crossings[i]` or null where none was found. Null for too
 * few hits. Weights are inverse squares of expected errors (`hitErrors`); only their ratios matter.
 */
export function fitTrack(
  crossings: Crossing[],
  clusters: (Cluster | null)[],
  vertex: [number, number, number],
  conditions: FitConditions,
): FittedTrack | null {
  const x: number[] = [];
  const y: number[] = [];
  const z: number[] = [];
  const wXy: number[] = [];
  const wZ: number[] = [];
  const losses: number[] = [];
  for (let i = 0; i < crossings.length; i++) {
    const [at, cluster] = [crossings[i], clusters[i]];
    if (cluster === null) continue;
    const place = turn(xOfPad(at.row, cluster.pad), rowCentreCm(at.row), -at.sector * sectorAngle);
    x.push(place[0] - vertex[0]);
    y.push(place[1] - vertex[1]);
    z.push(at.side * (chamber.driftCm - cluster.bin * conditions.cmPerBin) - vertex[2]);
    const errors = hitErrors(at, conditions);
    // A hit is displaced along the row: what counts is the part across the track.
    wXy.push(1 / (errors.pad * Math.cos(at.crossing)) ** 2);
    wZ.push(1 / errors.drift ** 2);
    losses.push((cluster.charge * Math.cos(at.crossing) * Math.cos(at.dip)) / rowHeightCm(at.row));
  }
  if (x.length < leastHits) return null;
  // The fit's angles are from its first axis towards its second, ours from y towards x.
  const circle = fitCircle(y, x, wXy);
  if (circle === null) return null;
  const { direction, distance, curvature } = circle;
  const closest = [distance * Math.sin(direction), -distance * Math.cos(direction)];
  const path = x.map((_, i) => {
    const half = 0.5 * curvature * Math.hypot(y[i] - closest[0], x[i] - closest[1]);
    const chord = Math.hypot(y[i] - closest[0], x[i] - closest[1]);
    return Math.abs(half) < 1e-9 ? chord : (chord * Math.asin(Math.max(-1, Math.min(1, half)))) / half;
  });
  const line = fitLine(path, z, wZ);
  return {
    hits: x.length,
    dcaXy: distance,
    dcaZ: line.offset,
    pt: (0.00299792458 * conditions.fieldTesla) / Math.abs(curvature),
    azimuth: direction,
    dip: Math.atan(line.slope),
    dedx: truncatedMean(losses),
  };
}

/**
 * Expected errors of a hit along the row and along the drift, cm: a constant, diffusion shared by the electrons of the
 * row, and the spread of an inclined track over the row's height h, h tan(angle)/√12, shared by them too (Blum, Riegler,
 * Rolandi, Particle Detection with Drift Chambers, 2nd ed., chapter 7).
 */
export function hitErrors(at: Crossing, conditions: FitConditions): { pad: number; drift: number } {
  const { cmPerBin, transverseDiffusion, longitudinalDiffusion } = conditions;
  const height = rowHeightCm(at.row);
  const driftCm = at.drift * cmPerBin;
  const electrons = (effectivePerCm * height) / (Math.cos(at.crossing) * Math.cos(at.dip));
  const error = (diffusion: number, slope: number) =>
    Math.sqrt(
      constantErrorCm ** 2 + (diffusion * diffusion * driftCm + (height * slope) ** 2 / 12) / electrons,
    );
  return {
    pad: error(transverseDiffusion, Math.tan(at.crossing)),
    drift: error(longitudinalDiffusion, Math.tan(at.dip) / Math.cos(at.crossing)),
  };
}

/** Weighted straight line z = offset + slope · path. */
function fitLine(path: number[], z: number[], weights: number[]): { offset: number; slope: number } {
  let [sum, ms, mz] = [0, 0, 0];
  for (let i = 0; i < path.length; i++) {
    sum += weights[i];
    ms += weights[i] * path[i];
    mz += weights[i] * z[i];
  }
  ms /= sum;
  mz /= sum;
  let [ss, sz] = [0, 0];
  for (let i = 0; i < path.length; i++) {
    ss += weights[i] * (path[i] - ms) ** 2;
    sz += weights[i] * (path[i] - ms) * (z[i] - mz);
  }
  const slope = sz / ss;
  return { offset: mz - slope * ms, slope };
}

function truncatedMean(values: number[]): number {
  const lowest = values.sort((a, b) => a - b).slice(0, Math.max(1, Math.round(truncation * values.length)));
  return lowest.reduce((sum, value) => sum + value, 0) / lowest.length;
}
