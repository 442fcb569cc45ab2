// Stage 2: a model from the dataset, made by the trainer process and kept as blobs.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Stage } from "@driftline/client/api";
import { plainText, type TrainerEvent } from "../../training/events.ts";
import { type TrainerJob, type TrainerResult, train } from "../../training/trainer.ts";
import { weightsOf } from "../warmStart.ts";
import { checkModel, ownTolerance } from "./checkModel.ts";
import type { DatasetOutput } from "./dataset.ts";
import { placeDataset, writeBlob } from "./dataset.ts";
import type { StageContext, StageDefinition } from "./stage.ts";

export interface TrainOutput {
  model: string;
  reference: string;
  result: string;
  /** What another training can start from; left out where the trainer keeps none. */
  weights?: { sha256: string; architecture: string };
}

/** Where in an attempt's directory the trainer works, and leaves its checkpoint. */
export const trainDirectory = "train";

export const trainStage: StageDefinition<{ dataset: DatasetOutput }, TrainOutput> = {
  name: "train",
  input: ({ family, recipe }, { dataset }) => ({
    dataset: dataset.manifest,
    training: recipe.training,
    inputs: family.inputs,
    output: outputOf({ family, recipe }),
    ...(recipe.parent !== null && { parent: recipe.parent }),
  }),
  blobs: ({ model, reference, result, weights }) => [
    model,
    reference,
    result,
    ...(weights ? [weights.sha256] : []),
  ],
  async run(context, { dataset }) {
    const { catalogue, environment, family, recipe, signal, progress } = context;
    await placeDataset(catalogue, dataset, join(context.directory, "dataset"));
    const directory = join(context.directory, trainDirectory);
    const parent = recipe.parent === null ? null : await placeWeights(context, recipe.parent);
    const job = {
      ...trainerJob(family, recipe),
      dataset: join(context.directory, "dataset"),
      ...(parent && { parent }),
    };
    const result = await train(environment, directory, job, {
      signal,
      graceSeconds: context.graceSeconds,
      limits: context.limits,
      attempt: context.directory,
      log: context.log,
      onEvent: (event) => follow(event, progress),
    });
    await checkModel(context, {
      model: await readFile(join(directory, result.model.file)),
      reference: await readFile(join(directory, result.reference.file)),
      signature: result.signature,
      tolerance: ownTolerance,
    });
    return {
      output: {
        model: await catalogue.blobs.putFile(join(directory, result.model.file)),
        reference: await catalogue.blobs.putFile(join(directory, result.reference.file)),
        result: await catalogue.blobs.putBytes(await readFile(join(directory, "result.json"))),
        ...(result.weights && {
          weights: {
            sha256: await catalogue.blobs.putFile(join(directory, result.weights.file)),
            architecture: result.weights.architecture,
          },
        }),
      },
      figures: { ...figuresOf(result), ...(recipe.parent && { parent: recipe.parent }) },
    };
  },
};

/** Lays the checked weights of a published model beside the trainer's directory. Throws `damaged`. */
async function placeWeights({ catalogue, directory }: StageContext, bundle: string) {
  const found = await weightsOf(catalogue, bundle);
  if (found === null) throw new Error(`Bundle ${bundle} was chosen to start from and keeps no weights.`);
  const weights = join(directory, "parent.safetensors");
  await writeBlob(catalogue, found.sha256, weights);
  return { weights, sha256: found.sha256 };
}

/** What job.json says, but for the places of the dataset and of the weights to start from. */
export function trainerJob(
  family: StageContext["family"],
  recipe: StageContext["recipe"],
): Omit<TrainerJob, "dataset"> {
  const { model, hyperparameters, seed, threads } = recipe.training;
  return {
    protocol: "driftline-trainer/1",
    model,
    hyperparameters,
    seed,
    threads,
    inputs: family.inputs.map(({ name, unit, low, high, integer }) => ({ name, unit, low, high, integer })),
    output: outputOf({ family, recipe }),
    opset: 18,
  };
}

function outputOf({ family, recipe }: Pick<StageContext, "family" | "recipe">) {
  const { name, unit, axes } = family.output;
  const { threshold, noise, saturation } = recipe.data;
  return { name, unit, axes, threshold, noise, saturation };
}

function follow(event: TrainerEvent, progress: StageContext["progress"]): void {
  // A trainer may say anything; a bar of minus three parts cannot be drawn.
  const number = (value: unknown) => (typeof value === "number" && value >= 0 && value < 1e9 ? value : null);
  if (event.event === "epoch") {
    const step = number(event.step);
    const steps = number(event.steps);
    const fraction = step !== null && steps ? Math.min(1, step / steps) : null;
    progress(fraction, metricsText(event.metrics), number(event.secondsLeft));
  } else if (event.event === "log" && typeof event.message === "string") {
    progress(null, plainText(event.message).slice(0, 200));
  }
}

function metricsText(metrics: unknown): string | null {
  if (typeof metrics !== "object" || metrics === null) return null;
  return Object.entries(metrics)
    .filter(([, value]) => typeof value === "number")
    .slice(0, 3)
    .map(([name, value]) => `${plainText(name).slice(0, 40)} ${Number(value).toPrecision(4)}`)
    .join(", ");
}

function figuresOf(result: TrainerResult): Stage["figures"] {
  return { steps: result.steps, trainingSeconds: Math.round(result.seconds * 10) / 10 };
}
