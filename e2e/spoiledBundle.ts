// A bundle that is whole and says of itself that it passed, but whose model is bad: every weight scaled, reference and digests to match.

import { createHash } from "node:crypto";
import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type BundleManifest, openModel } from "@driftline/client";
import { protobufFields } from "@driftline/client/protobuf";
import { readSafetensors, writeSafetensors } from "@driftline/client/safetensors";
import canonicalize from "canonicalize";

/** Copies the bundle in `from` to `to` with its weights times `factor`, and returns the new digest. */
export async function spoilBundle(from: string, to: string, factor: number): Promise<string> {
  await cp(from, to, { recursive: true });
  const model = join(to, "model.onnx");
  const bytes = await readFile(model);
  scaleWeights(bytes, factor);
  await writeFile(model, bytes);
  const reference = join(to, "reference.safetensors");
  const { tensors } = await readSafetensors(reference);
  const { features, latent } = tensors;
  const [rows] = features.shape;
  const session = await openModel(bytes);
  const response = await session.run(
    features.data as Float32Array,
    (latent?.data as Float32Array | undefined) ?? new Float32Array(0),
    rows,
  );
  await session.close();
  tensors.response = { dtype: "F32", shape: [rows, ...session.outputShape], data: response };
  await writeSafetensors(reference, tensors, {});
  return sealBundle(to);
}

/** Writes bundle.json anew, `change`d, with the digests of the files as they are; returns the bundle's digest. */
export async function sealBundle(
  directory: string,
  change: (manifest: BundleManifest) => void = () => {},
): Promise<string> {
  const path = join(directory, "bundle.json");
  const manifest = JSON.parse(await readFile(path, "utf8")) as BundleManifest;
  for (const file of manifest.files) {
    const content = await readFile(join(directory, file.path));
    Object.assign(file, { size: content.length, sha256: digestOf(content) });
  }
  change(manifest);
  const bytes = canonicalize(manifest)!;
  await writeFile(path, bytes);
  return digestOf(bytes);
}

function digestOf(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

/** In place: float32 initializers with raw data, of onnx.proto's graph (7), initializer (5), data_type (2), raw_data (9). */
function scaleWeights(bytes: Uint8Array, factor: number): void {
  const fields = (start: number, end: number) => protobufFields(bytes, start, end, (what) => new Error(what));
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  for (const graph of fields(0, bytes.length)) {
    if (graph.number !== 7) continue;
    for (const tensor of fields(graph.start, graph.end)) {
      if (tensor.number !== 5) continue;
      const parts = [...fields(tensor.start, tensor.end)];
      const raw = parts.find(({ number }) => number === 9);
      const isFloat = parts.some(({ number, value }) => number === 2 && value === 1);
      if (!raw || !isFloat || raw.end - raw.start < 8) continue;
      for (let at = raw.start; at < raw.end; at += 4) {
        view.setFloat32(at, view.getFloat32(at, true) * factor, true);
      }
    }
  }
}
