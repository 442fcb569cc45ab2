// The plots of reconstruction: resolution against pT and dip with the ratio below, and bias with its pulls.

import * as Plot from "@observablehq/plot";
import { centred, colours, leftMargin, panel, stack } from "../../plotting/panel.ts";
import type { ReconstructionFigure } from "./figures.ts";
import { type RatioLimits, ratioInterval } from "./verdict.ts";

const width = 360;
const margins = { marginLeft: leftMargin, marginRight: 8 };

interface Point {
  low: number;
  high: number;
  middle: number;
  /** Beside the middle, so that the two sides don't hide one another. */
  left: number;
  right: number;
  figure: ReconstructionFigure;
}

/**
 * One quantity against what its bins are of: the simulator's points with their bins, the model's beside them; below, the
 * ratio with its 95 % interval, the limits as a band, and the simulator drawn again as rings.
 */
export function resolutionPlot(figures: ReconstructionFigure[], limits: RatioLimits): string {
  const [{ label, unit, statistic, by }] = figures;
  const { points, x } = frame(figures);
  const of = (side: "simulator" | "model") => (p: Point) =>
    p.figure[side][statistic === "mean" ? "mean" : "width"];
  const top = panel({
    width,
    height: 180,
    ...margins,
    marginTop: 8,
    marginBottom: 6,
    x: { ...x, axis: null },
    y: {
      ...centred(`${statistic === "mean" ? "mean" : "resolution"} / ${unit}`),
      zero: statistic !== "mean",
      nice: true,
      ticks: 5,
    },
    marks: [
      Plot.ruleY(points, { x1: "low", x2: "high", y: of("simulator"), stroke: colours.truth }),
      Plot.dot(points, { x: "left", y: of("simulator"), r: 3, fill: colours.truth }),
      Plot.dot(points, { x: "right", y: of("model"), r: 3, fill: colours.generated }),
    ],
  });
  const intervals = points.map((p) => {
    const [low, high] = ratioInterval(p.figure);
    return { ...p, ratio: p.figure.ratio, low95: Math.max(0.7, low), high95: Math.min(1.3, high) };
  });
  const bottom = panel({
    width,
    height: 110,
    ...margins,
    marginTop: 6,
    marginBottom: 34,
    x: { ...x, ...centred(axisLabel(by)) },
    y: {
      domain: [0.7, 1.3],
      ticks: [0.8, 1, 1.2],
      ...centred("model / sim."),
      clamp: true,
    },
    marks: [
      Plot.rect([0], {
        x1: x.domain[0],
        x2: x.domain[1],
        y1: limits.minimum,
        y2: limits.maximum,
        fill: colours.quiet,
        fillOpacity: 0.2,
      }),
      Plot.ruleY([1], { stroke: colours.quiet }),
      Plot.ruleX(intervals, { x: "right", y1: "low95", y2: "high95", stroke: colours.generated }),
      Plot.dot(intervals, { x: "right", y: "ratio", r: 3, fill: colours.generated }),
      Plot.dot(
        points.filter((p) => p.figure.floor !== null),
        { x: "left", y: (p) => p.figure.floor, r: 2.5, stroke: colours.truth },
      ),
    ],
  });
  return stack(label, [top, bottom]);
}

/** Mean difference from the truth, simulator and model; below, the pull of the model's against the simulator's. */
export function biasPlot(figures: ReconstructionFigure[]): string {
  const [{ label, unit, by }] = figures;
  const { points, x } = frame(figures);
  const errorOf = (figure: ReconstructionFigure) => figure.simulator.width / Math.sqrt(figure.count);
  const bars = points.map((p) => ({
    ...p,
    below: p.figure.simulator.mean - errorOf(p.figure),
    above: p.figure.simulator.mean + errorOf(p.figure),
    generatedBelow: p.figure.model.mean - errorOf(p.figure),
    generatedAbove: p.figure.model.mean + errorOf(p.figure),
    pull: p.figure.shift / p.figure.shiftError,
  }));
  const top = panel({
    width,
    height: 150,
    ...margins,
    marginTop: 8,
    marginBottom: 6,
    x: { ...x, axis: null },
    y: { ...centred(`bias / ${unit}`), nice: true, ticks: 5 },
    marks: [
      Plot.ruleY([0], { stroke: colours.quiet }),
      Plot.ruleX(bars, { x: "left", y1: "below", y2: "above", stroke: colours.truth }),
      Plot.dot(bars, { x: "left", y: (p) => p.figure.simulator.mean, r: 3, fill: colours.truth }),
      Plot.ruleX(bars, { x: "right", y1: "generatedBelow", y2: "generatedAbove", stroke: colours.generated }),
      Plot.dot(bars, { x: "right", y: (p) => p.figure.model.mean, r: 3, fill: colours.generated }),
    ],
  });
  const bottom = panel({
    width,
    height: 92,
    ...margins,
    marginTop: 6,
    marginBottom: 34,
    x: { ...x, ...centred(axisLabel(by)) },
    y: {
      domain: [-5, 5],
      ticks: [-3, 0, 3],
      ...centred("pull"),
      clamp: true,
    },
    marks: [
      Plot.rect([0], {
        x1: x.domain[0],
        x2: x.domain[1],
        y1: -1,
        y2: 1,
        fill: colours.quiet,
        fillOpacity: 0.2,
      }),
      Plot.ruleY([0], { stroke: colours.quiet }),
      Plot.dot(bars, { x: "middle", y: "pull", r: 3, fill: colours.generated }),
    ],
  });
  return stack(`${label}: bias`, [top, bottom]);
}

/** Bins as points, on a logarithmic axis for pT. */
function frame(figures: ReconstructionFigure[]) {
  const logarithmic = figures[0].by === "pT";
  const points = figures.map((figure): Point => {
    const { low, high } = figure;
    const at = (part: number) => (logarithmic ? low * (high / low) ** part : low + part * (high - low));
    return { low, high, middle: at(0.5), left: at(0.42), right: at(0.58), figure };
  });
  const domain: [number, number] = [points[0].low, points[points.length - 1].high];
  const x = logarithmic
    ? { domain, type: "log" as const, ticks: [0.2, 0.3, 0.5, 1, 2], tickFormat: String }
    : { domain, ticks: 6 };
  return { points, x };
}

function axisLabel(by: string): string {
  const units: Record<string, string> = { pT: "GeV/c", "|dip|": "deg" };
  return `${by} / ${units[by] ?? ""}`;
}
