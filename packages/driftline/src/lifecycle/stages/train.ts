// Stage 2: a model from the dataset, made by the trainer process and kept as blobs.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Stage } from "@driftline/client/api";
import { fail } from "../../errors/registry.ts";
import type { TrainerEvent } from "../../training/python.ts";
import { type TrainerResult, train } from "../../training/trainer.ts";
import type { DatasetOutput } from "./dataset.ts";
import { placeDataset } from "./dataset.ts";
import type { StageContext, StageDefinition } from "./stage.ts";

export interface TrainOutput {
  model: string;
  reference: string;
  result: string;
}

export const trainStage: StageDefinition<{ dataset: DatasetOutput }, TrainOutput> = {
  name: "train",
  input: ({ family, recipe }, { dataset }) => ({
    dataset: dataset.manifest,
    training: recipe.training,
    inputs: family.inputs,
    output: outputOf({ family, recipe }),
  }),
  blobs: ({ model, reference, result }) => [model, reference, result],
  async run(context, { dataset }) {
    const { catalogue, environment, family, recipe, signal, progress } = context;
    await placeDataset(catalogue, dataset, join(context.directory, "dataset"));
    const directory = join(context.directory, "train");
    const limit = AbortSignal.timeout(context.trainingSeconds * 1000);
    const result = await train(
      environment,
      directory,
      {
        protocol: "driftline-trainer/1",
        dataset: join(context.directory, "dataset"),
        model: recipe.training.model,
        hyperparameters: recipe.training.hyperparameters,
        seed: recipe.training.seed,
        threads: recipe.training.threads,
        inputs: family.inputs.map(({ name, unit, low, high, integer }) => ({
          name,
          unit,
          low,
          high,
          integer,
        })),
        output: outputOf(context),
        opset: 18,
      },
      { signal: AbortSignal.any([signal, limit]), onEvent: (event) => follow(event, progress) },
    ).catch((error: unknown) => {
      if (!limit.aborted || signal.aborted) throw error;
      throw fail("trainer_failed", `Training was ended after ${context.trainingSeconds} seconds.`, {
        field: "limits.trainingSeconds",
        remedy: "Raise limits.trainingSeconds, or lower the trainer's steps or the rows.",
      });
    });
    return {
      output: {
        model: await catalogue.blobs.putFile(join(directory, result.model.file)),
        reference: await catalogue.blobs.putFile(join(directory, result.reference.file)),
        result: await catalogue.blobs.putBytes(await readFile(join(directory, "result.json"))),
      },
      figures: figuresOf(result),
    };
  },
};

function outputOf({ family, recipe }: Pick<StageContext, "family" | "recipe">) {
  const { name, unit, axes } = family.output;
  const { threshold, noise, saturation } = recipe.data;
  return { name, unit, axes, threshold, noise, saturation };
}

function follow(event: TrainerEvent, progress: StageContext["progress"]): void {
  const number = (value: unknown) => (typeof value === "number" && Number.isFinite(value) ? value : null);
  if (event.event === "epoch") {
    const step = number(event.step);
    const steps = number(event.steps);
    const fraction = step !== null && steps ? step / steps : null;
    progress(fraction, metricsText(event.metrics), number(event.secondsLeft));
  } else if (event.event === "log" && typeof event.message === "string") {
    progress(null, event.message.slice(0, 200));
  }
}

function metricsText(metrics: unknown): string | null {
  if (typeof metrics !== "object" || metrics === null) return null;
  return Object.entries(metrics)
    .filter(([, value]) => typeof value === "number")
    .slice(0, 3)
    .map(([name, value]) => `${name} ${Number(value).toPrecision(4)}`)
    .join(", ");
}

function figuresOf(result: TrainerResult): Stage["figures"] {
  return { steps: result.steps, trainingSeconds: Math.round(result.seconds * 10) / 10 };
}
