// One sample of the test: the responses of all tracks' rows by one generator, reconstructed.

import { fail } from "../../errors/registry.ts";
import type { OutputImage } from "../../family/family.ts";
import type { Generate } from "../sample.ts";
import { rowHeightCm } from "./chamber.ts";
import { type Cluster, findClusters, type Plane } from "./clusters.ts";
import { type FitConditions, fitTrack } from "./trackFit.ts";
import type { Crossing, Track } from "./tracks.ts";

/** What is compared of a track: differences from the truth, of the energy loss from what is expected of the momentum. */
export const trackQuantities = {
  dca_xy: { label: "DCA in x–y", unit: "mm" },
  dca_z: { label: "DCA in z", unit: "mm" },
  pt: { label: "(1/pT) relative", unit: "%" },
  azimuth: { label: "azimuth", unit: "mrad" },
  dip: { label: "dip", unit: "mrad" },
  dedx: { label: "dE/dx relative", unit: "%" },
} as const;
export type TrackQuantity = keyof typeof trackQuantities;

/** What is compared of a hit: residuals and the cluster's shape. */
export const hitQuantities = {
  hit_pad: { label: "hit along the row", unit: "mm" },
  hit_drift: { label: "hit along the drift", unit: "mm" },
  pad_width: { label: "cluster width in pads", unit: "pad" },
  time_width: { label: "cluster width in time", unit: "bin" },
  charge: { label: "cluster charge per path", unit: "ADC/cm" },
} as const;
export type HitQuantity = keyof typeof hitQuantities;

/** Values by track and by hit, NaN where a track or a cluster was not found. */
export interface ReconstructedSample {
  tracks: Record<TrackQuantity, Float64Array>;
  hits: Record<HitQuantity, Float64Array>;
}

export function emptySample(tracks: number, hits: number): ReconstructedSample {
  const of = <Name extends string>(names: object, n: number) =>
    Object.fromEntries(
      Object.keys(names).map((name) => [name, new Float64Array(n).fill(Number.NaN)]),
    ) as Record<Name, Float64Array>;
  return { tracks: of<TrackQuantity>(trackQuantities, tracks), hits: of<HitQuantity>(hitQuantities, hits) };
}

/** A cluster farther from where the track passed is not taken as its own. */
const [roadPads, roadBins] = [3, 6];

/** The cluster nearest to a place, within the road; null where there is none. */
export function nearestCluster(clusters: Cluster[], pad: number, bin: number): Cluster | null {
  let [found, best]: [Cluster | null, number] = [null, 1];
  for (const cluster of clusters) {
    const distance = ((cluster.pad - pad) / roadPads) ** 2 + ((cluster.bin - bin) / roadBins) ** 2;
    if (distance < best) [found, best] = [cluster, distance];
  }
  return found;
}

/** Finds the hit of a crossing and writes its values at `hit`; null where there is none. */
export function recordHit(
  plane: Plane,
  at: Pick<Crossing, "row" | "pad" | "drift" | "crossing" | "dip">,
  padWidthMm: number,
  mmPerBin: number,
  { hits }: ReconstructedSample,
  hit: number,
): Cluster | null {
  const cluster = nearestCluster(findClusters(plane), at.pad, at.drift);
  if (cluster === null) return null;
  hits.hit_pad[hit] = (cluster.pad - at.pad) * padWidthMm;
  hits.hit_drift[hit] = (cluster.bin - at.drift) * mmPerBin;
  hits.pad_width[hit] = cluster.padWidth;
  hits.time_width[hit] = cluster.binWidth;
  hits.charge[hit] = (cluster.charge * Math.cos(at.crossing) * Math.cos(at.dip)) / rowHeightCm(at.row);
  return cluster;
}

/** Fits a track and writes its values at `index`. */
export function recordTrack(
  track: Track,
  crossings: Crossing[],
  clusters: (Cluster | null)[],
  conditions: FitConditions,
  { tracks }: ReconstructedSample,
  index: number,
): void {
  const fitted = fitTrack(crossings, clusters, track.vertex, conditions);
  if (fitted === null) return;
  tracks.dca_xy[index] = 10 * fitted.dcaXy;
  tracks.dca_z[index] = 10 * fitted.dcaZ;
  tracks.pt[index] = 100 * (track.pt / fitted.pt - 1);
  const turns = (fitted.azimuth - track.azimuth) / (2 * Math.PI);
  tracks.azimuth[index] = 2000 * Math.PI * (turns - Math.round(turns));
  tracks.dip[index] = 1000 * (fitted.dip - track.dip);
  tracks.dedx[index] = fitted.dedx;
}

/**
 * Turns energy losses into per cent of what the momentum lets expect: e to a parabola in ln p, fitted to the simulator's
 * tracks. The change of the mean within a bin of pT would hide the resolution otherwise.
 */
export function scaleEnergyLoss(
  tracks: Track[],
  simulator: ReconstructedSample[],
  all: ReconstructedSample[],
): void {
  const u = tracks.map(({ pt, dip }) => Math.log(pt / Math.cos(dip)));
  const expected = parabola(
    simulator.flatMap(() => u),
    simulator.flatMap(({ tracks: { dedx } }) => Array.from(dedx, (loss) => Math.log(loss))),
  );
  for (const { dedx } of all.map((sample) => sample.tracks)) {
    for (let k = 0; k < dedx.length; k++) dedx[k] = 100 * (dedx[k] / Math.exp(expected(u[k])) - 1);
  }
}

/** The parabola of least squares through points of which some have no y. */
function parabola(x: number[], y: number[]): (x: number) => number {
  // Orthogonal polynomials on the points: no system of equations to solve.
  const points = x.map((_, k) => k).filter((k) => Number.isFinite(y[k]));
  const mean = (value: (k: number) => number) =>
    points.reduce((sum, k) => sum + value(k), 0) / Math.max(1, points.length);
  const x0 = mean((k) => x[k]);
  const s2 = mean((k) => (x[k] - x0) ** 2);
  const s3 = mean((k) => (x[k] - x0) ** 3);
  const first = (at: number) => at - x0;
  const second = (at: number) => (at - x0) ** 2 - s2 - (s3 / s2) * (at - x0);
  const part = (p: (at: number) => number) => mean((k) => p(x[k]) * y[k]) / mean((k) => p(x[k]) ** 2);
  const [a, b, c] = [mean((k) => y[k]), part(first), part(second)];
  return (at) => a + b * first(at) + c * second(at);
}

/** Responses of a generator. Throws `invalid_bundle` where their number is wrong. */
export async function responsesOf(
  generate: Generate,
  features: Float32Array,
  rows: number,
  draw: number,
  output: OutputImage,
): Promise<Float32Array> {
  const responses = await generate(features, rows, draw);
  const wanted = rows * cellCount(output);
  if (responses.length === wanted) return responses;
  throw fail(
    "invalid_bundle",
    `Reconstructing tracks: asked for ${rows} responses, ${wanted} values, and got ${responses.length}.`,
    { field: output.name, remedy: "The model's output must have the shape that the family declares." },
  );
}

export function cellCount(output: OutputImage): number {
  return output.axes[0].size * output.axes[1].size;
}
