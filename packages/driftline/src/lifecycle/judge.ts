// Judges a model by the responses that the serving runtime makes of it: the step that validation jobs and the command share.

import type { OnnxModel } from "@driftline/client/model";
import type { Family, Question } from "../family/family.ts";
import type { ResponseBatch } from "../family/responses.ts";
import type { TrainerEnvironment } from "../training/environment.ts";
import { type PythonOptions, runPython } from "../training/python.ts";
import { type ModelValidation, validateModel } from "../validation/validateModel.ts";
import { baseSimulator } from "./baseSimulator.ts";
import { sampleModel } from "./models/sampleModel.ts";
import type { Recipe } from "./recipe.ts";

export interface JudgeRequest {
  family: Family;
  question: Pick<Question, "conditions" | "software">;
  recipe: Pick<Recipe, "data" | "validation" | "training">;
  model: OnnxModel;
  /** Responses that the model was trained on, or fresh ones for the classifiers to learn from. */
  train: ResponseBatch;
  /** Responses that training never saw. */
  test: ResponseBatch;
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

export function judge(request: JudgeRequest): Promise<ModelValidation> {
  const { family, recipe, model, seed, signal } = request;
  const { data, validation, training } = recipe;
  const simulator =
    data.source === "simulator"
      ? baseSimulator({ ...request, simulator: data.simulator, saturation: data.saturation })
      : undefined;
  return validateModel({
    inputs: family.inputs,
    output: family.output,
    threshold: data.threshold,
    gates: validation.gates,
    rows: validation.rows,
    train: request.train,
    test: request.test,
    generate: (features, rows, draw) => sampleModel(model, features, rows, seed + draw),
    simulate: simulator && ((features, rows, draw) => simulator.respond(features, rows, seed + draw)),
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
    onProgress: request.onProgress,
    signal,
  });
}
