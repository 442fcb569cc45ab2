// Inputs of a simulated dataset, drawn in the family's domain by event number.

import { eventWords, philox4x32, streamKey, streams } from "@driftline/client/noise";
import type { InputFeature } from "../family/family.ts";

/**
 * Draws inputs, row-major [rows, inputs]: integers with equal probability, momenta (unit GeV/c) uniform in the
 * logarithm, all others uniform in [low, high]. Input i of an event uses word i of its stream, so that it depends on
 * (seed, event, i) alone; events are `firstEvent`, `firstEvent + 1`, …
 */
export function drawInputs(inputs: InputFeature[], rows: number, seed: number, firstEvent = 0): Float32Array {
  const [k0, k1] = streamKey(seed, streams.inputs);
  const words = new Uint32Array(4);
  const out = new Float32Array(rows * inputs.length);
  for (let row = 0; row < rows; row++) {
    const [low, high] = eventWords(firstEvent + row);
    for (let i = 0; i < inputs.length; i++) {
      if ((i & 3) === 0) philox4x32(i >>> 2, 0, low, high, k0, k1, words);
      out[row * inputs.length + i] = draw(inputs[i], (words[i & 3] + 0.5) * 2 ** -32);
    }
  }
  return out;
}

function draw(input: InputFeature, u: number): number {
  const { low, high } = input;
  if (input.integer) return low + Math.floor(u * (high - low + 1));
  const logarithmic = input.unit === "GeV/c" && low > 0;
  const value = logarithmic ? low * Math.exp(u * Math.log(high / low)) : low + u * (high - low);
  return Math.min(Math.max(value, low), high);
}
