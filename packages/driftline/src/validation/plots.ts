// The plots of a validation: distributions with ratio, profiles with pulls, ranks, and responses side by side.

import * as Plot from "@observablehq/plot";
import type { Histogram } from "../plotting/histogram.ts";
import { centred, colours, leftMargin, type Panel, panel, stack } from "../plotting/panel.ts";
import type { Distribution, Example, PlotData, ProfilePlot, RankPlot } from "./plotData.ts";

const width = 360;
const margins = { marginLeft: leftMargin, marginRight: 8 };

interface Bin {
  low: number;
  high: number;
  middle: number;
  value: number;
  error: number;
}

function binsOf({ low, high, bins, values, variances }: Histogram): Bin[] {
  const step = (high - low) / bins;
  return Array.from({ length: bins }, (_, b) => ({
    low: low + b * step,
    high: low + (b + 1) * step,
    middle: low + (b + 0.5) * step,
    value: values[b + 1],
    error: Math.sqrt(variances[b + 1]),
  }));
}

/** Events a bin, true and generated, above the ratio generated/true with the truth's own error as a band about 1. */
export function distributionPlot({ truth, generated }: Distribution): string {
  const [a, b] = [binsOf(truth), binsOf(generated)];
  const domain: [number, number] = [truth.low, truth.high];
  const top = panel({
    width,
    height: 190,
    ...margins,
    marginTop: 8,
    marginBottom: 6,
    x: { domain, axis: null },
    y: { ...centred("events / bin"), nice: true, ticks: 5 },
    marks: [
      Plot.rectY(a, { x1: "low", x2: "high", y: "value", fill: colours.truth, fillOpacity: 0.2 }),
      Plot.ruleX(a, errorBars(colours.truth)),
      Plot.dot(a, { x: "middle", y: "value", r: 2, fill: colours.truth }),
      Plot.line(outline(b), { x: "x", y: "y", stroke: colours.generated, strokeWidth: 1.5 }),
      Plot.ruleX(b, errorBars(colours.generated)),
      Plot.ruleY([0], { stroke: "currentColor" }),
    ],
  });
  const ratios = a.flatMap((bin, k) =>
    bin.value > 0
      ? [
          {
            ...bin,
            value: b[k].value / bin.value,
            error: b[k].error / bin.value,
            below: 1 - bin.error / bin.value,
            above: 1 + bin.error / bin.value,
          },
        ]
      : [],
  );
  const bands = ratios.map((bin) => ({
    ...bin,
    below: Math.max(0.5, bin.below),
    above: Math.min(1.5, bin.above),
  }));
  const inside = ratios.filter(({ value }) => value >= 0.5 && value <= 1.5);
  const bottom = panel({
    width,
    height: 92,
    ...margins,
    marginTop: 6,
    marginBottom: 34,
    x: { domain, ...centred(truth.label), ticks: 6 },
    y: {
      domain: [0.5, 1.5],
      ticks: [0.5, 1, 1.5],
      ...centred("gen. / true"),
    },
    marks: [
      Plot.rect(bands, {
        x1: "low",
        x2: "high",
        y1: "below",
        y2: "above",
        fill: colours.truth,
        fillOpacity: 0.2,
      }),
      Plot.ruleY([1], { stroke: colours.quiet }),
      Plot.ruleX(inside, { ...errorBars(colours.generated), clip: true }),
      Plot.dot(inside, { x: "middle", y: "value", r: 2, fill: colours.generated }),
    ],
  });
  return stack(truth.label, [top, bottom]);
}

function errorBars(stroke: string): Plot.RuleXOptions {
  const low = (bin: Bin) => bin.value - bin.error;
  const high = (bin: Bin) => bin.value + bin.error;
  return { x: "middle", y1: low, y2: high, stroke };
}

/** The upper edge of a histogram as a line. */
function outline(bins: Bin[]): { x: number; y: number }[] {
  return bins.flatMap(({ low, high, value }) => [
    { x: low, y: value },
    { x: high, y: value },
  ]);
}

