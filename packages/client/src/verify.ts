// Verification of a bundle: its manifest, its files, and the replay of its reference through ONNX Runtime.

import { createHash } from "node:crypto";
import { constants, createReadStream } from "node:fs";
import { lstat, open, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import canonicalize from "canonicalize";
import { type BundleManifest, bundleManifest, bundleScheme } from "./bundle.ts";
import { DriftlineError } from "./error.ts";
import { type OnnxModel, openModel } from "./model.ts";
import { decodeSafetensors, type Safetensors } from "./safetensors.ts";

export const manifestFile = "bundle.json";
export const modelFile = "model.onnx";
export const referenceFile = "reference.safetensors";
export const maximumManifestBytes = 16 * 1024 * 1024;

export interface VerifiedBundle {
  /** SHA-256 of bundle.json. */
  digest: string;
  manifest: BundleManifest;
}

/** Something in a bundle that is not as its manifest says. */
export interface BundleProblem {
  file: string;
  expected: string;
  found: string;
}

/**
 * Checks a bundle: schema of bundle.json, that exactly the listed files are there with their sizes and digests, and that
 * the model gives the reference outputs within tolerance.
 * Errors: `invalid_bundle` where the format is not followed, `damaged` where content is not what the manifest says.
 */
export async function verifyBundle(
  directory: string,
  options: { digest?: string } = {},
): Promise<VerifiedBundle> {
  const { digest, manifest, modelBytes } = await verifyFiles(directory, options);
  const model = await openModel(modelBytes);
  try {
    await replayReference(directory, manifest, model);
  } finally {
    await model.close();
  }
  return { digest, manifest };
}

/** The checks that need no runtime; returns the bytes of the model that were checked. */
export async function verifyFiles(
  directory: string,
  options: { digest?: string } = {},
): Promise<VerifiedBundle & { modelBytes: Uint8Array }> {
  const verified = await readManifest(directory, options);
  const { files } = verified.manifest;
  const listed = new Set([manifestFile, ...files.map((file) => file.path)]);
  const problems: BundleProblem[] = [];
  for (const path of await filesUnder(directory)) {
    if (!listed.has(path)) problems.push({ file: path, expected: "no such file", found: "a file" });
  }
  for (const { path, size, sha256 } of files) {
    const found = await fileState(join(directory, path));
    if (typeof found === "string") problems.push({ file: path, expected: "a file", found });
    else if (found.size !== size) {
      problems.push({ file: path, expected: `${size} bytes`, found: `${found.size} bytes` });
    } else {
      const actual = await fileDigest(join(directory, path));
      if (actual !== sha256)
        problems.push({ file: path, expected: `SHA-256 ${sha256}`, found: `SHA-256 ${actual}` });
    }
  }
  if (problems.length > 0) throw damaged(directory, problems);
  return { ...verified, modelBytes: await readListed(directory, verified.manifest, modelFile) };
}

/** Reads and checks bundle.json alone. */
export async function readManifest(
  directory: string,
  options: { digest?: string } = {},
): Promise<VerifiedBundle> {
  const path = join(directory, manifestFile);
  const state = await fileState(path);
  if (typeof state === "string" || state.size > maximumManifestBytes) {
    const isDirectory = (await stat(directory).catch(() => undefined))?.isDirectory() ?? false;
    const what = typeof state === "string" ? state : `${state.size} bytes, too large`;
    throw new DriftlineError(
      "invalid_bundle",
      isDirectory
        ? `${directory} holds no usable ${manifestFile}: ${what}`
        : `${directory} is not a directory`,
      { field: manifestFile, remedy: "Name the directory that `driftline pull` wrote." },
    );
  }
  return parseManifest(await readBytes(path), directory, options);
}

/** Checks the bytes of a bundle.json. `source` is for messages. */
export function parseManifest(
  bytes: Uint8Array,
  source: string,
  options: { digest?: string } = {},
): VerifiedBundle {
  const digest = createHash("sha256").update(bytes).digest("hex");
  if (options.digest !== undefined && options.digest !== digest) {
    const found = `SHA-256 ${digest}`;
    throw damaged(source, [{ file: manifestFile, expected: `SHA-256 ${options.digest}`, found }]);
  }
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw invalid(source, `it is not JSON in UTF-8: ${(cause as Error).message}`, cause);
  }
  const { scheme } = (json ?? {}) as { scheme?: unknown };
  if (typeof scheme === "string" && /^driftline-bundle\/\d+$/.test(scheme) && scheme !== bundleScheme) {
    throw new DriftlineError(
      "invalid_bundle",
      `Bundle ${source} has the format ${scheme}; this version of Driftline knows ${bundleScheme}.`,
      { field: "scheme", remedy: "Update Driftline where the bundle is read, or make it in that format." },
    );
  }
  const parsed = bundleManifest.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw invalid(source, `${issue.path.join(".") || "its top level"}: ${issue.message}`, parsed.error);
  }
  const manifest = parsed.data;
  const seen = new Set<string>([manifestFile]);
  for (const { path } of manifest.files) {
    if (!isPlainPath(path))
      throw invalid(source, `files: ${JSON.stringify(path)} is not a plain relative path`);
    if (seen.has(path)) throw invalid(source, `files: ${JSON.stringify(path)} is listed twice`);
    seen.add(path);
  }
  for (const path of [modelFile, referenceFile]) {
    if (!seen.has(path)) throw invalid(source, `files: ${path} is not listed`);
  }
  const key = keyOf(manifest);
  if (manifest.key !== key)
    throw invalid(source, `key: it is ${manifest.key}, its conditions and software give ${key}`);
  return { digest, manifest };
}

