// One page of plots, experiment against simulator: profiles of the moments and distributions.

import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import {
  dipEdges,
  driftEdges,
  featureOf,
  type Moments,
  mean,
  momentsOf,
  type ResponseSet,
  select,
} from "./figures.ts";

const WIDTH = 330;
const HEIGHT = 240;
const COLUMNS = 3;
const HEAD = 44;
const FLOOR = 1e-4;
const INK = "#1b1b1b";
const SIMULATED = "#c2410c";

interface Point {
  x: number;
  y: number;
  error: number;
}

/** Means of `values` in bins of `by`. */
function profile(by: Float64Array, values: Float64Array, edges: number[]): Point[] {
  return edges.slice(0, -1).flatMap((low, b) => {
    const keep = (row: number) => by[row] >= low && by[row] < edges[b + 1];
    const inside = select(values, keep);
    if (inside.length < 20) return [];
    const { value, error } = mean(inside);
    return [{ x: 0.5 * (low + edges[b + 1]), y: value, error }];
  });
}

/** Fractions of the responses in bins, with binomial errors; those beyond an end are in no bin. */
function histogram(values: Float64Array, edges: number[]): Point[] {
  return edges.slice(0, -1).map((low, b) => {
    const share = values.reduce((n, v) => n + (v >= low && v < edges[b + 1] ? 1 : 0), 0) / values.length;
    return {
      x: 0.5 * (low + edges[b + 1]),
      y: share,
      error: Math.sqrt((share * (1 - share)) / values.length),
    };
  });
}

const edgesOf = (low: number, high: number, bins: number) =>
  Array.from({ length: bins + 1 }, (_, i) => low + ((high - low) * i) / bins);

interface Panel {
  x: string;
  y: string;
  theirs: Point[];
  ours: Point[];
  zero?: boolean;
  /** Logarithmic in y. */
  log?: boolean;
}

function panels(experiment: ResponseSet, simulated: ResponseSet): Panel[] {
  const both = [experiment, simulated].map((set) => ({ set, m: momentsOf(set) }));
  const of = (make: (set: ResponseSet, m: Moments) => Point[]) => {
    const [theirs, ours] = both.map(({ set, m }) => make(set, m));
    return { theirs, ours };
  };
  const tan = (set: ResponseSet, column: number) =>
    featureOf(set, column).map((degrees) => Math.tan((degrees * Math.PI) / 180));
  const drift = "drift length (bins)";
  const dip = "dip angle (deg)";
  return [
    {
      x: drift,
      y: "pad variance (pads²)",
      ...of((set, m) => profile(featureOf(set, 2), m.padVariance, driftEdges)),
    },
    {
      x: drift,
      y: "time variance (bins²)",
      ...of((set, m) => profile(featureOf(set, 2), m.timeVariance, driftEdges)),
    },
    {
      x: dip,
      y: "time variance (bins²)",
      ...of((set, m) => profile(featureOf(set, 1), m.timeVariance, dipEdges)),
    },
    {
      x: dip,
      y: "pad variance (pads²)",
      ...of((set, m) => profile(featureOf(set, 1), m.padVariance, dipEdges)),
    },
    {
      x: "crossing angle (deg)",
      y: "pad variance (pads²)",
      ...of((set, m) => profile(featureOf(set, 0), m.padVariance, edgesOf(-20, 20, 8))),
    },
    {
      x: "tan crossing · tan dip",
      y: "covariance (pads · bins)",
      ...of((set, m) => {
        const dips = tan(set, 1);
        return profile(
          tan(set, 0).map((c, row) => c * dips[row]),
          m.covariance,
          edgesOf(-0.5, 0.5, 10),
        );
      }),
    },
    {
      x: "log10 of the sum (ADC)",
      y: "share of responses",
      log: true,
      ...of((_, m) => histogram(m.sum.map(Math.log10), edgesOf(2, 4.5, 25))),
    },
    {
      x: "digits",
      y: "share of responses",
      zero: true,
      ...of((_, m) => histogram(m.digits, edgesOf(6.5, 42.5, 18))),
    },
    {
      x: "log10 of the largest cell (ADC)",
      y: "share of responses",
      log: true,
      ...of((_, m) => histogram(m.peak.map(Math.log10), edgesOf(1.2, 3.7, 25))),
    },
    {
      x: "pad mean − coordinate (pads)",
      y: "share of responses",
      zero: true,
      ...of((_, m) => histogram(m.padResidual, edgesOf(-0.4, 0.4, 32))),
    },
    {
      x: "time mean − coordinate (bins)",
      y: "share of responses",
      zero: true,
      ...of((_, m) => histogram(m.timeResidual, edgesOf(-1, 1, 32))),
    },
    {
      x: "time variance (bins²)",
      y: "share of responses",
      zero: true,
      ...of((_, m) => histogram(m.timeVariance, edgesOf(0.5, 4, 28))),
    },
  ];
}

