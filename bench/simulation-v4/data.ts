// The experiment's responses for the comparison, and the simulator's at the same inputs.

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { parse } from "yaml";
import type { SimulatorSetup } from "../../packages/driftline/src/simulation/setup.ts";
import { createTpc, type TpcTuning } from "../../packages/driftline/src/simulation/tpc.ts";
import { BINS, PADS, type ResponseSet } from "./figures.ts";

const root = join(import.meta.dirname, "../..");
const dataDirectory = process.env.DRIFTLINE_TEST_DATA ?? join(root, "../shared/data");
/** Where the experiment's file is. */
export const experimentFile = join(dataDirectory, "tpc/mpd-tpc-v4.root");

const script = `
import sys, numpy as np, uproot
t = uproot.open(sys.argv[1])["responses"].arrays(library="np")
names = ["crossing_angle_deg", "dip_angle_deg", "drift_length", "pad_coordinate", "pad_row", "pt"]
image = np.zeros((len(t["pt"]), ${PADS}, ${BINS}), "<f4")
for e in range(len(image)):
    i = t["ipad"][e] - int(t["pad_coordinate"][e]) + 3
    j = t["itime"][e] - int(t["drift_length"][e]) + 7
    image[e, i, j] = t["amp"][e]
np.stack([t[n] for n in names], 1).astype("<f4").tofile(sys.argv[2] + "/features")
image.tofile(sys.argv[2] + "/responses")
`;

/** Reads all responses of the experiment's file. */
export async function readExperiment(): Promise<ResponseSet> {
  if (!existsSync(experimentFile)) {
    throw new Error(`${experimentFile} is not there; DRIFTLINE_TEST_DATA names the folder that holds tpc/`);
  }
  const folder = await mkdtemp(join(tmpdir(), "driftline-v4-"));
  try {
    const python = join(root, "trainer/.venv/bin/python");
    await promisify(execFile)(python, ["-c", script, experimentFile, folder]);
    const [features, responses] = await Promise.all(
      ["features", "responses"].map(async (name) => {
        const bytes = await readFile(join(folder, name));
        return new Float32Array(new Uint8Array(bytes).buffer);
      }),
    );
    return { rows: features.length / 6, features, responses };
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Rows from `first` up to `end`. */
export function rowsOf(set: ResponseSet, first: number, end: number): ResponseSet {
  return {
    rows: end - first,
    features: set.features.subarray(first * 6, end * 6),
    responses: set.responses.subarray(first * PADS * BINS, end * PADS * BINS),
  };
}

/** The family's nominal conditions, with those given in their place; the file's threshold, no saturation, no noise. */
export async function setupFor(conditions: Record<string, string>, seed: number): Promise<SimulatorSetup> {
  const family = parse(await readFile(join(root, "families/mpd.tpc/family.yaml"), "utf8"));
  const nominal = Object.entries(family.conditions as Record<string, { nominal: string | number }>).map(
    ([name, condition]) => [name, String(condition.nominal)],
  );
  return {
    simulator: "driftline-tpc",
    conditions: { ...Object.fromEntries(nominal), threshold: "0.9", noise: "0", ...conditions },
    inputs: family.inputs.map((input: { name: string }) => input.name),
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
