// Draws responses from a model that is no bundle yet, with the noise that a bundle's generator would draw.

import type { OnnxModel } from "@driftline/client/model";
import { latents } from "@driftline/client/noise";

/** Responses, rows × output shape; row i is event i of the seed's stream. */
export function sampleModel(
  model: OnnxModel,
  features: Float32Array,
  rows: number,
  seed: number,
): Promise<Float32Array> {
  const events = BigInt64Array.from({ length: rows }, (_, i) => BigInt(i));
  return model.run(features, latents(seed, events, 0, model.latentWidth), rows);
}
