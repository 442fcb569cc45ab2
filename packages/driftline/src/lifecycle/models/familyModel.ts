// A family's model to be judged: in a process of its own, with the inputs and the output that the family declares.

import type { ModelValue, OnnxModel } from "@driftline/client/model";
import { type ErrorCode, fail } from "../../errors/registry.ts";
import type { Family } from "../../family/family.ts";
import { type ModelProcessOptions, openModelProcess } from "./modelProcess.ts";

/** Errors: the code of the options where the model is at fault, `cancelled`. */
export async function openFamilyModel(
  family: Pick<Family, "inputs" | "output">,
  bytes: Uint8Array,
  options: ModelProcessOptions,
): Promise<OnnxModel> {
  const model = await openModelProcess(bytes, options);
  try {
    checkValues(family, model, options.code);
  } catch (error) {
    await model.close();
    throw error;
  }
  return model;
}

/** Besides one for each cell's noise: what validation draws must stay bearable. */
const innerLatents = 4096;

function checkValues(
  { inputs, output }: Pick<Family, "inputs" | "output">,
  model: OnnxModel,
  code: ErrorCode,
): void {
  const shape = output.axes.map(({ size }) => size);
  const mostLatents = innerLatents + shape.reduce((product, size) => product * size, 1);
  const names = model.inputs.map(({ name }) => name).filter((name) => name !== "latent");
  const fits =
    names[0] === "features" &&
    model.featureWidth === inputs.length &&
    model.latentWidth <= mostLatents &&
    model.outputs[0].name === "response" &&
    model.outputShape.join() === shape.join();
  if (fits) return;
  throw fail(
    code,
    `Opening the model: it has ${describeValues(model.inputs)} → ${describeValues(model.outputs)}; the family wants features float32 [batch, ${inputs.length}], perhaps latent float32 [batch, n] with n to ${mostLatents} → response float32 [batch, ${shape.join(", ")}].`,
    { field: "model.onnx", remedy: "The trainer must export inputs and outputs as docs/training.md says." },
  );
}

/** Names and shapes in words, for messages. */
function describeValues(values: ModelValue[]): string {
  return values.map(({ name, dtype, shape }) => `${name} ${dtype} [${shape.join(", ")}]`).join(" and ");
}
