// What the validation of reconstruction is given: policy, conditions, the model and the simulator as functions.

import type { InputFeature, OutputImage, ReconstructionPolicy } from "../../family/family.ts";
import type { ResponseBatch } from "../../family/responses.ts";
import type { Generate } from "../sample.ts";
import type { FitConditions } from "./trackFit.ts";

export interface ReconstructionOptions {
  policy: ReconstructionPolicy;
  inputs: InputFeature[];
  output: OutputImage;
  /** Amplitudes below are not read out. */
  threshold: number;
  conditions: FitConditions;
  /** Range of each input that the model's data cover. */
  covered: Record<string, { low: number; high: number }>;
  generate: Generate;
  /** The base simulator; without it hits of `test` are compared, and no tracks. */
  simulate?: Generate;
  /** Held-out responses, for a model made from files. */
  test: ResponseBatch;
  seed: number;
  onProgress?: (fraction: number, message: string) => void;
  signal?: AbortSignal;
}

/** Rows of a track with the inputs in the model's range: with fewer it is not used (MPD analyses ask for more than 20). */
export const leastRows = 20;

/**
 * Draw numbers of the samples begin here, far from those of single responses; one is taken for each piece of tracks. Two
 * draws on each side tell as much as twice the tracks, and the simulator's two are its floor.
 */
export const draws = { simulator: [100_000, 300_000], model: [200_000, 400_000] } as const;
