// What a stage is: a function of content digests whose result is recorded, so that it is never done twice.

import type { Stage, WarmStart } from "@driftline/client/api";
import type { Catalogue } from "../../catalogue/catalogue.ts";
import type { Limits } from "../../config/configuration.ts";
import type { Family, Question } from "../../family/family.ts";
import type { TrainerEnvironment } from "../../training/environment.ts";
import type { ModelProcessOptions } from "../models/modelProcess.ts";
import type { Recipe } from "../recipe.ts";

export interface StageContext {
  jobId: string;
  family: Family;
  question: Question;
  recipe: Recipe;
  recipeHash: string;
  /** How the recipe's parent was chosen; null where the family starts from random weights. */
  warmStart: WarmStart | null;
  /** Paths of the data files, in the recipe's order. */
  files: string[];
  catalogue: Catalogue;
  environment: TrainerEnvironment;
  /** Directory of this attempt; the stage may write below it. */
  directory: string;
  threads: number;
  limits: Limits;
  /** Gets what the programs of a stage print. */
  log(text: string): void;
  signal: AbortSignal;
  /** Seconds that a trainer has for its checkpoint once `signal` aborts. */
  graceSeconds(): number;
  progress(fraction: number | null, message: string | null, secondsLeft?: number | null): void;
}

export interface StageRun<Output> {
  output: Output;
  figures: Stage["figures"];
}

/** `Earlier` is what the stages before it made. */
export interface StageDefinition<Earlier, Output> {
  name: Stage["name"];
  /** Everything the output depends on; its digest names the stage's input. */
  input(context: StageContext, earlier: Earlier): unknown;
  run(context: StageContext, earlier: Earlier): Promise<StageRun<Output>>;
  /** Digests of the blobs that the output names; a record whose blobs are gone is made anew. */
  blobs(output: Output): string[];
}

/** Estimates the seconds left from the time that the done fraction took. */
export function secondsLeft(startedMs: number, fraction: number): number | null {
  if (fraction <= 0.02) return null;
  return ((performance.now() - startedMs) / 1000) * (1 / fraction - 1);
}

/** How a model that the job made, or was given, is run. */
export function modelLimits(context: StageContext): ModelProcessOptions {
  const { limits, signal, directory } = context;
  return {
    seconds: limits.modelSeconds,
    memoryMiB: limits.memoryMiB,
    signal,
    attempt: directory,
    code: modelFault(context),
  };
}

/** The code of errors that are the model's fault: its trainer ran here, or it came with a bundle. */
export function modelFault({ recipe }: StageContext): "trainer_failed" | "invalid_bundle" {
  return recipe.pushed === undefined ? "trainer_failed" : "invalid_bundle";
}