/** Feeds the reference inputs to the model and compares with the reference outputs. Error: `damaged`. */
export async function replayReference(
  directory: string,
  manifest: BundleManifest,
  model: OnnxModel,
): Promise<void> {
  await replay(directory, manifest, model, await readListed(directory, manifest, referenceFile));
}

/** As `replayReference`, with the bytes of the reference, which were checked; `source` is for messages. */
export async function replay(
  source: string,
  manifest: BundleManifest,
  model: OnnxModel,
  bytes: Uint8Array,
): Promise<void> {
  const { tensors } = decodeSafetensors(bytes, referenceFile);
  const features = model.inputs.find((input) => input.name !== "latent")!.name;
  const rows = tensors[features]?.shape[0] ?? 0;
  if (rows === 0) throw invalid(source, `${referenceFile} has no rows of \`${features}\``);
  const latent =
    model.latentWidth === 0 ? new Float32Array(0) : float32(tensors, "latent", [rows, model.latentWidth]);
  const output = model.outputs[0].name;
  const expected = float32(tensors, output, [rows, ...model.outputShape]);
  const found = await model.run(float32(tensors, features, [rows, model.featureWidth]), latent, rows);

  const { absolute, relative } = manifest.tolerance;
  let worst = -1;
  let worstExcess = 0;
  for (let i = 0; i < expected.length; i++) {
    const excess = Math.abs(found[i] - expected[i]) - (absolute + relative * Math.abs(expected[i]));
    // Written so that a NaN counts as a deviation.
    if (!(excess <= 0) && !(excess <= worstExcess)) {
      worst = i;
      worstExcess = Number.isNaN(excess) ? Number.POSITIVE_INFINITY : excess;
    }
  }
  if (worst >= 0) {
    const row = Math.floor(worst / (expected.length / rows));
    throw damaged(source, [
      {
        file: modelFile,
        expected: `\`${output}\` ${expected[worst]} ± ${absolute + relative * Math.abs(expected[worst])} in row ${row} of ${referenceFile}`,
        found: `${found[worst]}`,
      },
    ]);
  }

  function float32(all: Safetensors["tensors"], name: string, shape: number[]): Float32Array {
    const tensor = all[name];
    if (tensor?.data instanceof Float32Array && tensor.shape.join() === shape.join()) return tensor.data;
    const found = tensor === undefined ? "nothing" : `${tensor.dtype} [${tensor.shape.join(", ")}]`;
    throw invalid(
      source,
      `${referenceFile} must hold \`${name}\` as F32 [${shape.join(", ")}]; it holds ${found}`,
    );
  }
}

