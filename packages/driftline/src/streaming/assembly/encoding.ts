// The transformation from columns to tensors that the statistics of the training rows settle: pad lengths, scales and
// the weights that balance. It is stored with the dataset.

import type { EncodedFeature } from "../features/encode.ts";
import { scaleOf } from "../features/scaling.ts";
import type { SelectedFeature } from "../features/selectFeatures.ts";
import { type FeatureStatistics, lengthQuantile } from "../features/statistics.ts";
import type { Measured } from "./measure.ts";

export interface Encoding {
  features: EncodedFeature[];
  width: number;
  /** Factor on the weight of a row, by what is balanced; null where nothing is. */
  factors: Map<number, number> | null;
}

export function encodingOf(selected: SelectedFeature[], measured: Measured, balanced: boolean): Encoding {
  let width = 0;
  const features = selected.map(({ name, list, pad, scale }, i): EncodedFeature => {
    const statistics = measured.statistics[i];
    const feature = {
      name,
      first: width,
      width: list ? padLength(pad, statistics) : 1,
      list,
      scale: scaleOf(scale, statistics),
    };
    width += feature.width;
    return feature;
  });
  return { features, width, factors: balanced ? balancingFactors(measured) : null };
}

/** At least one column, so that a feature that is empty in all training rows keeps its place. */
function padLength(pad: SelectedFeature["pad"], { lengths }: FeatureStatistics): number {
  return Math.max(1, typeof pad === "number" ? pad : lengthQuantile(lengths, pad.quantile));
}

/** Every class gets the same part of the training rows' weight, and the whole weight stays. */
function balancingFactors({ classes }: Measured): Map<number, number> {
  const known = [...classes].filter(([key, { weight }]) => !Number.isNaN(key) && weight > 0);
  const total = known.reduce((sum, [, { weight }]) => sum + weight, 0);
  return new Map(known.map(([key, { weight }]) => [key, total / (known.length * weight)]));
}

/** Part of the values of a list that its pad length cuts off, and part of the rows that lose any. */
export function cutOff({ lengths }: FeatureStatistics, width: number): { values: number; rows: number } {
  let values = 0;
  let lost = 0;
  let rows = 0;
  let longer = 0;
  lengths.forEach((count, length) => {
    values += count * length;
    rows += count;
    if (length > width) {
      lost += count * (length - width);
      longer += count;
    }
  });
  return { values: values > 0 ? lost / values : 0, rows: rows > 0 ? longer / rows : 0 };
}
