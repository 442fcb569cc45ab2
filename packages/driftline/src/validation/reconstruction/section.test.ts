// The test as a whole on a toy chamber whose clusters are Gaussians, and what the report shows of it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { normals } from "@driftline/client/noise";
import { makeImage, makeInput } from "../../family/testing.ts";
import type { Generate } from "../sample.ts";
import type { ReconstructionOptions } from "./options.ts";
import { reconstructionSections } from "./section.ts";
import { validateReconstruction } from "./validateReconstruction.ts";

const inputs = [
  makeInput("crossing_angle", "deg", -20, 20),
  makeInput("dip_angle", "deg", -60, 60),
  makeInput("drift_length", "bin", 35, 290),
  makeInput("pad_coordinate", "pad", 27, 42),
  makeInput("pad_row", "1", 0, 52),
  makeInput("pt", "GeV/c", 0.2, 2.5),
];
const output = makeImage([
  { name: "pad", size: 8, coordinate: "pad_coordinate", first: -3 },
  { name: "time", size: 16, coordinate: "drift_length", first: -7 },
]);

/** Clusters displaced by `error` pads (and bins) of a normal number. */
function toy(seed: number, error: number): Generate {
  return async (features, rows, draw) => {
    const responses = new Float32Array(rows * 128);
    for (let k = 0; k < rows; k++) {
      const [dx, dt, gain] = normals(seed + draw, k, 0, 3);
      const pad = 3 + (features[6 * k + 3] % 1) + error * dx;
      const bin = 7 + (features[6 * k + 2] % 1) + error * dt;
      for (let c = 0; c < 128; c++) {
        const [u, v] = [(Math.floor(c / 16) - pad) / 0.55, ((c % 16) - bin) / 1.15];
        responses[128 * k + c] = (70 + 10 * gain) * Math.exp(-0.5 * (u * u + v * v));
      }
    }
    return responses;
  };
}

function options(generate: Generate): ReconstructionOptions {
  const wide = { minimum: 0.95, maximum: 1.05 };
  return {
    policy: {
      detector: "tpc",
      tracks: 220,
      pt: { low: 0.1, high: 2 },
      dip: { low: -45, high: 45 },
      resolution: wide,
      dedx: wide,
      hit: wide,
      cluster: wide,
    },
    inputs,
    output,
    threshold: 1,
    conditions: {
      fieldTesla: 0.5,
      cmPerBin: 0.55,
      transverseDiffusion: 0.0185,
      longitudinalDiffusion: 0.032,
    },
    covered: Object.fromEntries(inputs.map(({ name, low, high }) => [name, { low, high }])),
    generate,
    simulate: toy(1, 0.08),
    test: { rows: 0, features: new Float32Array(), responses: new Float32Array(), ids: new BigInt64Array() },
    seed: 3,
  };
}

// Errors twice as large double every resolution: 69 % in the logarithm, whose error is 4 % for tracks and 1 % for hits.
test("a generator with twice the errors is refused for all resolutions, and the report says so", async () => {
  const found = await validateReconstruction(options(toy(2, 0.16)));
  const failed = found.gates.filter(({ passed }) => !passed).map(({ metric }) => metric);
  for (const name of ["dca_xy", "dca_z", "pt", "azimuth", "dip", "hit_pad", "hit_drift"]) {
    assert.ok(failed.includes(`ratio_${name}`), `${name} of ${failed}`);
  }
  const all = found.figures.find(({ quantity, by }) => quantity === "dca_xy" && by === "all")!;
  assert.ok(Math.abs(all.ratio - 2) < 0.35, `${all.ratio}`);
  assert.deepEqual(found.notes, ["Tracks of 0.2 to 2 GeV/c only: the inputs cover no others."]);
  const page = reconstructionSections(found).join("\n");
  assert.match(page, /DCA in x–y/);
  assert.match(page, /not gated/);
  assert.match(page, /the inputs cover no others/);
  // Six quantities against pT and dip, and six biases.
  assert.equal(page.match(/<figure>/g)?.length, 18);
  assert.doesNotMatch(page, /NaN|undefined/);
  // JSON writes what is no number as null.
  assert.equal(JSON.stringify(found.figures).includes("null"), false);
});

test("a generator that answers with nothing is refused for it", async () => {
  const found = await validateReconstruction(options(async (_, rows) => new Float32Array(rows * 128)));
  assert.deepEqual(
    found.gates.map(({ metric, value, passed }) => [metric, value, passed]),
    [["ratio_hits_found", 0, false]],
  );
});

test("responses of the wrong size are the generator's fault", async () => {
  await assert.rejects(validateReconstruction(options(async () => new Float32Array(7))), {
    code: "invalid_bundle",
  });
});
