// What the plots show, as plain data: distributions, profiles, ranks and a few responses, true and generated.

import type { InputFeature, OutputImage } from "../family/family.ts";
import { type Histogram, histogram } from "../plotting/histogram.ts";
import { quantile } from "./compare.ts";
import { columnValues, type FeatureColumn } from "./features.ts";
import { type Profile, profile, sharedBins } from "./profile.ts";
import type { Sample } from "./sample.ts";
import { moments, summarise, summaryQuantities } from "./summaries.ts";

export interface Distribution {
  name: string;
  truth: Histogram;
  generated: Histogram;
}

export interface ProfilePlot {
  quantity: string;
  quantityLabel: string;
  feature: string;
  /** Label of the horizontal axis. */
  label: string;
  truth: Profile;
  generated: Profile;
}

export interface RankPlot {
  name: string;
  label: string;
  /** Events with each rank 0 … draws. */
  counts: Float64Array;
}

export interface Example {
  /** Name, value and unit of each input. */
  inputs: { name: string; value: number; unit: string }[];
  truth: Float32Array;
  /** Two draws of the model at the same inputs. */
  generated: Float32Array[];
}

export interface PlotData {
  distributions: Distribution[];
  profiles: ProfilePlot[];
  ranks: RankPlot[];
  examples: Example[];
  axes: { name: string; size: number; first: number }[];
  unit: string;
}

const [bins, examples, exampleDraws] = [40, 3, 2];

/** Data of the plots for truth (one draw) and generated responses at the same inputs. */
export function plotData(
  truth: Sample,
  generated: Sample,
  ranks: Float64Array[],
  setting: { columns: FeatureColumn[]; inputs: readonly InputFeature[]; output: OutputImage },
): PlotData {
  const { columns, inputs, output } = setting;
  const quantities = summaryQuantities(output);
  const [trueSummaries, generatedSummaries] = [summarise(truth, output), summarise(generated, output)];
  const shared = sharedBins(
    columnValues(columns, truth, inputs.length),
    columnValues(columns, generated, inputs.length),
  );
  const profiles = columns.flatMap(({ name, label, centre, halfWidth }, f) => {
    const { low, high } = shared.ranges[f];
    const range = { low: centre + low * halfWidth, high: centre + high * halfWidth };
    return quantities.slice(0, moments).map((quantity, k) => ({
      quantity: quantity.name,
      quantityLabel: quantity.label,
      feature: name,
      label,
      truth: profile(trueSummaries[k], shared.a[f], range),
      generated: profile(generatedSummaries[k], shared.b[f], range),
    }));
  });
  return {
    distributions: quantities.map(({ name, label }, k) => {
      const axis = { label, ...histogramAxis(trueSummaries[k], name === "digits") };
      return {
        name,
        truth: histogram(trueSummaries[k], axis),
        generated: histogram(generatedSummaries[k], axis, generated.draws),
      };
    }),
    profiles,
    ranks: ranks.map((counts, k) => ({ name: quantities[k].name, label: quantities[k].label, counts })),
    examples: Array.from({ length: Math.min(examples, truth.events) }, (_, e) =>
      example(e, truth, generated, inputs),
    ),
    axes: output.axes.map(({ name, size, first }) => ({ name, size, first })),
    unit: output.unit,
  };
}

/** Covers all but the outermost 0.3 % of the values on each side; bins of whole numbers for counts. */
function histogramAxis(values: Float64Array, counts: boolean): { low: number; high: number; bins: number } {
  const sorted = values.slice().sort();
  const [from, to] = [quantile(sorted, 0.003), quantile(sorted, 0.997)];
  if (counts) {
    const [low, high] = [Math.floor(from) - 0.5, Math.ceil(to) + 0.5];
    const width = Math.ceil((high - low) / bins);
    const whole = Math.ceil((high - low) / width);
    return { low, high: low + whole * width, bins: whole };
  }
  if (!(to > from)) return { low: from - 0.5, high: from + 0.5, bins };
  const margin = 0.05 * (to - from);
  return { low: from - margin, high: to + margin, bins };
}

function example(e: number, truth: Sample, generated: Sample, inputs: readonly InputFeature[]): Example {
  const cells = truth.responses.length / truth.events;
  const at = (sample: Sample, d: number) =>
    sample.responses.slice((d * sample.events + e) * cells, (d * sample.events + e + 1) * cells);
  return {
    inputs: inputs.map(({ name, unit }, k) => ({
      name,
      value: truth.features[e * inputs.length + k],
      unit,
    })),
    truth: at(truth, 0),
    generated: Array.from({ length: Math.min(exampleDraws, generated.draws) }, (_, d) => at(generated, d)),
  };
}
