// The experiment's responses for the comparison, and the simulator's at the same inputs.

import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Family } from "../../packages/driftline/src/family/family.ts";
import { loadFamily } from "../../packages/driftline/src/family/loadFamily.ts";
import type { SimulatorSetup } from "../../packages/driftline/src/simulation/setup.ts";
import { createTpc, type TpcTuning } from "../../packages/driftline/src/simulation/tpc.ts";
import { readResponses } from "../../packages/driftline/src/streaming/readResponses.ts";
import { BINS, PADS, type ResponseSet } from "./figures.ts";

const root = join(import.meta.dirname, "../..");
const family: Family = loadFamily(join(root, "families/mpd.tpc/family.yaml"));

/** Reads all responses of the experiment's file, in the order of its entries, as they are. */
export async function readExperiment(): Promise<ResponseSet> {
  const folder = process.env.DRIFTLINE_TEST_DATA ?? join(root, "../shared/data");
  const file = join(folder, "tpc/mpd-tpc-v4.root");
  if (!existsSync(file)) {
    throw new Error(
      `${file} is not there; DRIFTLINE_TEST_DATA names the folder that holds tpc/mpd-tpc-v4.root`,
    );
  }
  const { inputs, output } = family;
  const options = { files: [file], mapping: family.data.files!, inputs, output, batchRows: 1_000_000 };
  const parts: ResponseSet[] = [];
  for await (const batch of readResponses({ ...options, threshold: null, saturation: null }))
    parts.push(batch);
  return {
    rows: parts.reduce((rows, part) => rows + part.rows, 0),
    features: Float32Array.from(parts.flatMap((part) => [...part.features])),
    responses: Float32Array.from(parts.flatMap((part) => [...part.responses])),
  };
}

/** Rows from `first` up to `end`. */
export function rowsOf(set: ResponseSet, first: number, end: number): ResponseSet {
  return {
    rows: end - first,
    features: set.features.subarray(first * 6, end * 6),
    responses: set.responses.subarray(first * PADS * BINS, end * PADS * BINS),
  };
}

/** The family's nominal conditions but the file's threshold and no noise, with those given in their place; no saturation. */
export function setupFor(conditions: Record<string, string>, seed: number): SimulatorSetup {
  const nominal = family.conditions.map(({ name, nominal }) => [name, nominal ?? ""]);
  return {
    simulator: "driftline-tpc",
    conditions: { ...Object.fromEntries(nominal), threshold: "0.9", noise: "0", ...conditions },
    inputs: family.inputs.map(({ name }) => name),
    output: family.output,
    saturation: null,
    seed,
  };
}

/** `draws` responses of the simulator at each of the inputs. */
export function simulateAt(
  inputs: ResponseSet,
  draws: number,
  setup: SimulatorSetup,
  tuning?: TpcTuning,
): ResponseSet {
  const respond = createTpc(setup, tuning);
  const rows = inputs.rows * draws;
  const features = new Float32Array(rows * 6);
  const responses = new Float32Array(rows * PADS * BINS);
  for (let draw = 0; draw < draws; draw++) features.set(inputs.features, draw * inputs.rows * 6);
  for (let row = 0; row < rows; row++) respond(row, 0, features, row * 6, responses, row * PADS * BINS);
  return { rows, features, responses };
}
