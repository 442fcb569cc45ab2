// Verification: every way in which a bundle can differ from its manifest is named; other files are never read.

import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, it } from "node:test";
import { DriftlineError } from "./error.ts";
import { openModel } from "./model.ts";
import { refuseExternalData } from "./onnxGuard.ts";
import { encodeSafetensors, type Tensor } from "./safetensors.ts";
import { externalModel, sha256, tinyModel, tinyReference, writeTinyBundle } from "./testing/tinyBundle.ts";
import { verifyBundle } from "./verify.ts";

async function rejection(promise: Promise<unknown>): Promise<DriftlineError> {
  const error = await promise.then(
    () => assert.fail("should have been refused"),
    (cause) => cause,
  );
  assert.ok(error instanceof DriftlineError, String(error.stack));
  return error;
}

describe("verifyBundle", () => {
  let root: string;
  let bundle: string;
  let count = 0;
  before(async () => {
    root = await mkdtemp(join(tmpdir(), "driftline-verify-"));
  });
  after(() => rm(root, { recursive: true }));
  beforeEach(() => {
    bundle = join(root, `bundle-${count++}`);
  });

  it("accepts a bundle and gives digest and manifest", async () => {
    const { digest } = await writeTinyBundle(bundle);
    const verified = await verifyBundle(bundle);
    assert.equal(verified.digest, digest);
    assert.equal(digest, sha256(await readFile(join(bundle, "bundle.json"))));
    assert.equal(verified.manifest.conditions.drift_velocity, "5.5");
  });

  for (const path of ["model.onnx", "reference.safetensors", "validation.json", "card.md"]) {
    it(`names a flipped bit in ${path}`, async () => {
      const { manifest } = await writeTinyBundle(bundle);
      const bytes = await readFile(join(bundle, path));
      bytes[bytes.length >> 1] ^= 4;
      await writeFile(join(bundle, path), bytes);
      const error = await rejection(verifyBundle(bundle));
      assert.equal(error.code, "damaged");
      assert.deepEqual(error.data?.problems, [
        {
          file: path,
          expected: `SHA-256 ${manifest.files.find((file) => file.path === path)!.sha256}`,
          found: `SHA-256 ${sha256(bytes)}`,
        },
      ]);
    });
  }

  it("names missing, extra, short and linked files together", async () => {
    await writeTinyBundle(bundle);
    await rm(join(bundle, "card.md"));
    await writeFile(join(bundle, "notes.txt"), "");
    await truncate(join(bundle, "validation.json"), 1);
    await rm(join(bundle, "reference.safetensors"));
    await symlink(tinyReference.pathname, join(bundle, "reference.safetensors"));
    const error = await rejection(verifyBundle(bundle));
    assert.equal(error.code, "damaged");
    const problems = error.data?.problems as { file: string; found: string }[];
    assert.deepEqual(Object.fromEntries(problems.map(({ file, found }) => [file, found])), {
      "notes.txt": "a file",
      "card.md": "nothing",
      "validation.json": "1 bytes",
      "reference.safetensors": "a symbolic link",
    });
  });

  it("replays the reference", async () => {
    const wrong: Record<string, Tensor> = {
      features: { dtype: "F32", shape: [1, 6], data: new Float32Array([0, 0, 100, 30, 10, 1]) },
      latent: { dtype: "F32", shape: [1, 4], data: new Float32Array(4) },
      response: { dtype: "F32", shape: [1, 8, 16], data: new Float32Array(128).fill(3) },
    };
    await writeTinyBundle(bundle, { files: { "reference.safetensors": encodeSafetensors(wrong) } });
    const error = await rejection(verifyBundle(bundle));
    assert.equal(error.code, "damaged");
    assert.match(
      error.message,
      /model\.onnx: expected `response` 3 ± 0\.0004 in row 0 of reference\.safetensors, found/,
    );
  });

  it("does not take NaN for a match", async () => {
    const nan: Record<string, Tensor> = {
      features: { dtype: "F32", shape: [1, 6], data: new Float32Array([0, 0, 100, 30, 10, 1]) },
      latent: { dtype: "F32", shape: [1, 4], data: new Float32Array(4) },
      response: { dtype: "F32", shape: [1, 8, 16], data: new Float32Array(128).fill(Number.NaN) },
    };
    await writeTinyBundle(bundle, { files: { "reference.safetensors": encodeSafetensors(nan) } });
    assert.equal((await rejection(verifyBundle(bundle))).code, "damaged");
  });

  it("refuses manifests that do not follow the format", async () => {
    const cases: [RegExp, Parameters<typeof writeTinyBundle>[1]][] = [
      [/scheme/, { change: (m) => Object.assign(m, { scheme: "other/1" }) }],
      [
        /key: it is k1-/,
        {
          change: (m) => {
            m.conditions.drift_velocity = "5.6";
          },
        },
      ],
      [
        /"\.\.\/model\.onnx" is not a plain/,
        { change: (m) => Object.assign(m.files[0], { path: "../model.onnx" }) },
      ],
      [
        /"\/etc\/passwd" is not a plain/,
        { change: (m) => Object.assign(m.files[3], { path: "/etc/passwd" }) },
      ],
      [/"model\.onnx" is listed twice/, { change: (m) => m.files.push(m.files[0]) }],
      [/reference\.safetensors is not listed/, { change: (m) => m.files.splice(1, 1) }],
      [/files\.0\.sha256: 64 hexadecimal/, { change: (m) => Object.assign(m.files[0], { sha256: "ff" }) }],
    ];
    for (const [i, [message, options]] of cases.entries()) {
      await writeTinyBundle(`${bundle}-${i}`, options);
      const error = await rejection(verifyBundle(`${bundle}-${i}`));
      assert.equal(error.code, "invalid_bundle", String(message));
      assert.match(error.message, message);
    }
  });

  it("says what is wrong where there is no bundle", async () => {
    assert.match((await rejection(verifyBundle(bundle))).message, /is not a directory/);
    await writeTinyBundle(bundle);
    await writeFile(join(bundle, "bundle.json"), "{");
    assert.match((await rejection(verifyBundle(bundle))).message, /bundle\.json: it is not JSON/);
    await rm(join(bundle, "bundle.json"));
    assert.match((await rejection(verifyBundle(bundle))).message, /holds no usable bundle\.json: nothing/);
  });

  it("refuses a model with data in other files", async () => {
    await writeTinyBundle(bundle, { files: { "model.onnx": await readFile(externalModel) } });
    const error = await rejection(verifyBundle(bundle));
    assert.equal(error.code, "invalid_bundle");
    assert.match(error.message, /keeps tensor "w" in another file/);
  });
});

