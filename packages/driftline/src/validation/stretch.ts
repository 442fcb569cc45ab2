// The control of the two-sample test: true responses, spoiled by a known amount, that a working test must tell apart.

import type { OutputImage } from "../family/family.ts";
import type { Sample } from "./sample.ts";

/**
 * Stretches every time profile (the last axis) by `factor` about the response's mean time, keeping the response's sum.
 * log(1 + amplitude) is interpolated linearly, which leaves the profile's shape: what is found is the width.
 */
export function stretch(sample: Sample, factor: number, output: OutputImage, threshold: number): Sample {
  const [height, width] = [output.axes[0].size, output.axes[1].size];
  const responses = new Float32Array(sample.responses.length);
  const row = new Float64Array(height * width);
  for (let at = 0; at < responses.length; at += height * width) {
    const source = sample.responses.subarray(at, at + height * width);
    let [sum, first, stretched] = [0, 0, 0];
    for (let i = 0; i < source.length; i++) {
      sum += source[i];
      first += source[i] * (i % width);
    }
    if (sum === 0) continue;
    const mean = first / sum;
    for (let i = 0; i < source.length; i++) {
      const line = i - (i % width);
      const from = Math.min(width - 1, Math.max(0, mean + ((i % width) - mean) / factor));
      const left = Math.min(width - 2, Math.floor(from));
      const share = from - left;
      row[i] = Math.expm1(
        (1 - share) * Math.log1p(source[line + left]) + share * Math.log1p(source[line + left + 1]),
      );
      stretched += row[i];
    }
    for (let i = 0; i < source.length; i++) {
      const amplitude = (row[i] * sum) / stretched;
      responses[at + i] = amplitude >= threshold ? amplitude : 0;
    }
  }
  return { ...sample, responses };
}
