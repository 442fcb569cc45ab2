// Replay of a compiled export: it must give the reference outputs of its bundle, one by one as in a batch, and its noise.

import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { BundleManifest } from "@driftline/client/bundle";
import type { OnnxModel } from "@driftline/client/model";
import { normals } from "@driftline/client/noise";
import { replayReference } from "@driftline/client/verify";
import { DriftlineError, fail } from "../../errors/registry.ts";
import { type CCompiler, compile, compileFlags } from "./cCompiler.ts";
import type { CompiledSource } from "./compileToC.ts";
import { replayDriver } from "./replayDriver.ts";

const execute = promisify(execFile);
/** Rows whose noise is compared, and the seed: one that uses more than 32 bits. */
const noiseRows = 64;
const noiseSeed = 2 ** 40 + 12345;

export interface ReplayRequest {
  /** The verified bundle. */
  bundle: string;
  manifest: BundleManifest;
  compiled: CompiledSource;
  compiler: CCompiler;
  flags: string[];
  /** A directory of the caller's to work in; the library is left there. */
  scratch: string;
  signal?: AbortSignal;
}

/**
 * Compiles an export as a shared library and runs it on the reference of its bundle.
 * @returns path of the library that was run
 * Errors: `compiler_failed`; `export_failed` where a response is beyond the bundle's tolerance, depends on the batch, or
 * the noise is not the one of the other languages.
 */
export async function buildAndReplay(request: ReplayRequest): Promise<string> {
  const { bundle, manifest, compiled, compiler, scratch, signal } = request;
  const { name } = compiled;
  const library = join(scratch, `lib${name}.so`);
  const program = join(scratch, "replay");
  await writeFile(join(scratch, `${name}.c`), compiled.source);
  await writeFile(join(scratch, `${name}.h`), compiled.header);
  await writeFile(join(scratch, "replay.c"), replayDriver(name));
  const flags = [...compileFlags, ...request.flags];
  const options = { directory: scratch, signal };
  await compile(compiler, [...flags, "-fPIC", "-shared", `${name}.c`, "-o", library, "-lm"], options);
  await compile(
    compiler,
    [...flags, "replay.c", library, `-Wl,-rpath,${scratch}`, "-o", program, "-lm"],
    options,
  );

  const { features, latent, output } = shapesOf(manifest);
  const run = async (x: Float32Array, z: Float32Array, rows: number, oneByOne: boolean) => {
    const [from, noise, to] = ["features", "latent", "output"].map((file) => join(scratch, file));
    await writeFile(from, x);
    await writeFile(noise, z);
    await call([from, noise, to, String(rows), oneByOne ? "1" : "0"]);
    return floats(to);
  };
  const model: OnnxModel = {
    inputs: [{ name: features.name, dtype: "float32", shape: ["batch", features.width] }],
    outputs: [{ name: output.name, dtype: "float32", shape: ["batch", ...output.shape] }],
    featureWidth: features.width,
    latentWidth: latent,
    outputShape: output.shape,
    async run(x, z, rows) {
      const batch = await run(x, z, rows, false);
      const single = await run(x, z, rows, true);
      const at = batch.findIndex((value, i) => !Object.is(value, single[i]));
      if (at >= 0) {
        const row = Math.floor(at / (batch.length / rows));
        throw failed(`row ${row} of the reference gives ${single[at]} alone and ${batch[at]} in a batch`);
      }
      return batch;
    },
    close: async () => {},
  };
  try {
    await replayReference(bundle, manifest, model);
  } catch (cause) {
    if (cause instanceof DriftlineError && cause.code === "damaged" && cause.field === "model.onnx") {
      const [problem] = (cause.data?.problems ?? []) as { expected: string; found: string }[];
      throw failed(`expected ${problem.expected}, found ${problem.found}`, cause);
    }
    throw cause;
  }
  if (latent > 0) await compareNoise();
  return library;

  async function compareNoise(): Promise<void> {
    const path = join(scratch, "noise");
    await call(["noise", String(noiseSeed), path, String(noiseRows)]);
    const found = await floats(path);
    for (let i = 0; i < noiseRows; i++) {
      const due = normals(noiseSeed, i - 7, 3 * i, latent);
      const at = due.findIndex((value, j) => value !== found[i * latent + j]);
      if (at >= 0) throw failed(`noise ${at} of event ${i - 7} is ${found[i * latent + at]}, not ${due[at]}`);
    }
  }

  async function call(args: string[]): Promise<void> {
    try {
      await execute(program, args, { signal });
    } catch (cause) {
      signal?.throwIfAborted();
      throw failed(`it cannot be run here: ${(cause as Error).message}`, cause);
    }
  }

  function failed(what: string, cause?: unknown): DriftlineError {
    return fail("export_failed", `replaying the export ${name} compiled by ${compiler.version}: ${what}`, {
      remedy:
        request.flags.length > 0
          ? "Leave out --cflags; options such as -ffast-math and another processor's -march spoil the result."
          : "This is a fault of Driftline or of the compiler; please report it with the bundle's digest.",
      cause,
    });
  }
}

async function floats(path: string): Promise<Float32Array> {
  const bytes = await readFile(path);
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}

/** Names and widths by the manifest, which the compiled graph agrees with. */
function shapesOf(manifest: BundleManifest) {
  const { inputs, outputs } = manifest.signature;
  const features = inputs.find((input) => input.name !== "latent")!;
  const latent = inputs.find((input) => input.name === "latent");
  const fixed = (shape: (number | "batch")[]) => shape.filter((n) => n !== "batch");
  return {
    features: { name: features.name, width: fixed(features.shape)[0] },
    latent: latent === undefined ? 0 : fixed(latent.shape)[0],
    output: { name: outputs[0].name, shape: fixed(outputs[0].shape) },
  };
}
