// The recipe: everything that determines how a model is made; its hash names that way.

import { createHash } from "node:crypto";
import canonicalize from "canonicalize";
import { fail } from "../errors/registry.ts";
import type { Family, FileMapping, Question, SimulatorSource } from "../family/family.ts";
import { digestOf, type FileIdentity } from "./dataFiles.ts";

export interface SimulatedData {
  source: "simulator";
  simulator: SimulatorSource;
  rows: number;
  seed: number;
}

export interface FileData {
  source: "files";
  /** What tells the files' contents; where they lie is no part of the recipe. */
  files: FileIdentity[];
  mapping: FileMapping;
}

export interface Recipe {
  scheme: "driftline-recipe/1";
  key: string;
  data: (SimulatedData | FileData) & {
    split: Family["data"]["split"];
    threshold: number;
    noise: number;
    saturation: number | null;
  };
  training: {
    trainer: string;
    /** Digest of the trainer's sources and lock file. */
    environment: string;
    model: string;
    hyperparameters: Record<string, unknown>;
    seed: number;
    threads: number;
  };
  /** `reconstruction` is missing from recipes of releases before it. */
  validation: Omit<Family["validation"], "reconstruction"> &
    Partial<Pick<Family["validation"], "reconstruction">> & { seed: number };
  /** Digest of the bundle whose weights training starts from; null for random ones. */
  parent: string | null;
  /** A bundle made elsewhere, which is judged and not made: digests of its manifest and files. */
  pushed?: { bundle: string; model: string; reference: string };
}

export interface RecipeChoices {
  files?: FileIdentity[];
  rows?: number;
  seed?: number;
  model?: string;
  hyperparameters?: Record<string, unknown>;
  /** How many refused recipes came before: each moves the training seed on by one and keeps the dataset. */
  retries?: number;
}

/** The recipe for a question under a family's defaults and the asker's choices, without a parent. Throws where the family lacks a source. */
export function planRecipe(
  family: Family,
  question: Question,
  environmentDigest: string,
  choices: RecipeChoices,
): Recipe {
  checkChoices(choices);
  const seed = choices.seed ?? family.training.seed;
  const { threshold, noise } = family.output;
  const numeric = (condition: string | null) =>
    condition === null ? 0 : Number(question.conditions[condition]);
  return {
    scheme: "driftline-recipe/1",
    key: question.key,
    data: {
      ...dataSource(family, question, choices),
      split: family.data.split,
      threshold: numeric(threshold),
      noise: numeric(noise),
      saturation: choices.files ? (family.data.files?.saturation ?? null) : family.output.saturation,
    },
    training: {
      trainer: family.training.trainer,
      environment: environmentDigest,
      model: choices.model ?? family.training.model,
      hyperparameters: { ...family.training.hyperparameters, ...choices.hyperparameters },
      seed: seed + (choices.retries ?? 0),
      threads: family.training.threads,
    },
    validation: { ...family.validation, seed },
    parent: null,
  };
}

/**
 * The recipe by which a bundle made elsewhere is judged: the policy and data of the family as it is here. Its seeds
 * follow from the bundle's digest, so that who trains a model cannot know the responses that it will face.
 */
export function planPushed(
  family: Family,
  question: Question,
  environmentDigest: string,
  pushed: NonNullable<Recipe["pushed"]>,
  { files, model }: Pick<RecipeChoices, "files" | "model">,
): Recipe {
  // 30 bits: later stages add to it.
  const seed = Number.parseInt(pushed.bundle.slice(0, 8), 16) >>> 2;
  const planned = planRecipe(family, question, environmentDigest, { files, model, seed });
  return {
    ...planned,
    training: { ...planned.training, trainer: "elsewhere", hyperparameters: {} },
    pushed,
  };
}

/** Deeper than any trainer's settings; what walks through a recipe does so on the stack. */
const maxDepth = 20;

/** Throws `usage` for what canonical JSON cannot hold, and so no hash of a recipe can be made of. */
export function checkChoices({
  model,
  hyperparameters = {},
}: Pick<RecipeChoices, "model" | "hyperparameters">): void {
  const named = Object.entries(hyperparameters).map(([name, value]) => [`hyperparameters.${name}`, value]);
  for (const [field, value] of [["model", model], ...named] as [string, unknown][]) {
    const problem = problemOf(field, value);
    if (problem === null) continue;
    const shown = field.length > 80 ? `${field.slice(0, 80)}…` : field.toWellFormed();
    throw fail("usage", `Planning a model: ${shown} ${problem}.`, {
      field: shown,
      remedy: "Give finite numbers, texts, lists and maps of them.",
    });
  }
}

function problemOf(field: string, value: unknown): string | null {
  let level: unknown[] = [field, value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > maxDepth) return `is nested deeper than ${maxDepth} levels`;
    if (level.some((each) => typeof each === "number" && !Number.isFinite(each))) {
      return "holds a number that is not finite";
    }
    if (level.some((each) => typeof each === "string" && !each.isWellFormed())) {
      return "holds half of a surrogate pair";
    }
    level = level.flatMap((each) =>
      typeof each === "object" && each !== null ? Object.entries(each).flat() : [],
    );
  }
  return null;
}

function dataSource(family: Family, question: Question, choices: RecipeChoices): SimulatedData | FileData {
  if (choices.files) {
    if (family.data.files === null) {
      throw fail(
        "invalid_data",
        `Planning a model of ${family.name}: the family does not say how to read files.`,
        {
          field: "data",
          remedy: "Add `data.files` to its family.yaml, or leave --data out to use the simulator.",
        },
      );
    }
    const byDigest = [...choices.files].sort((a, b) => (digestOf(a) < digestOf(b) ? -1 : 1));
    return { source: "files", files: byDigest, mapping: family.data.files };
  }
  const { simulator } = family.data;
  const asked = question.software.simulator;
  if (simulator === null || (asked !== undefined && asked !== `${simulator.name}/${simulator.version}`)) {
    throw fail(
      "invalid_software",
      `Planning a model of ${family.name}: nothing here can run the simulator ${asked ?? "(none)"}.`,
      {
        field: "software.simulator",
        remedy: simulator
          ? `Give its responses as files with --data, or use ${simulator.name}/${simulator.version}.`
          : "Give responses as files with --data.",
      },
    );
  }
  return {
    source: "simulator",
    simulator,
    rows: choices.rows ?? family.data.rows,
    seed: choices.seed ?? family.training.seed,
  };
}

/** SHA-256 of the canonical JSON of a value, in hexadecimal. */
export function contentDigest(value: unknown): string {
  return createHash("sha256")
    .update(canonicalize(value) as string)
    .digest("hex");
}

/** The hash of a recipe with any parent or none: what was asked for, before it was chosen where training starts. */
export function planHash(recipe: Recipe): string {
  return recipeHash({ ...recipe, parent: null });
}

/** `r1-` and 64 hexadecimal digits. */
export function recipeHash(recipe: Recipe): string {
  return `r1-${contentDigest(recipe)}`;
}