/** Mean and mean ± σ in bins of an input, above the pulls of both bands: (generated - true)/error. */
export function profilePlot(
  { quantityLabel, feature, label, truth, generated }: ProfilePlot,
  chi2?: number,
): string {
  const step = (truth.high - truth.low) / truth.means.length;
  const rows = Array.from({ length: truth.means.length }, (_, b) => {
    const error = Math.sqrt(
      truth.meanErrors2[b] +
        truth.deviationErrors2[b] +
        generated.meanErrors2[b] +
        generated.deviationErrors2[b],
    );
    const difference = generated.means[b] - truth.means[b];
    const spread = generated.deviations[b] - truth.deviations[b];
    return {
      middle: truth.low + (b + 0.5) * step,
      value: truth.means[b],
      error: Math.sqrt(truth.meanErrors2[b]),
      low: truth.low + b * step,
      high: truth.low + (b + 1) * step,
      below: truth.means[b] - truth.deviations[b],
      above: truth.means[b] + truth.deviations[b],
      mean: generated.means[b],
      generatedBelow: generated.means[b] - generated.deviations[b],
      generatedAbove: generated.means[b] + generated.deviations[b],
      pullAbove: (difference + spread) / error,
      pullBelow: (difference - spread) / error,
      shift: step / 7,
    };
  }).filter((row) => Number.isFinite(row.pullAbove));
  const domain: [number, number] = [truth.low, truth.high];
  const line = (y: string, dash?: string) =>
    Plot.line(rows, { x: "middle", y, stroke: colours.generated, strokeWidth: 1.5, strokeDasharray: dash });
  const top = panel({
    width,
    height: 170,
    ...margins,
    marginTop: 8,
    marginBottom: 6,
    x: { domain, axis: null },
    y: { ...centred(quantityLabel), nice: true, ticks: 5 },
    marks: [
      Plot.rect(rows, {
        x1: "low",
        x2: "high",
        y1: "below",
        y2: "above",
        fill: colours.truth,
        fillOpacity: 0.2,
      }),
      line("generatedBelow", "4 3"),
      line("generatedAbove", "4 3"),
      line("mean"),
      Plot.ruleX(rows, errorBars(colours.truth) as Plot.RuleXOptions),
      Plot.dot(rows, { x: "middle", y: "value", r: 2, fill: colours.truth }),
    ],
  });
  const bottom = panel({
    width,
    height: 100,
    ...margins,
    marginTop: 6,
    marginBottom: 34,
    x: { domain, ...centred(label), ticks: 6 },
    y: {
      domain: [-4, 4],
      ticks: [-3, 0, 3],
      ...centred("pull"),
      clamp: true,
    },
    marks: [
      Plot.rect([0], { x1: truth.low, x2: truth.high, y1: -1, y2: 1, fill: colours.quiet, fillOpacity: 0.2 }),
      Plot.ruleY([0], { stroke: colours.quiet }),
      Plot.dot(rows, { x: (r) => r.middle - r.shift, y: "pullBelow", r: 2, stroke: colours.generated }),
      Plot.dot(rows, { x: (r) => r.middle + r.shift, y: "pullAbove", r: 2, fill: colours.generated }),
    ],
  });
  const title = `against ${feature.replaceAll("_", " ")}`;
  return stack(title, [top, bottom], chi2 === undefined ? "" : `χ²/term ${chi2.toFixed(2)}`);
}

/** How often the true value has each rank among the generated ones; flat (the line, ± 1 σ) when calibrated. */
export function rankPlot({ label, counts }: RankPlot, chi2: number): string {
  const expected = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  const sigma = Math.sqrt(expected * (1 - 1 / counts.length));
  const rows = Array.from(counts, (value, rank) => ({ rank, value }));
  const only = panel({
    width,
    height: 160,
    ...margins,
    marginTop: 8,
    marginBottom: 34,
    x: {
      ...centred("generated draws below the truth"),
      ticks: counts.length,
    },
    y: {
      ...centred("events"),
      ticks: 5,
      domain: [0, Math.max(...counts, expected + 2 * sigma) * 1.1],
    },
    marks: [
      Plot.rect(rows, {
        x1: (r) => r.rank - 0.45,
        x2: (r) => r.rank + 0.45,
        y1: 0,
        y2: "value",
        fill: colours.truth,
        fillOpacity: 0.45,
      }),
      Plot.rect([0], {
        x1: -0.5,
        x2: counts.length - 0.5,
        y1: expected - sigma,
        y2: expected + sigma,
        fill: colours.quiet,
        fillOpacity: 0.35,
      }),
      Plot.ruleY([expected], { stroke: colours.quiet }),
      Plot.ruleY([0], { stroke: "currentColor" }),
    ],
  });
  return stack(label, [only], `χ²/dof ${chi2.toFixed(2)}`);
}

/** A true response and generated ones at the same inputs, one logarithmic colour scale. */
export function examplePlot({ truth, generated }: Example, { axes, unit }: PlotData): string {
  const largest = Math.max(1, ...truth, ...generated.flatMap((image) => [...image]));
  const image = (title: string, amplitudes: Float32Array): Panel => {
    const [height, length] = [axes[0].size, axes[1].size];
    const cells = Array.from(amplitudes, (amplitude, i) => ({
      x: axes[1].first + (i % length),
      y: axes[0].first + Math.floor(i / length),
      amplitude,
    })).filter((cell) => cell.amplitude > 0);
    return panel({
      width,
      height: 170,
      marginLeft: 40,
      marginRight: 8,
      marginTop: 18,
      marginBottom: 32,
      x: {
        domain: [axes[1].first - 0.5, axes[1].first + length - 0.5],
        ...centred(`${axes[1].name}: cell relative to the track`),
        ticks: 8,
      },
      y: {
        domain: [axes[0].first - 0.5, axes[0].first + height - 0.5],
        ...centred(axes[0].name),
        ticks: height,
      },
      color: { type: "log", scheme: "Viridis", domain: [1, largest] },
      marks: [
        Plot.frame({ stroke: colours.quiet }),
        Plot.rect(cells, {
          x1: (c) => c.x - 0.5,
          x2: (c) => c.x + 0.5,
          y1: (c) => c.y - 0.5,
          y2: (c) => c.y + 0.5,
          fill: (c) => Math.max(1, c.amplitude),
          inset: 0.5,
        }),
        Plot.text([title], { frameAnchor: "top-right", dy: -14, fill: "currentColor" }),
      ],
    });
  };
  const sum = (amplitudes: Float32Array) =>
    amplitudes.reduce((total, amplitude) => total + amplitude, 0).toFixed(0);
  const panels = [
    image(`true, sum ${sum(truth)} ${unit}`, truth),
    ...generated.map((amplitudes) => image(`generated, sum ${sum(amplitudes)} ${unit}`, amplitudes)),
  ];
  return stack(`largest cell ${largest.toFixed(0)} ${unit}`, panels);
}
