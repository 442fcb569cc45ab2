// Stage 3: the exported model, run by the serving runtime, against the hold-out that training never saw.

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Verdict } from "@driftline/client/api";
import { loadDataset } from "../../streaming/loadDataset.ts";
import { renderReport } from "../../validation/report.ts";
import { validationJson } from "../../validation/validationJson.ts";
import { inputRanges } from "../inputRanges.ts";
import { judge } from "../judge.ts";
import { openFamilyModel } from "../models/familyModel.ts";
import { reportContext } from "../reportContext.ts";
import { type DatasetOutput, placeDataset } from "./dataset.ts";
import { modelLimits, type StageDefinition, secondsLeft } from "./stage.ts";
import type { TrainOutput } from "./train.ts";

export interface ValidateOutput {
  verdict: Verdict;
  /** Digests of validation.json and report.html. */
  validation: string;
  report: string;
}

/** Keeps the random numbers of validation apart from those of training and of users' samples. */
export const validationSeedOffset = 0x5eed_0000;

export const validateStage: StageDefinition<{ dataset: DatasetOutput; train: TrainOutput }, ValidateOutput> =
  {
    name: "validate",
    input: ({ recipe, question, environment }, { dataset, train }) => ({
      model: train.model,
      dataset: dataset.manifest,
      conditions: recipe.data.source === "simulator" ? question.conditions : null,
      policy: recipe.validation,
      environment: environment.digest,
    }),
    blobs: ({ validation, report }) => [validation, report],
    async run(context, { dataset, train }) {
      const { catalogue, recipe } = context;
      const started = performance.now();
      const scratchDirectory = join(context.directory, "validate");
      await mkdir(scratchDirectory, { recursive: true });
      await placeDataset(catalogue, dataset, join(context.directory, "dataset"));
      const { splits } = await loadDataset(join(context.directory, "dataset"));
      const model = await openFamilyModel(
        context.family,
        await catalogue.blobs.read(train.model),
        modelLimits(context),
      );
      try {
        const validation = await judge({
          ...context,
          attempt: context.directory,
          model,
          train: splits.train,
          test: splits.test,
          covered: inputRanges(context.family, dataset.coverage),
          seed: recipe.validation.seed + validationSeedOffset,
          scratchDirectory,
          onProgress: (fraction, message) =>
            context.progress(fraction, message, secondsLeft(started, fraction)),
        });
        const report = renderReport(validation, reportContext(context, dataset.rows));
        return {
          output: {
            verdict: validation.verdict,
            validation: await catalogue.blobs.putBytes(text(JSON.stringify(validationJson(validation)))),
            report: await catalogue.blobs.putBytes(text(report)),
          },
          figures: figuresOf(validation.verdict),
        };
      } finally {
        await model.close();
      }
    },
  };

const text = (content: string) => new TextEncoder().encode(content);

function figuresOf({ gates }: Verdict): Record<string, number | string> {
  return Object.fromEntries(
    gates.map(({ metric, value }) => [metric, value === null ? "none" : Number(value.toPrecision(3))]),
  );
}
