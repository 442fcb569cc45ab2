// First stage of a pushed bundle: its model and reference, checked as those of a trainer are, and what it claims of its domain.

import { bundleManifest } from "@driftline/client/bundle";
import { checkModel } from "./checkModel.ts";
import type { StageDefinition } from "./stage.ts";
import type { TrainOutput } from "./train.ts";

type Ranges = Record<string, { low: number; high: number; unit: string; tested: boolean }>;

/** In the place of what a training leaves; `result` is the manifest. */
export interface ReceiveOutput extends TrainOutput {
  claimed: { conditions: Ranges; inputs: Ranges };
}

export const receiveStage: StageDefinition<Record<string, never>, ReceiveOutput> = {
  name: "receive",
  input: ({ recipe, family }) => ({ pushed: recipe.pushed, inputs: family.inputs, output: family.output }),
  blobs: ({ model, reference, result }) => [model, reference, result],
  async run(context) {
    const { catalogue, recipe } = context;
    const { bundle, model, reference } = recipe.pushed!;
    const manifest = bundleManifest.parse(
      JSON.parse(new TextDecoder().decode(await catalogue.blobs.read(bundle))),
    );
    await checkModel(context, {
      model: await catalogue.blobs.read(model),
      reference: await catalogue.blobs.read(reference),
      signature: manifest.signature,
      tolerance: manifest.tolerance,
    });
    const { conditions, inputs } = manifest.domain;
    return {
      output: { model, reference, result: bundle, claimed: { conditions, inputs } },
      figures: { bundle, model: recipe.training.model },
    };
  },
};
