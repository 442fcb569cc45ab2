// The summaries of a response that physicists look at: the six moments, the digit count and the largest amplitude.

import type { OutputImage } from "../family/family.ts";
import type { Sample } from "./sample.ts";

export interface SummaryQuantity {
  name: string;
  /** Axis label with unit, for plots. */
  label: string;
}

/**
 * Names and labels of the summaries, in the order of `Summaries.values`. The first six are TPC-FastSim's moments
 * (Eur. Phys. J. C 81, 599): means, variances and covariance in units of cells, and the sum as its logarithm.
 */
export function summaryQuantities(output: OutputImage): SummaryQuantity[] {
  const [a, b] = output.axes.map((axis) => axis.name);
  const square = (x: string, y: string) => (x === y ? `${x}²` : `${x}·${y}`);
  return [
    { name: `mean_${a}`, label: `mean ${a} (cells)` },
    { name: `mean_${b}`, label: `mean ${b} (cells)` },
    { name: `variance_${a}`, label: `variance along ${a} (cells²)` },
    { name: `variance_${b}`, label: `variance along ${b} (cells²)` },
    { name: "covariance", label: `covariance ${square(a, b)} (cells²)` },
    { name: "log_sum", label: `log₁₀(1 + sum / ${output.unit})` },
    { name: "digits", label: "cells above threshold" },
    { name: "log_maximum", label: `log₁₀(1 + largest / ${output.unit})` },
  ];
}

/** The first so many summaries are the six moments; those before `shapeMoments` have no heavy tail. */
export const moments = 6;
export const shapeMoments = 5;
export const summaryCount = 8;

/**
 * Summaries of every row of a sample: `values[k][row]`, k as in `summaryQuantities`. A response without charge has its
 * means in the middle of the window and no width.
 */
export function summarise(sample: Sample, output: OutputImage): Float64Array[] {
  const [height, width] = [output.axes[0].size, output.axes[1].size];
  const cells = height * width;
  const rows = sample.events * sample.draws;
  const values = Array.from({ length: summaryCount }, () => new Float64Array(rows));
  for (let row = 0; row < rows; row++) {
    let [sum, sa, sb, saa, sbb, sab, digits, largest] = [0, 0, 0, 0, 0, 0, 0, 0];
    for (let i = 0; i < height; i++) {
      for (let j = 0; j < width; j++) {
        const q = sample.responses[row * cells + i * width + j];
        if (q === 0) continue;
        sum += q;
        sa += q * i;
        sb += q * j;
        saa += q * i * i;
        sbb += q * j * j;
        sab += q * i * j;
        digits++;
        if (q > largest) largest = q;
      }
    }
    const meanA = sum > 0 ? sa / sum : (height - 1) / 2;
    const meanB = sum > 0 ? sb / sum : (width - 1) / 2;
    values[0][row] = meanA;
    values[1][row] = meanB;
    values[2][row] = sum > 0 ? Math.max(0, saa / sum - meanA * meanA) : 0;
    values[3][row] = sum > 0 ? Math.max(0, sbb / sum - meanB * meanB) : 0;
    values[4][row] = sum > 0 ? sab / sum - meanA * meanB : 0;
    values[5][row] = Math.log10(1 + sum);
    values[6][row] = digits;
    values[7][row] = Math.log10(1 + largest);
  }
  return values;
}
