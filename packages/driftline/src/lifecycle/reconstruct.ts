// Hands the reconstruction test what it works from: the model and the simulator as functions, conditions as numbers.

import type { Family, Question, ReconstructionPolicy } from "../family/family.ts";
import type { ResponseBatch } from "../family/responses.ts";
import {
  type Reconstruction,
  validateReconstruction,
} from "../validation/reconstruction/validateReconstruction.ts";
import type { Generate } from "../validation/sample.ts";
import type { Recipe } from "./recipe.ts";

export interface ReconstructRequest {
  family: Family;
  question: Pick<Question, "conditions">;
  recipe: Pick<Recipe, "data">;
  test: ResponseBatch;
  covered: Record<string, { low: number; high: number }>;
  seed: number;
  signal: AbortSignal;
}

/** Throws as `validateReconstruction` does. */
export function reconstruct(
  request: ReconstructRequest,
  policy: ReconstructionPolicy,
  generate: Generate,
  simulate: Generate | undefined,
  onProgress: (fraction: number, message: string) => void,
): Promise<Reconstruction> {
  const { family, question, recipe, covered, test, seed, signal } = request;
  const number = (name: string) => Number(question.conditions[name]);
  return validateReconstruction({
    policy,
    inputs: family.inputs,
    output: family.output,
    threshold: recipe.data.threshold,
    conditions: {
      fieldTesla: number("magnetic_field"),
      cmPerBin: number("drift_velocity") * number("sampling_period") * 1e-3,
      // um to cm.
      transverseDiffusion: number("transverse_diffusion") * 1e-4,
      longitudinalDiffusion: number("longitudinal_diffusion") * 1e-4,
    },
    covered,
    generate,
    simulate,
    test,
    seed,
    onProgress,
    signal,
  });
}
