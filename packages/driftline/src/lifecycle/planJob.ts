// A new job: the trainer looks at what was asked for, where training starts is chosen, and both are recorded.

import type { Job } from "@driftline/client/api";
import type { Family, Question } from "../family/family.ts";
import type { TrainerEnvironment } from "../training/environment.ts";
import { checkTraining } from "../training/trainer.ts";
import type { Store } from "./openStore.ts";
import { type Recipe, recipeHash } from "./recipe.ts";
import { trainerJob } from "./stages/train.ts";
import { chooseParent, coldRetry } from "./warmStart.ts";

export interface JobPlan {
  question: Question;
  /** Without a parent yet. */
  recipe: Recipe;
  environment: TrainerEnvironment;
  /** Paths of data files in the recipe's order. */
  files: string[];
  /** Whether the recipe before it was refused. */
  isRetry: boolean;
  /** Whether the asker chose anything that the trainer may refuse. */
  isChosen: boolean;
}

/** Records the job, or joins one that was planned meanwhile. Throws `invalid_training`. */
export async function planJob(
  { catalogue, store }: Pick<Store, "catalogue" | "store">,
  family: Family,
  { question, recipe: plan, environment, files, isRetry, isChosen }: JobPlan,
): Promise<Job> {
  let checking: Promise<string | null> | undefined;
  const architecture = () => {
    checking ??= checkTraining(environment, trainerJob(family, plan));
    return checking;
  };
  if (isChosen) await architecture();
  const starts = isRetry ? () => coldRetry : () => chooseParent(catalogue, family, question, architecture);
  const warmStart = family.training.warmStart === "none" ? null : await starts();
  const recipe = { ...plan, parent: warmStart?.parent ?? null };
  const hash = recipeHash(recipe);
  return (await store.createOrJoin({ question, recipe, recipeHash: hash, files, warmStart })).job;
}
