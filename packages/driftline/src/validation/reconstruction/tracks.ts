// Tracks of the test: helices of positive particles from the interaction region, and where they cross the pad rows.

import { streams, uniforms } from "@driftline/client/noise";
import { chamber, padCount, padOf, rowCentreCm, rowCount, sectorAngle } from "./chamber.ts";

/**
 * A helix from its vertex. Directions in the bending plane are angles from the y axis towards x, so that a positive
 * particle's grows with its path: as the inputs of the family are defined (docs/simulation.md).
 */
export interface Track {
  /** GeV/c. */
  pt: number;
  /** Direction at the vertex in the bending plane, rad. */
  azimuth: number;
  /** Angle to the bending plane, rad; positive towards positive z. */
  dip: number;
  /** x, y, z in cm. */
  vertex: [number, number, number];
}

/** One pad row crossed by a track: what the model is asked, and where the answer belongs. */
export interface Crossing {
  sector: number;
  row: number;
  /** +1 for the half of the chamber at z > 0, -1 for the other. */
  side: 1 | -1;
  /** Angle to the row's normal in the pad plane, rad. */
  crossing: number;
  /** Angle to the pad plane, rad; positive towards the readout plane. */
  dip: number;
  /** Where the track passes the row's centre line: pad coordinate, and drift length in time bins. */
  pad: number;
  drift: number;
}

/** What turns tracks into inputs: conditions as numbers. */
export interface ReadoutConditions {
  /** T, along z. */
  fieldTesla: number;
  /** Length of a time bin along the drift, cm. */
  cmPerBin: number;
}

/** Ranges in which tracks are drawn: pT in GeV/c, dip in degrees. */
export interface TrackRanges {
  pt: { low: number; high: number };
  dip: { low: number; high: number };
}

/**
 * Standard deviation of the vertex along the beam, cm: a choice, of the order of the luminous region's length. Across the
 * beam that is far below the resolution, and taken as 0.
 */
const vertexSpreadCm = 24;
/** Crossings closer than this to the end of a row are left out: part of their charge is on no pad. */
const marginPads = 2;
/** Counter word of the noise stream that keeps these numbers apart from the inputs of datasets. */
const trackWord = 1;

/** Curvature in 1/cm of a unit charge: 0.00299792458 B / pT (T, GeV/c). */
export function curvatureOf(pt: number, fieldTesla: number): number {
  return (0.00299792458 * fieldTesla) / pt;
}

/** Track `event` of a seed: pT uniform in its logarithm, azimuth and dip uniform, the vertex Gaussian along the beam. */
export function drawTrack(seed: number, event: number, { pt, dip }: TrackRanges): Track {
  const [a, b, c, d, e] = uniforms(seed, event, trackWord, 5, streams.inputs);
  return {
    pt: pt.low * Math.exp(a * Math.log(pt.high / pt.low)),
    azimuth: 2 * Math.PI * (b - 0.5),
    dip: ((dip.low + c * (dip.high - dip.low)) * Math.PI) / 180,
    vertex: [0, 0, vertexSpreadCm * Math.sqrt(-2 * Math.log(d)) * Math.cos(2 * Math.PI * e)],
  };
}

/** Turns a place or a direction by `angle` from x towards y: from the frame of the detector into that of a sector. */
export function turn(x: number, y: number, angle: number): [x: number, y: number] {
  const [sine, cosine] = [Math.sin(angle), Math.cos(angle)];
  return [x * cosine - y * sine, x * sine + y * cosine];
}

/** Where the track passes the line y = `yCm` of a frame turned by `angle`, outward bound; null where it never does. */
export function passAt(
  track: Track,
  fieldTesla: number,
  angle: number,
  yCm: number,
): { x: number; z: number; direction: number } | null {
  const curvature = curvatureOf(track.pt, fieldTesla);
  const [vertexX, vertexY] = turn(track.vertex[0], track.vertex[1], angle);
  const start = within(track.azimuth - angle);
  if (Math.abs(start) >= Math.PI / 2) return null;
  const sine = Math.sin(start) + curvature * (yCm - vertexY);
  if (sine >= 1) return null;
  // The chord's direction is half-way between those at its ends, whatever the curvature.
  const direction = Math.asin(sine);
  const half = 0.5 * (direction - start);
  const chord = (yCm - vertexY) / Math.cos(start + half);
  const path = half === 0 ? chord : (chord * half) / Math.sin(half);
  if (path <= 0) return null;
  return {
    x: vertexX + chord * Math.sin(start + half),
    z: track.vertex[2] + path * Math.tan(track.dip),
    direction,
  };
}

/** All rows that the track crosses, each in one sector at most, in the order of the rows; rows that it misses are left out. */
export function crossingsOf(track: Track, conditions: ReadoutConditions): Crossing[] {
  const { fieldTesla, cmPerBin } = conditions;
  const found: Crossing[] = [];
  let sector = Math.round(within(track.azimuth) / sectorAngle);
  for (let row = 0; row < rowCount; row++) {
    // A track moves on to the next sector, towards which it bends.
    for (let tries = 0; tries < 2; tries++) {
      const at = passAt(track, fieldTesla, sector * sectorAngle, rowCentreCm(row));
      if (at === null) break;
      const pad = padOf(row, at.x);
      if (pad > padCount(row) - 1 && tries === 0) {
        sector++;
        continue;
      }
      const driftCm = chamber.driftCm - Math.abs(at.z);
      if (pad >= marginPads && pad <= padCount(row) - 1 - marginPads && driftCm > 0) {
        const side = at.z >= 0 ? 1 : -1;
        found.push({
          sector: (sector + chamber.sectors) % chamber.sectors,
          row,
          side,
          crossing: at.direction,
          dip: side * track.dip,
          pad,
          drift: driftCm / cmPerBin,
        });
      }
      break;
    }
  }
  return found;
}

/** The angle in (-π, π]. */
function within(angle: number): number {
  const turns = angle / (2 * Math.PI);
  return 2 * Math.PI * (turns - Math.ceil(turns - 0.5));
}
