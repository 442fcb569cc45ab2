// What a model must do before anything is built on it: load, answer alike twice, and reproduce its reference.

import type { BundleManifest } from "@driftline/client/bundle";
import type { OnnxModel } from "@driftline/client/model";
import { decodeSafetensors } from "@driftline/client/safetensors";
import { DriftlineError, fail } from "../../errors/registry.ts";
import { openFamilyModel } from "../models/familyModel.ts";
import type { StageContext } from "./stage.ts";
import { modelFault, modelLimits } from "./stage.ts";

/** |a - b| ≤ absolute + relative |b|, as a bundle's manifest has it; for models that are made here. */
export const ownTolerance = { absolute: 1e-5, relative: 1e-5 };
const mostRows = 4096;

type Wrong = (field: string, what: string, remedy: string) => DriftlineError;

export interface GivenModel {
  model: Uint8Array;
  reference: Uint8Array;
  signature: Record<"inputs" | "outputs", { name: string; dtype: string; shape: unknown[] }[]>;
  tolerance: BundleManifest["tolerance"];
}

/** Throws `trainer_failed` or `invalid_bundle` (see `modelFault`) naming what is wrong with the files, and `cancelled`. */
export async function checkModel(context: StageContext, given: GivenModel): Promise<void> {
  const wrong: Wrong = (field, what, remedy) =>
    fail(modelFault(context), `Checking the model: ${field}: ${what}.`, { field, remedy });
  const { absolute, relative } = given.tolerance;
  const model = await openFamilyModel(context.family, given.model, modelLimits(context));
  try {
    checkSignature(model, given.signature, wrong);
    const { features, latent, response, rows } = reference(
      given.reference,
      [model.featureWidth, model.latentWidth, model.outputShape],
      wrong,
    );
    const first = await model.run(features, latent, rows);
    const second = await model.run(features, latent, rows);
    for (let i = 0; i < first.length; i++) {
      if (!Number.isFinite(first[i])) {
        throw wrong(
          "model.onnx",
          `an output is ${first[i]}`,
          "Outputs must be finite for inputs in the domain.",
        );
      }
      if (first[i] !== second[i]) {
        throw wrong(
          "model.onnx",
          `the same inputs gave ${first[i]} and then ${second[i]}`,
          "Take random numbers from the input `latent`, not from operators of the graph.",
        );
      }
      if (!(Math.abs(first[i] - response[i]) <= absolute + relative * Math.abs(response[i]))) {
        throw wrong(
          "reference.safetensors",
          `value ${i} is ${response[i]} there, and the model gives ${first[i]}`,
          "The reference must be what ONNX Runtime makes of the exported model.",
        );
      }
    }
  } finally {
    await model.close();
  }
}

/** What the bundle will say of the model is what the model says of itself. */
function checkSignature(model: OnnxModel, signature: GivenModel["signature"], wrong: Wrong): void {
  const described = (values: { name: string; dtype: string; shape: unknown[] }[]) =>
    values
      .map(({ name, dtype, shape }) => `${name} ${dtype} [${["batch", ...shape.slice(1)].join(", ")}]`)
      .sort()
      .join(" and ");
  for (const part of ["inputs", "outputs"] as const) {
    const [says, has] = [described(signature[part]), described(model[part])];
    if (says !== has) {
      throw wrong(
        "signature",
        `its ${part} are ${says}, those of the model ${has}`,
        "They must be the same.",
      );
    }
  }
}

function reference(bytes: Uint8Array, [width, latentWidth, shape]: [number, number, number[]], wrong: Wrong) {
  const file = "reference.safetensors";
  let tensors: ReturnType<typeof decodeSafetensors>["tensors"];
  try {
    ({ tensors } = decodeSafetensors(bytes, file));
  } catch (cause) {
    if (!(cause instanceof DriftlineError)) throw cause;
    throw wrong(file, cause.message, "Write it as safetensors.");
  }
  const rows = tensors.features?.shape[0] ?? 0;
  if (rows < 1 || rows > mostRows) {
    throw wrong(
      file,
      `it has ${rows} rows of features`,
      `Write 1 to ${mostRows} rows; the trainer's own has 48.`,
    );
  }
  const take = (name: string, wanted: number[]) => {
    const tensor = tensors[name];
    if (tensor?.data instanceof Float32Array && tensor.shape.join() === wanted.join()) return tensor.data;
    const found = tensor ? `${tensor.dtype} [${tensor.shape.join(", ")}]` : "missing";
    throw wrong(
      file,
      `${name} is ${found}; F32 [${wanted.join(", ")}] is needed`,
      "Write the three tensors.",
    );
  };
  return {
    rows,
    features: take("features", [rows, width]),
    latent: latentWidth === 0 ? new Float32Array(0) : take("latent", [rows, latentWidth]),
    response: take("response", [rows, ...shape]),
  };
}
