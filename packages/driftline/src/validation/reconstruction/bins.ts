// Bins of tracks and of hits, by what they are: pT and dip; row height, drift length and crossing angle.

import { rowHeightCm } from "./chamber.ts";
import type { Bin } from "./figures.ts";
import type { Crossing, Track, TrackRanges } from "./tracks.ts";

const [ptBins, dipBins, hitBins] = [6, 3, 3];
const degrees = 180 / Math.PI;

/** Bins of tracks: six of equal ratio in pT, three in the steepness of the dip, and all together. */
export function trackBins(tracks: Track[], { pt, dip }: TrackRanges): Bin[] {
  const steepest = Math.max(Math.abs(dip.low), Math.abs(dip.high));
  return [
    ...binned(
      "pT",
      "GeV/c",
      edges(pt.low, pt.high, ptBins, true),
      tracks.map((track) => track.pt),
    ),
    ...binned(
      "|dip|",
      "deg",
      edges(0, steepest, dipBins),
      tracks.map((track) => Math.abs(track.dip) * degrees),
    ),
    { by: "all", label: "all tracks", low: pt.low, high: pt.high, items: Int32Array.from(tracks.keys()) },
  ];
}

/** Bins of hits: the two row heights, three of drift length and three of the crossing angle, in the ranges covered. */
export function hitBinsOf(
  hits: Pick<Crossing, "row" | "drift" | "crossing">[],
  covered: Record<string, { low: number; high: number }>,
): Bin[] {
  const { drift_length: drift, crossing_angle: crossing } = covered;
  const steepest = Math.max(Math.abs(crossing.low), Math.abs(crossing.high));
  const heights = hits.map(({ row }) => 10 * rowHeightCm(row));
  const rows = [...new Set(heights)]
    .sort((a, b) => a - b)
    .map(
      (height): Bin => ({
        by: "row height",
        label: `rows of ${height} mm`,
        low: height,
        high: height,
        items: Int32Array.from(heights.keys()).filter((i) => heights[i] === height),
      }),
    );
  return [
    ...rows,
    ...binned(
      "drift length",
      "bins",
      edges(drift.low, drift.high, hitBins),
      hits.map((hit) => hit.drift),
    ),
    ...binned(
      "|crossing angle|",
      "deg",
      edges(0, steepest, hitBins),
      hits.map((hit) => Math.abs(hit.crossing) * degrees),
    ),
  ];
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
