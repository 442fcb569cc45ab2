// Judges a model by the responses that the serving runtime makes of it: the step that validation jobs and the command share.

import type { OnnxModel } from "@driftline/client/model";
import type { Family, Question } from "../family/family.ts";
import type { ResponseBatch } from "../family/responses.ts";
import type { TrainerEnvironment } from "../training/environment.ts";
import { type PythonOptions, runPython } from "../training/python.ts";
import type { Generate } from "../validation/sample.ts";
import { type ModelValidation, validateModel } from "../validation/validateModel.ts";
import { baseSimulator } from "./baseSimulator.ts";
import { sampleModel } from "./models/sampleModel.ts";
import type { Recipe } from "./recipe.ts";
import { reconstruct } from "./reconstruct.ts";

export interface JudgeRequest {
  family: Family;
  question: Pick<Question, "conditions" | "software">;
  recipe: Pick<Recipe, "data" | "validation" | "training">;
  model: OnnxModel;
  /** Responses that the model was trained on, or fresh ones for the classifiers to learn from. */
  train: ResponseBatch;
  /** Responses that training never saw. */
  test: ResponseBatch;
  /** Range of each input that the model's data cover. */
  covered: Record<string, { low: number; high: number }>;
  seed: number;
  environment: TrainerEnvironment;
  scratchDirectory: string;
  /** See `runPython`. */
  limits?: PythonOptions["limits"];
  attempt?: string;
  log?: PythonOptions["log"];
  threads: number;
  signal: AbortSignal;
  onProgress(fraction: number, message: string): void;
}

/** Share of the time that the figures of single responses take, for the progress, where tracks are reconstructed after them. */
const lowLevelShare = 0.75;

/** Figures of single responses, then of reconstructed tracks where the policy asks for them; one verdict of both. */
export async function judge(request: JudgeRequest): Promise<ModelValidation> {
  const { family, recipe, model, seed, signal } = request;
  const policy = recipe.validation.reconstruction ?? null;
  const { data, validation, training } = recipe;
  const simulator =
    data.source === "simulator"
      ? baseSimulator({ ...request, simulator: data.simulator, saturation: data.saturation })
      : undefined;
  const generate: Generate = (features, rows, draw) => sampleModel(model, features, rows, seed + draw);
  const simulate: Generate | undefined =
    simulator && ((features, rows, draw) => simulator.respond(features, rows, seed + draw));
  const share = policy === null ? 1 : lowLevelShare;
  const lowLevel = await validateModel({
    inputs: family.inputs,
    output: family.output,
    threshold: data.threshold,
    gates: validation.gates,
    rows: validation.rows,
    classifierRounds: validation.classifierRounds,
    train: request.train,
    test: request.test,
    generate,
    simulate,
    seed,
    runPython: (args, options) =>
      runPython(request.environment, args, {
        ...options,
        what: "The two-sample tests",
        threads: training.threads,
        limits: request.limits,
        attempt: request.attempt,
        log: request.log,
      }),
    scratchDirectory: request.scratchDirectory,
    onProgress: (fraction, message) => request.onProgress(share * fraction, message),
    signal,
  });
  if (policy === null) return lowLevel;
  const reconstruction = await reconstruct(request, policy, generate, simulate, (fraction, message) =>
    request.onProgress(share + (1 - share) * fraction, message),
  );
  const gates = [...lowLevel.verdict.gates, ...reconstruction.gates];
  return {
    ...lowLevel,
    reconstruction,
    verdict: { passed: gates.every(({ passed }) => passed), gates },
  };
}
