// The base simulator of a family at given conditions: embedded, or an external program whose file the streaming room reads.

import type { Family, Question, SimulatorSource } from "../family/family.ts";
import type { ResponseBatch } from "../family/responses.ts";
import { respond, simulate } from "../simulation/simulate.ts";
import { readResponses } from "../streaming/readResponses.ts";

export interface BaseSimulatorOptions {
  family: Family;
  simulator: SimulatorSource;
  question: Pick<Question, "conditions" | "software">;
  /** Largest amplitude in the output's unit, null for none. */
  saturation: number | null;
  threads: number;
  signal: AbortSignal;
}

type Progress = (fraction: number, message: string | null) => void;

export interface BaseSimulator {
  /** Inputs drawn in the family's domain, and their responses; ids are event numbers from 0. */
  simulate(rows: number, seed: number, onProgress?: Progress): Promise<ResponseBatch>;
  /** Responses at given inputs [rows, inputs]; row i is event i of the seed. */
  respond(features: Float32Array, rows: number, seed: number, onProgress?: Progress): Promise<Float32Array>;
}

export function baseSimulator(options: BaseSimulatorOptions): BaseSimulator {
  const { family, question, ...others } = options;
  const common = {
    ...others,
    conditions: question.conditions,
    software: question.software,
    inputs: family.inputs,
    output: family.output,
    readResponses: (file: string) => readWhole(family, file),
  };
  return {
    simulate: (rows, seed, onProgress) => simulate({ ...common, rows, seed, onProgress }),
    respond: (features, rows, seed, onProgress) =>
      respond({
        ...common,
        features,
        ids: BigInt64Array.from({ length: rows }, (_, i) => BigInt(i)),
        seed,
        onProgress,
      }),
  };
}

/** The rows of the one file that an external simulator wrote, as they are: cuts are the caller's. */
async function readWhole(family: Family, file: string): Promise<ResponseBatch> {
  const reader = readResponses({
    files: [file],
    mapping: family.data.files!,
    inputs: family.inputs,
    output: family.output,
    threshold: null,
    saturation: null,
  });
  const parts: ResponseBatch[] = [];
  for await (const batch of reader) parts.push(batch);
  const rows = parts.reduce((sum, part) => sum + part.rows, 0);
  const features = new Float32Array(rows * family.inputs.length);
  const responses = new Float32Array(rows * family.output.axes[0].size * family.output.axes[1].size);
  const ids = new BigInt64Array(rows);
  let row = 0;
  for (const part of parts) {
    features.set(part.features, row * family.inputs.length);
    responses.set(part.responses, (row * responses.length) / rows);
    ids.set(part.ids, row);
    row += part.rows;
  }
  return { rows, features, responses, ids };
}
