// The histogram of an expression over files, in one pass; a pass before finds the range where none is given.

import type { Column } from "@driftline/rootio";
import { fail } from "../../errors/registry.ts";
import { emptyHistogram, fill, type Histogram } from "../../plotting/histogram.ts";
import type { Expression } from "../expressions/compile.ts";
import { addColumn, deviation, emptyStatistics, numbersOf, quantileOf } from "../features/statistics.ts";
import { openView, type ViewOptions } from "./view.ts";

export interface HistogramAxis {
  label: string;
  bins: number;
  low: number;
  high: number;
}

export interface HistogramFigures {
  histogram: Histogram;
  /** Entries read, and those that passed the cut. */
  read: number;
  entries: number;
  /** Finite values; the others are missing. Mean and standard deviation are of the values, without weights. */
  values: number;
  missing: number;
  mean: number;
  deviation: number;
}

/** Given the entries of all files (null where not known), shows the entries read so far. */
type Progress = (total: number | null) => (entries: number) => void;

const chunkEntries = 10_000;
/** Part of the values that may lie outside a range that was found, on each side. */
const outside = 0.001;

/** From the 0.1 % to the 99.9 % quantile, or to the ends of the data where those are less than a fifth of it away. */
export async function rangeOf(
  views: ViewOptions[],
  expression: string,
  progress: Progress,
): Promise<{ low: number; high: number }> {
  const statistics = emptyStatistics();
  let whole = true;
  for (const options of views) {
    const view = await openView({ ...options, columns: [], expressions: [expression] });
    try {
      checkKind(view.expressions[0]);
      whole &&= view.expressions[0].type.kind === "bool";
      const show = progress(view.entries);
      let read = 0;
      for await (const chunk of view.chunks(chunkEntries)) {
        addColumn(statistics, flat(chunk.values[0]), false);
        read += chunk.read;
        show(read);
      }
    } finally {
      await view.close();
    }
  }
  const { values, min, max } = statistics;
  if (values === 0)
    throw fail("invalid_data", `Drawing ${expression}: no entry has a finite value of it.`, {
      field: "EXPRESSION",
      remedy: "Loosen the cut, or look at the values with `driftline data head`.",
    });
  if (whole) return { low: -0.5, high: 1.5 };
  const [first, last] = [quantileOf(statistics, outside), quantileOf(statistics, 1 - outside)];
  const width = last - first;
  const low = first - min <= width / 5 ? min : first;
  const high = max - last <= width / 5 ? max : last;
  if (!(high > low)) return { low: low - 0.5, high: low + 0.5 };
  // The largest value is in the last bin, not beyond it.
  return { low, high: high === max ? high + (high - low) * 1e-6 : high };
}

export async function histogramOf(
  options: ViewOptions,
  expression: string,
  weight: string | undefined,
  axis: HistogramAxis,
  progress: Progress,
): Promise<HistogramFigures> {
  const expressions = weight === undefined ? [expression] : [expression, weight];
  const view = await openView({ ...options, columns: [], expressions });
  try {
    const [values, weights] = view.expressions;
    checkKind(values);
    if (weights) checkWeight(weights);
    const histogram = emptyHistogram(axis);
    const statistics = emptyStatistics();
    let read = 0;
    let entries = 0;
    const show = progress(view.entries);
    for await (const chunk of view.chunks(chunkEntries)) {
      const column = chunk.values[0];
      fill(histogram, numbersOf(column), weights ? weightsOf(column, numbersOf(chunk.values[1])) : () => 1);
      addColumn(statistics, flat(column), false);
      read += chunk.read;
      entries += chunk.entries;
      show(read);
    }
    return {
      histogram,
      read,
      entries,
      values: statistics.values,
      missing: statistics.missing,
      mean: statistics.mean,
      deviation: deviation(statistics),
    };
  } finally {
    await view.close();
  }
}

function checkKind({ text, type }: Expression): void {
  if (type.kind !== "string" && type.depth <= 1) return;
  throw fail(
    "invalid_expression",
    `Drawing ${text}: it is ${type.kind === "string" ? "text" : "lists of lists"}.`,
    {
      field: "EXPRESSION",
      remedy: "Give an expression of numbers, one or a list of them in each entry.",
    },
  );
}

function checkWeight({ text, type }: Expression): void {
  if (type.kind !== "string" && type.depth === 0) return;
  throw fail("invalid_expression", `The weight ${text} is not one number in each entry.`, {
    field: "--weight",
    remedy: "Give an expression with one number in each entry.",
  });
}

/** Without the offsets: how many values an entry has is of no interest here. */
function flat(column: Column): Column {
  return column.kind === "list"
    ? { kind: "number", type: "float64", values: Float64Array.from(numbersOf(column)) }
    : column;
}

/** Of the values of an entry each has its weight. */
function weightsOf(column: Column, weights: ArrayLike<number>): (i: number) => number {
  if (column.kind !== "list") return (i) => weights[i];
  const { offsets } = column;
  let entry = 0;
  return (i) => {
    while (offsets[entry + 1] - offsets[0] <= i) entry++;
    return weights[entry];
  };
}
