// driftline data plot: the histogram of an expression over files, as SVG or PNG.

import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { fail } from "../../../errors/registry.ts";
import { distributionsPlot } from "../../../plotting/distributions.ts";
import { type Histogram, uhiHistogram } from "../../../plotting/histogram.ts";
import { toPng } from "../../../plotting/png.ts";
import {
  type HistogramAxis,
  type HistogramFigures,
  histogramOf,
  rangeOf,
} from "../../../streaming/assembly/histogramOf.ts";
import { defineCommand } from "../../command.ts";
import { writeOut } from "../../writeOut.ts";
import { timeLeft } from "./timeLeft.ts";
import { viewOf, viewOptions } from "./viewOptions.ts";

const defaultBins = 60;

export const dataPlot = defineCommand({
  name: "data plot",
  summary: "Draw the histogram of an expression; of several samples (NAME=FILE) one on another.",
  positionals: ["EXPRESSION", "FILE..."],
  options: {
    ...viewOptions,
    weight: { type: "string", value: "EXPRESSION", description: "Weight of an entry" },
    bins: {
      type: "string",
      value: "N[,LOW,HIGH]",
      description: `Bins and range (default ${defaultBins}; the middle 99.8 % of the values, widened to the ends where these are near)`,
    },
    norm: { type: "boolean", description: "Scale each sample to an area of one" },
    out: { type: "string", value: "FILE", description: "plot.svg or plot.png (default plot.svg)" },
  },
  examples: [
    "driftline data plot MET_pt events.root",
    "driftline data plot 'max(Jet_pt)' signal=ttH.root background='ttjets*.root' --bins 50,0,500 --norm --out jets.png",
  ],
  async run(context, [expression, ...files], options) {
    const out = options.out ?? "plot.svg";
    if (!/\.(svg|png)$/i.test(out))
      throw fail("usage", `--out ${out}: is neither .svg nor .png.`, {
        field: "--out",
        remedy: "Name a file that ends in .svg or .png.",
      });
    const { bins, range } = binning(options.bins);
    const samples = new Map<string, string[]>();
    for (const word of files) {
      const [, name = "", file = word] = /^([A-Za-z_][\w.-]{0,63})=(.+)$/.exec(word) ?? [];
      samples.set(name, [...(samples.get(name) ?? []), file]);
    }
    const views = [...samples].map(([name, paths]) => ({
      name,
      view: { ...viewOf(paths, options), signal: context.signal },
    }));
    const show = (label: string) => (total: number | null) => timeLeft(context.progress, label, total);
    const found =
      range ??
      (await rangeOf(
        views.map(({ view }) => view),
        expression,
        show("range"),
      ));
    const axis: HistogramAxis = { label: expression, bins, ...found };
    const figures: (HistogramFigures & { name: string })[] = [];
    for (const { name, view } of views)
      figures.push({
        name: name || "entries",
        ...(await histogramOf(view, expression, options.weight, axis, show("fill"))),
      });
    const drawn = figures.map(({ name, histogram }) => ({
      name,
      histogram: options.norm ? normed(histogram) : histogram,
    }));
    const title = options.cut === undefined ? expression : `${expression}, ${options.cut}`;
    const svg = distributionsPlot(title, drawn, options.norm ? "part of the sample / bin" : "entries / bin");
    const content = out.toLowerCase().endsWith(".png") ? await toPng(svg) : svg;
    await writeOut("--out", out, () => writeFile(resolve(out), content));
    return {
      json: {
        file: resolve(out),
        samples: figures.map(({ name, histogram, ...rest }) => ({
          name,
          ...rest,
          histogram: uhiHistogram(histogram, name),
        })),
      },
      text: [...figures.map(line), `Drawn in ${out}`].join("\n"),
    };
  },
});

function line({
  name,
  read,
  entries,
  values,
  missing,
  mean,
  deviation,
  histogram,
}: HistogramFigures & { name: string }) {
  const outside = [histogram.values[0], histogram.values[histogram.bins + 1]];
  const figure = (value: number) => Number(value.toPrecision(5)).toString();
  const parts = [
    `${values} values of ${entries} of ${read} entries`,
    `mean ${figure(mean)}`,
    `standard deviation ${figure(deviation)}`,
    ...(outside[0] > 0 ? [`${figure(outside[0])} below ${histogram.low}`] : []),
    ...(outside[1] > 0 ? [`${figure(outside[1])} from ${histogram.high} on`] : []),
    ...(missing > 0 ? [`${missing} not a number`] : []),
  ];
  return `${name}: ${parts.join(", ")}`;
}

function normed(histogram: Histogram): Histogram {
  const sum = histogram.values.reduce((total, value) => total + value, 0);
  if (!(sum > 0)) return histogram;
  return {
    ...histogram,
    values: histogram.values.map((value) => value / sum),
    variances: histogram.variances.map((value) => value / sum ** 2),
  };
}

function binning(text: string | undefined): { bins: number; range: { low: number; high: number } | null } {
  if (text === undefined) return { bins: defaultBins, range: null };
  const parts = text.split(",").map((part) => (part.trim() === "" ? Number.NaN : Number(part)));
  const [bins, low, high] = parts;
  const whole = Number.isInteger(bins) && bins >= 1 && bins <= 10_000;
  if (whole && parts.length === 1) return { bins, range: null };
  if (whole && parts.length === 3 && Number.isFinite(low) && Number.isFinite(high) && low < high)
    return { bins, range: { low, high } };
  throw fail(
    "usage",
    `--bins ${text}: a number of bins, or bins, low and high with commas between, are needed.`,
    {
      field: "--bins",
      remedy: "For example --bins 50,0,200.",
    },
  );
}
