// Responses for a question: from the model that answers it, or from the base simulator, always saying which.

import type { Driftline, ResolveRequest } from "@driftline/client/api";
import { bundleCache } from "@driftline/client/cache";
import { describeOutside, loadGenerator } from "@driftline/client/generator";
import { fail } from "../errors/registry.ts";
import { canonicalQuestion } from "../family/question.ts";
import { drawInputs } from "../simulation/simulate.ts";
import { baseSimulator } from "./baseSimulator.ts";
import { fallbackOf, type Platform } from "./platform.ts";

export interface GenerateRequest
  extends Required<Pick<ResolveRequest, "conditions" | "software" | "accept">> {
  /** rows × inputs in the family's order and units; null to draw `rows` over the family's domain. */
  features: Float32Array | null;
  rows: number;
  seed: number;
  /** Whether the base simulator stands in where there is no model. */
  fallback: boolean;
  cacheDirectory: string;
  threads: number;
  signal: AbortSignal;
  onProgress(fraction: number, message: string | null): void;
}

export type SampleProvenance = { family: string; key: string; seed: number } & (
  | { source: "model"; bundle: string; match: "exact" | "compatible"; distance: number }
  | { source: "simulator"; simulator: string; reason: string }
);

export interface Sample {
  rows: number;
  inputs: string[];
  shape: number[];
  features: Float32Array;
  responses: Float32Array;
  provenance: SampleProvenance;
  microsecondsPerResponse: number;
  warnings: string[];
}

/**
 * Generates a sample. The same question, seed and inputs give the same sample whatever the threads.
 * Throws `no_model` where neither a model nor a simulator can answer.
 */
export async function generateResponses(
  local: Platform,
  driftline: Driftline,
  familyName: string,
  request: GenerateRequest,
): Promise<Sample> {
  const family = local.family(familyName);
  const question = canonicalQuestion(family, request);
  const width = family.inputs.length;
  if (request.features && request.features.length % width !== 0) {
    throw fail("invalid_data", `Generating ${familyName}: the inputs are not rows of ${width} values.`, {
      field: "inputs",
      remedy: `Give features [n, ${width}]: ${family.inputs.map(({ name }) => name).join(", ")}.`,
    });
  }
  const { conditions, software, accept } = request;
  const resolution = await driftline.resolve(familyName, { conditions, software, accept });
  const rows = request.features ? request.features.length / width : request.rows;
  const features = request.features ?? drawInputs(family.inputs, rows, request.seed);
  const common = {
    rows,
    inputs: family.inputs.map(({ name }) => name),
    shape: family.output.axes.map(({ size }) => size),
    features,
  };
  const about = { family: familyName, key: question.key, seed: request.seed };

  if (resolution.found) {
    const { bundle } = resolution.model;
    const directory = await bundleCache(request.cacheDirectory).get(driftline, bundle);
    const generator = await loadGenerator(directory);
    try {
      const started = performance.now();
      const warnings: string[] = [];
      const responses = await generator.generate({
        features,
        rows,
        seed: request.seed,
        onOutside: (outside) => warnings.push(`Outside the model's domain: ${describeOutside(outside)}`),
      });
      return {
        ...common,
        responses,
        provenance: {
          ...about,
          source: "model",
          bundle,
          match: resolution.match,
          distance: resolution.distance,
        },
        microsecondsPerResponse: ((performance.now() - started) * 1000) / rows,
        warnings,
      };
    } finally {
      await generator.close();
    }
  }

  const simulator = fallbackOf(family, question);
  if (!request.fallback || simulator === null || family.data.simulator === null) {
    throw fail("no_model", `Generating ${familyName}: ${resolution.reason}`, {
      remedy: simulator
        ? "Make the model with `driftline ensure`, or leave --no-fallback out to use the base simulator."
        : "Make the model with `driftline ensure`; nothing here can run the simulator that was asked for.",
      data: { ...resolution },
    });
  }
  const started = performance.now();
  const responses = await baseSimulator({
    family,
    simulator: family.data.simulator,
    question,
    saturation: family.output.saturation,
    threads: request.threads,
    signal: request.signal,
  }).respond(features, rows, request.seed, request.onProgress);
  return {
    ...common,
    responses,
    provenance: { ...about, source: "simulator", simulator, reason: resolution.reason },
    microsecondsPerResponse: ((performance.now() - started) * 1000) / rows,
    warnings: ["There is no model for these conditions, so the base simulator made this sample."],
  };
}