function draw(panel: Panel, document: ReturnType<typeof parseHTML>["document"]): string {
  // On a logarithmic axis bins without responses have no place, and errors end at its floor.
  const low = (p: Point) => (panel.log ? Math.max(FLOOR, p.y - p.error) : p.y - p.error);
  const [theirs, ours] = [panel.theirs, panel.ours].map((points) =>
    points.filter((p) => !panel.log || p.y > FLOOR),
  );
  const svg = Plot.plot({
    document,
    width: WIDTH,
    height: HEIGHT,
    marginLeft: 56,
    marginBottom: 40,
    x: { label: panel.x, labelArrow: "none", labelAnchor: "center", ticks: 6 },
    y: panel.log
      ? {
          label: panel.y,
          labelArrow: "none",
          type: "log",
          domain: [FLOOR, 0.4],
          ticks: 4,
          tickFormat: "~g",
          grid: true,
        }
      : { label: panel.y, labelArrow: "none", ticks: 5, grid: true, zero: panel.zero ?? false },
    marks: [
      Plot.areaY(ours, {
        x: "x",
        y1: low,
        y2: (p: Point) => p.y + p.error,
        fill: SIMULATED,
        fillOpacity: 0.25,
      }),
      Plot.lineY(ours, { x: "x", y: "y", stroke: SIMULATED, strokeWidth: 1.5 }),
      Plot.ruleX(theirs, {
        x: "x",
        y1: low,
        y2: (p: Point) => p.y + p.error,
        stroke: INK,
      }),
      Plot.dot(theirs, { x: "x", y: "y", r: 2.2, fill: INK }),
    ],
  });
  return svg.outerHTML;
}

/** The page as one SVG file. */
export function comparisonPage(experiment: ResponseSet, simulated: ResponseSet): string {
  const { document } = parseHTML("<!doctype html><html><body></body></html>");
  const all = panels(experiment, simulated);
  const width = COLUMNS * WIDTH;
  const height = HEAD + Math.ceil(all.length / COLUMNS) * HEIGHT;
  const placed = all.map((panel, i) => {
    const [x, y] = [(i % COLUMNS) * WIDTH, HEAD + Math.floor(i / COLUMNS) * HEIGHT];
    return `<g transform="translate(${x},${y})">${draw(panel, document)}</g>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}"`,
    ` font-family="system-ui, sans-serif" font-size="10"><rect width="100%" height="100%" fill="white"/>`,
    `<text x="12" y="20" font-size="13" fill="${INK}">MPD TPC responses, entries 2,500 to 4,999, and the simulator `,
    `at the same inputs</text><circle cx="18" cy="34" r="2.5" fill="${INK}"/><text x="28" y="38">experiment</text>`,
    `<path d="M100 34H124" stroke="${SIMULATED}" stroke-width="2"/><text x="130" y="38">simulator (band: its error)</text>`,
    ...placed,
    "</svg>\n",
  ].join("");
}
