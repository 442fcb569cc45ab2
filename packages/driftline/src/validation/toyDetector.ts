// Test support: a small detector whose responses are drawn from counter-based noise, and ways to spoil it.

import { normals, uniforms } from "@driftline/client/noise";
import type { InputFeature } from "../family/family.ts";
import type { ResponseBatch } from "../family/responses.ts";
import { makeImage, makeInput } from "../family/testing.ts";

export const toyInputs: InputFeature[] = [
  makeInput("angle", "deg", -20, 20),
  makeInput("drift", "bin", 30, 100),
  makeInput("pad", "pad", 10, 20),
  // Constant, as some inputs of real files are.
  makeInput("row", "1", 0, 50),
];

export const toyOutput = makeImage([
  { name: "pad", size: 8, coordinate: "pad", first: -3 },
  { name: "time", size: 16, coordinate: "drift", first: -7 },
]);

const electrons = 30;

/** Electrons with Gaussian spread about a tilted line; `width` scales the spread in time, `shift` the angle's effect. */
export function toyResponses(
  features: Float32Array,
  rows: number,
  seed: number,
  spoil: { width?: number; slope?: number } = {},
): Float32Array {
  const responses = new Float32Array(rows * 128);
  for (let row = 0; row < rows; row++) {
    const [angle, drift, pad] = features.subarray(row * 4, row * 4 + 3);
    const gains = uniforms(seed, 1, row, electrons);
    const noise = normals(seed, 2, row, electrons * 3);
    const spread = Math.sqrt(0.6 + drift / 80) * (spoil.width ?? 1);
    const slope = Math.tan((angle * Math.PI) / 180) * 2 * (spoil.slope ?? 1);
    for (let k = 0; k < electrons; k++) {
      const along = noise[3 * k];
      const i = Math.round((pad % 1) + 3 + 0.5 * noise[3 * k + 1] + slope * along * 0.5);
      const j = Math.round((drift % 1) + 7 + spread * noise[3 * k + 2] + along * 0.7);
      if (i >= 0 && i < 8 && j >= 0 && j < 16) responses[row * 128 + i * 16 + j] -= 8 * Math.log(gains[k]);
    }
  }
  return responses;
}

export function toyBatch(rows: number, seed: number): ResponseBatch {
  const features = new Float32Array(rows * 4);
  const u = uniforms(seed, 3, 0, rows * 3);
  for (let row = 0; row < rows; row++) {
    for (const k of [0, 1, 2]) {
      const { low, high } = toyInputs[k];
      features[row * 4 + k] = low + u[row * 3 + k] * (high - low);
    }
    features[row * 4 + 3] = 23;
  }
  const ids = BigInt64Array.from({ length: rows }, (_, i) => BigInt(i));
  return { rows, features, responses: toyResponses(features, rows, seed), ids };
}