describe("external data", () => {
  it("would be followed by the runtime, and is not", async () => {
    const directory = await mkdtemp(join(tmpdir(), "driftline-external-"));
    const previous = process.cwd();
    await writeFile(join(directory, "weights.bin"), Buffer.alloc(3072));
    try {
      process.chdir(directory);
      const bytes = await readFile(externalModel);
      // Shows why the guard is there: the runtime reads weights.bin of the working directory.
      const { InferenceSession } = await import("onnxruntime-node");
      await (await InferenceSession.create(bytes)).release();
      assert.equal((await rejection(openModel(bytes))).code, "invalid_bundle");
      assert.equal((await rejection(openModel(externalModel.pathname))).code, "invalid_bundle");
    } finally {
      process.chdir(previous);
      await rm(directory, { recursive: true });
    }
  });

  it("is found wherever a tensor can be", () => {
    const field = (number: number, body: number[]) => [number * 8 + 2, body.length, ...body];
    const external = [14 * 8, 1];
    // Field numbers above 15 take two bytes: 22 << 3 | 2 = 178 = 0xb2 0x01; 25 << 3 | 2 = 202 = 0xca 0x01.
    const long = (low: number, body: number[]) => [low, 1, body.length, ...body];
    const attribute = (body: number[]) => field(7, field(1, field(5, body)));
    const places: Record<string, number[]> = {
      initializer: field(7, field(5, external)),
      "external_data without location": field(7, field(5, field(13, [10, 0]))),
      "sparse initializer": field(7, field(15, field(2, external))),
      "attribute t": attribute(field(5, external)),
      "attribute tensors": attribute(field(10, external)),
      "subgraph of an attribute": attribute(field(6, field(5, external))),
      "sparse tensor of an attribute": attribute(long(0xb2, field(1, external))),
      function: long(0xca, field(7, field(5, field(5, external)))),
      "default of a function's attribute": long(0xca, field(11, field(5, external))),
    };
    for (const [place, bytes] of Object.entries(places)) {
      assert.throws(() => refuseExternalData(new Uint8Array(bytes), "m"), /in another file/, place);
    }
    refuseExternalData(new Uint8Array(field(7, field(5, [14 * 8, 0]))), "m");
  });

  it("cut or odd bytes are refused, whole models pass", async () => {
    const bytes = new Uint8Array(await readFile(tinyModel));
    refuseExternalData(bytes, "m");
    for (const odd of [
      bytes.subarray(0, 1000),
      [0x3b],
      [0x0a, 0x05, 1],
      [0x80, 0x80, 0x80, 0x80, 0x80, 0x01],
    ]) {
      assert.throws(() => refuseExternalData(new Uint8Array(odd), "m"), /not a plain ONNX file/);
    }
    const flatbuffer = new TextEncoder().encode("\0\0\0\0ORTM\0\0\0\0");
    assert.throws(() => refuseExternalData(flatbuffer, "m"), /own format/);
  });
});
