// Responses for a question or for a run under a lock: from the model that answers it, or from the base simulator,
// always saying which.

import type { Driftline, Hit, Resolution, ResolveRequest } from "@driftline/client/api";
import { bundleCache } from "@driftline/client/cache";
import { describeOutside, loadGenerator, openGenerator } from "@driftline/client/generator";
import type { Lock } from "@driftline/client/lock/lock";
import { underLock } from "@driftline/client/lock/underLock";
import { fail } from "../errors/registry.ts";
import type { Family } from "../family/family.ts";
import { drawInputs } from "../simulation/simulate.ts";
import { baseSimulator } from "./baseSimulator.ts";
import { fallbackOf } from "./platform.ts";

export interface GenerateRequest
  extends Required<Pick<ResolveRequest, "conditions" | "software" | "accept">> {
  /** rows × inputs in the family's order and units; null to draw `rows` over the family's domain. */
  features: Float32Array | null;
  rows: number;
  seed: number;
  /** Whether the base simulator stands in where there is no model. */
  fallback: boolean;
  /** What decides in place of conditions: the bundle of a run. */
  locked: { lock: Lock; run: number } | null;
  /** Where bundles are kept; null to load them into memory alone. */
  cacheDirectory: string | null;
  threads: number;
  signal: AbortSignal;
  onProgress(fraction: number, message: string | null): void;
}

/** Everything that a sample follows from, beside its inputs, which are in it. */
export type SampleProvenance = {
  family: string;
  key: string;
  seed: number;
  /** Number of the first event, and how many there are. */
  firstEvent: number;
  events: number;
  /** Digest of the lock, its tag, and the run. */
  lock?: string;
  tag?: string;
  run?: number;
} & (
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
 * Throws `no_model` where neither a model nor a simulator can answer; under a lock no simulator ever does.
 */
export async function generateResponses(
  local: { family(name: string): Family },
  driftline: Driftline,
  familyName: string,
  request: GenerateRequest,
): Promise<Sample> {
  const family = local.family(familyName);
  const width = family.inputs.length;
  if (request.features && request.features.length % width !== 0) {
    throw fail("invalid_data", `Generating ${familyName}: the inputs are not rows of ${width} values.`, {
      field: "inputs",
      remedy: `Give features [n, ${width}]: ${family.inputs.map(({ name }) => name).join(", ")}.`,
    });
  }
  const { resolution, from, under } = await resolveFor(driftline, familyName, request);
  const { question } = resolution;
  if (request.locked !== null && !request.features && question.familyVersion !== family.version) {
    throw fail(
      "usage",
      `Generating ${familyName}: the lock is for version ${question.familyVersion} of the family, here is version ${family.version}, which may draw other inputs.`,
      { field: "rows", remedy: "Give the inputs with --inputs, or use the family.yaml of that version." },
    );
  }
  const rows = request.features ? request.features.length / width : request.rows;
  const features = request.features ?? drawInputs(family.inputs, rows, request.seed);
  const common = {
    rows,
    inputs: family.inputs.map(({ name }) => name),
    shape: family.output.axes.map(({ size }) => size),
    features,
  };
  const about = {
    family: familyName,
    key: question.key,
    seed: request.seed,
    firstEvent: 0,
    events: rows,
    ...under,
  };

  if (resolution.found) {
    const { bundle } = resolution.model;
    const generator =
      request.cacheDirectory === null
        ? await openGenerator(from, bundle)
        : await loadGenerator(await bundleCache(request.cacheDirectory).get(from, bundle), {
            digest: bundle,
          });
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

/** What answers, where its bundle comes from, and what the provenance says of the lock. */
async function resolveFor(
  driftline: Driftline,
  familyName: string,
  { conditions, software, accept, locked }: GenerateRequest,
): Promise<{
  resolution: Resolution;
  from: Driftline;
  under: { lock?: string; tag?: string; run?: number };
}> {
  if (locked === null) {
    const resolution = await driftline.resolve(familyName, { conditions, software, accept });
    return { resolution, from: driftline, under: {} };
  }
  const { lock, run } = locked;
  const from = underLock(driftline, lock);
  const resolution: Hit = await from.resolveRun(familyName, run);
  return { resolution, from, under: { lock: lock.digest, tag: lock.tag, run } };
}
