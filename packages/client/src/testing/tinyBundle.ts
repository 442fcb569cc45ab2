// A tiny but complete bundle on disk, for tests: its model is tiny.onnx, its reference NumPy's (see make_tiny.py).

import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import canonicalize from "canonicalize";
import type { BundleManifest } from "../bundle.ts";

export const tinyModel = new URL("./tiny.onnx", import.meta.url);
export const tinyReference = new URL("./tiny.reference.safetensors", import.meta.url);
/** Like tiny.onnx, but its weights are in the file weights.bin beside it. */
export const externalModel = new URL("./external.onnx", import.meta.url);

export const tinyColumns = [
  { name: "crossing_angle", unit: "deg", low: -20, high: 20 },
  { name: "dip_angle", unit: "deg", low: -60, high: 60 },
  { name: "drift_length", unit: "bin", low: 35, high: 290 },
  { name: "pad_coordinate", unit: "pad", low: 27, high: 42 },
  { name: "pad_row", unit: "1", low: 0, high: 52 },
  { name: "pt", unit: "GeV/c", low: 0.2, high: 2.5 },
];

/** The parts of the tiny bundle's manifest that are asked for: family, conditions, software. */
export const tinyQuestion = {
  family: "test.tiny",
  familyVersion: 1,
  conditions: { drift_velocity: "5.5", gas: "Ar/CH4 90/10" },
  software: { simulator: "tiny/1" },
};

export function sha256(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}

export function keyOf(question: typeof tinyQuestion): string {
  const { family, familyVersion, conditions, software } = question;
  const asked = { scheme: "driftline-key/1", family, familyVersion, conditions, software };
  return `k1-${sha256(canonicalize(asked)!)}`;
}

/** Writes the bundle into a new directory; `change` may alter the manifest, and `files` replace or add files. */
export async function writeTinyBundle(
  directory: string,
  options: { files?: Record<string, Uint8Array>; change?: (manifest: BundleManifest) => void } = {},
): Promise<{ digest: string; manifest: BundleManifest }> {
  const contents: Record<string, Uint8Array> = {
    "model.onnx": await readFile(tinyModel),
    "reference.safetensors": await readFile(tinyReference),
    "validation.json": new TextEncoder().encode("{}\n"),
    "card.md": new TextEncoder().encode("# A tiny generator, good for tests only\n"),
    ...options.files,
  };
  const gate = {
    metric: "wasserstein",
    at: "nominal",
    value: 0.05,
    interval: null,
    floor: 0.01,
    maximum: 0.1,
  };
  const manifest: BundleManifest = {
    scheme: "driftline-bundle/1",
    key: keyOf(tinyQuestion),
    ...tinyQuestion,
    recipe: { seed: 1 },
    recipeHash: sha256("tiny recipe"),
    signature: {
      inputs: [
        { name: "features", dtype: "float32", shape: ["batch", 6], unit: "", columns: tinyColumns },
        { name: "latent", dtype: "float32", shape: ["batch", 4], unit: "1" },
      ],
      outputs: [{ name: "response", dtype: "float32", shape: ["batch", 8, 16], unit: "ADC" }],
    },
    domain: {
      conditions: { drift_velocity: { low: 5.45, high: 5.55, unit: "cm/us", tested: true } },
      inputs: Object.fromEntries(
        tinyColumns.map(({ name, unit, low, high }) => [name, { low, high, unit, tested: true }]),
      ),
    },
    tolerance: { absolute: 1e-4, relative: 1e-4 },
    provenance: { dataSource: "simulator" },
    verdict: { passed: true, gates: [{ ...gate, interval: [0.04, 0.06], passed: true }] },
    files: Object.entries(contents).map(([path, bytes]) => ({
      path,
      size: bytes.length,
      sha256: sha256(bytes),
    })),
  };
  options.change?.(manifest);
  const bytes = new TextEncoder().encode(canonicalize(manifest)!);
  await mkdir(directory, { recursive: true });
  for (const [path, content] of Object.entries(contents)) await writeFile(join(directory, path), content);
  await writeFile(join(directory, "bundle.json"), bytes);
  return { digest: sha256(bytes), manifest };
}
