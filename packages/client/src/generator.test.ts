// Generation: noise by (seed, event, row), independence of batches and threads, the domain's report.

import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { DriftlineError } from "./error.ts";
import { describeOutside, type Generator, loadGenerator, type OutsideInput } from "./generator.ts";
import { openModel } from "./model.ts";
import { normals } from "./noise.ts";
import { decodeSafetensors } from "./safetensors.ts";
import { tinyColumns, tinyModel, tinyReference, writeTinyBundle } from "./testing/tinyBundle.ts";

/** rows × 6 features inside the domain. */
function someFeatures(rows: number): Float32Array {
  return Float32Array.from({ length: rows * 6 }, (_, i) => {
    const { low, high } = tinyColumns[i % 6];
    return low + (high - low) * (0.5 + 0.4 * Math.sin(i));
  });
}

describe("a generator", () => {
  let directory: string;
  let digest: string;
  let generator: Generator;
  before(async () => {
    directory = join(await mkdtemp(join(tmpdir(), "driftline-generator-")), "bundle");
    ({ digest } = await writeTinyBundle(directory));
    generator = await loadGenerator(directory);
  });
  after(async () => {
    await generator.close();
    await rm(join(directory, ".."), { recursive: true });
  });

  it("knows its bundle", () => {
    assert.equal(generator.digest, digest);
    assert.equal(generator.manifest.family, "test.tiny");
    assert.equal(generator.latentWidth, 4);
    assert.deepEqual(generator.outputShape, [8, 16]);
  });

  it("computes what the graph says, with noise of (seed, event, row)", async () => {
    const features = someFeatures(2);
    const responses = await generator.generate({
      features,
      rows: 2,
      seed: 5,
      events: new BigInt64Array([7n, -1n]),
      eventRows: new Uint32Array([0, 3]),
    });
    const model = await openModel(await readFile(tinyModel));
    const noise = Float32Array.from([...normals(5, 7, 0, 4), ...normals(5, -1n, 3, 4)]);
    assert.deepEqual(responses, await model.run(features, noise, 2));
    await model.close();
  });

  it("gives a response that does not depend on batches, pieces and threads", async () => {
    const rows = 700;
    const features = someFeatures(rows);
    const whole = await generator.generate({ features, rows, seed: 9, firstEvent: 100 });
    const other = await loadGenerator(directory, { threads: 2, pieceRows: 37, verify: false });
    assert.deepEqual(await other.generate({ features, rows, seed: 9, firstEvent: 100 }), whole);
    await other.close();
    const part = await generator.generate({
      features: features.subarray(311 * 6, 312 * 6),
      rows: 1,
      seed: 9,
      firstEvent: 411,
    });
    assert.deepEqual(part, whole.subarray(311 * 128, 312 * 128));
  });

  it("differs with the seed", async () => {
    const features = someFeatures(1);
    const one = await generator.generate({ features, rows: 1, seed: 1 });
    assert.notDeepEqual(await generator.generate({ features, rows: 1, seed: 2 }), one);
  });

  it("reports inputs outside the domain once a call", async () => {
    const features = someFeatures(4);
    features[0] = -21.5;
    features[6] = 20; // on the limit: inside
    features[5] = 2.75;
    features[11] = 3.25;
    features[17] = Number.NaN;
    features[23] = Math.fround(0.2); // on the limit
    const reports: OutsideInput[][] = [];
    await generator.generate({ features, rows: 4, seed: 1, onOutside: (report) => reports.push(report) });
    assert.equal(reports.length, 1);
    assert.equal(
      describeOutside(reports[0]),
      "crossing_angle: 1 below -20 deg (furthest -21.5); pt: 2 above 2.5 GeV/c, 1 not a number (furthest NaN)",
    );
  });

  it("warns where nobody listens", async () => {
    const warned = new Promise<Error & { code?: string }>((resolve) => process.once("warning", resolve));
    await generator.generate({ features: new Float32Array(6), rows: 1, seed: 1 });
    const warning = await warned;
    assert.equal(warning.code, "DRIFTLINE_OUTSIDE_DOMAIN");
    assert.match(warning.message, /drift_length: 1 below 35 bin/);
  });

  it("refuses arrays of the wrong length, naming them", async () => {
    const request = { features: someFeatures(2), rows: 3, seed: 1 };
    await assert.rejects(
      generator.generate(request),
      (error) =>
        error instanceof DriftlineError && error.field === "features" && /need 18/.test(error.message),
    );
    const events = new BigInt64Array(1);
    await assert.rejects(
      generator.generate({ features: someFeatures(2), rows: 2, seed: 1, events }),
      /events has 1/,
    );
  });

  it("checks the digest that was asked for, and the model's bytes even without verification", async () => {
    await assert.rejects(loadGenerator(directory, { digest: "0".repeat(64) }), /expected SHA-256 0000/);
    const copy = join(directory, "..", "copy");
    await writeTinyBundle(copy);
    const bytes = await readFile(tinyModel);
    bytes[bytes.length - 200] ^= 1;
    await writeFile(join(copy, "model.onnx"), bytes);
    await assert.rejects(
      loadGenerator(copy, { verify: false }),
      (error) => error instanceof DriftlineError && error.code === "damaged" && error.field === "model.onnx",
    );
  });
});

it("a bare model gives NumPy's reference", async () => {
  const { tensors } = decodeSafetensors(await readFile(tinyReference));
  const model = await openModel(tinyModel.pathname);
  assert.deepEqual(
    { inputs: model.inputs, latentWidth: model.latentWidth, outputShape: model.outputShape },
    {
      inputs: [
        { name: "features", dtype: "float32", shape: ["batch", 6] },
        { name: "latent", dtype: "float32", shape: ["batch", 4] },
      ],
      latentWidth: 4,
      outputShape: [8, 16],
    },
  );
  const found = await model.run(
    tensors.features.data as Float32Array,
    tensors.latent.data as Float32Array,
    16,
  );
  const expected = tensors.response.data as Float32Array;
  const worst = found.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i])), 0);
  assert.ok(worst < 1e-4, `deviation ${worst}`);
  await model.close();
});
