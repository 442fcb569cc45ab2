// Distributions of one quantity, one on another: outlines with error bars, a colour and a legend each.

import * as Plot from "@observablehq/plot";
import type { Histogram } from "./histogram.ts";
import { centred, leftMargin, type Panel, panel, stack } from "./panel.ts";

/** Told apart by people with any colour vision (Okabe and Ito 2008, jfly.uni-koeln.de/color). */
const palette = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"];

export interface NamedHistogram {
  name: string;
  histogram: Histogram;
}

/** One SVG; `unit` is what the ordinate counts. */
export function distributionsPlot(title: string, drawn: NamedHistogram[], unit: string): string {
  const { low, high, bins, label } = drawn[0].histogram;
  const step = (high - low) / bins;
  const marks = drawn.flatMap(({ histogram }, i) => {
    const colour = palette[i % palette.length];
    const rows = Array.from({ length: bins }, (_, b) => ({
      low: low + b * step,
      high: low + (b + 1) * step,
      middle: low + (b + 0.5) * step,
      value: histogram.values[b + 1],
      error: Math.sqrt(histogram.variances[b + 1]),
    }));
    const outline = rows.flatMap(({ low, high, value }) => [
      { x: low, y: value },
      { x: high, y: value },
    ]);
    return [
      ...(drawn.length === 1
        ? [Plot.rectY(rows, { x1: "low", x2: "high", y: "value", fill: colour, fillOpacity: 0.15 })]
        : []),
      Plot.line(outline, { x: "x", y: "y", stroke: colour, strokeWidth: 1.5 }),
      Plot.ruleX(rows, {
        x: "middle",
        y1: ({ value, error }) => value - error,
        y2: ({ value, error }) => value + error,
        stroke: colour,
        strokeOpacity: 0.6,
      }),
    ];
  });
  const plot = panel({
    width: 640,
    height: 380,
    marginLeft: leftMargin + 12,
    marginRight: 12,
    marginTop: 10,
    marginBottom: 38,
    x: { domain: [low, high], ...centred(label) },
    y: { ...centred(unit), nice: true, grid: true, zero: true },
    marks: [...marks, Plot.ruleY([0], { stroke: "currentColor" })],
  });
  return stack(title, drawn.length > 1 ? [legend(drawn), plot] : [plot]);
}

function legend(drawn: NamedHistogram[]): Panel {
  const rows = drawn.map(({ name }, i) => ({ name, colour: palette[i % palette.length], y: i }));
  return panel({
    width: 640,
    height: 16 * drawn.length + 8,
    marginLeft: leftMargin + 12,
    marginTop: 8,
    marginBottom: 8,
    x: { domain: [0, 100], axis: null },
    y: { domain: [0, Math.max(1, drawn.length - 1)], axis: null, reverse: true },
    marks: [
      Plot.ruleY(rows, { y: "y", x1: 0, x2: 4, stroke: "colour", strokeWidth: 3 }),
      Plot.text(rows, { x: 5, y: "y", text: "name", textAnchor: "start" }),
    ],
  });
}