/** Reads a listed file whole and checks the very bytes that it returns. */
export async function readListed(
  directory: string,
  manifest: BundleManifest,
  path: string,
): Promise<Uint8Array> {
  const entry = manifest.files.find((file) => file.path === path)!;
  const state = await fileState(join(directory, path));
  if (typeof state === "string") throw damaged(directory, [{ file: path, expected: "a file", found: state }]);
  const bytes = await readBytes(join(directory, path));
  const found = createHash("sha256").update(bytes).digest("hex");
  if (found !== entry.sha256) {
    throw damaged(directory, [
      { file: path, expected: `SHA-256 ${entry.sha256}`, found: `SHA-256 ${found}` },
    ]);
  }
  return bytes;
}

/** The condition key: SHA-256 of the canonical form. */
function keyOf(manifest: BundleManifest): string {
  return `k1-${createHash("sha256").update(canonicalForm(manifest)).digest("hex")}`;
}

/** The canonical JSON (RFC 8785) of what a key stands for. */
export function canonicalForm(
  of: Pick<BundleManifest, "family" | "familyVersion" | "conditions" | "software">,
): string {
  const { family, familyVersion, conditions, software } = of;
  return canonicalize({ scheme: "driftline-key/1", family, familyVersion, conditions, software })!;
}

/** Whether a path stays inside the bundle on every system: no roots, no dots, no backslashes, no control characters. */
function isPlainPath(path: string): boolean {
  return (
    path.split("/").every((part) => /^[A-Za-z0-9_-][A-Za-z0-9._ -]{0,127}$/.test(part)) && path.length < 512
  );
}

/** All files under a directory, `/` between names; links and other things count as files and fail later. */
async function filesUnder(directory: string, prefix = ""): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(join(directory, prefix), { withFileTypes: true })) {
    const path = prefix === "" ? entry.name : `${prefix}/${entry.name}`;
    if (entry.isDirectory()) found.push(...(await filesUnder(directory, path)));
    else found.push(path);
  }
  return found;
}

/** Size of a plain file, or what is there in its place. */
async function fileState(path: string): Promise<{ size: number } | string> {
  const state = await lstat(path).catch((error: NodeJS.ErrnoException) => error);
  if (state instanceof Error)
    return state.code === "ENOENT" || state.code === "ENOTDIR" ? "nothing" : state.message;
  if (state.isFile()) return { size: state.size };
  return state.isSymbolicLink() ? "a symbolic link" : state.isDirectory() ? "a directory" : "no plain file";
}

async function readBytes(path: string): Promise<Uint8Array> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    return await file.readFile();
  } finally {
    await file.close();
  }
}

/** SHA-256 of a file, read in pieces. */
async function fileDigest(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const piece of createReadStream(path, { flags: "r" })) hash.update(piece);
  return hash.digest("hex");
}

function damaged(directory: string, problems: BundleProblem[]): DriftlineError {
  const [{ file, expected, found }] = problems;
  const more = problems.length > 1 ? `; and ${problems.length - 1} more` : "";
  return new DriftlineError(
    "damaged",
    `verifying bundle ${directory}: ${file}: expected ${expected}, found ${found}${more}`,
    { field: file, remedy: "Delete it and pull the bundle again.", data: { problems } },
  );
}

function invalid(source: string, what: string, cause?: unknown): DriftlineError {
  return new DriftlineError("invalid_bundle", `verifying bundle ${source}: ${manifestFile}: ${what}`, {
    field: manifestFile,
    cause,
    remedy: "Ask whoever made the bundle for one that `driftline verify` accepts.",
  });
}
