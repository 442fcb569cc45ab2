// Time of a response from a compiled export beside ONNX Runtime's C interface: from C, one thread, batches of 1 and 256.
//
//   node bench/export.ts BUNDLE_DIRECTORY [repeats] [flags for the compiler…]

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { cpus, loadavg, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { readManifest } from "@driftline/client/verify";
import { compileFlags, findCompiler } from "../packages/driftline/src/inference/compile/cCompiler.ts";
import { exportBundle } from "../packages/driftline/src/inference/compile/exportBundle.ts";

const [directory, repeats = "30", ...flags] = process.argv.slice(2);
if (directory === undefined) {
  console.error("usage: node bench/export.ts BUNDLE_DIRECTORY [repeats] [flags for the compiler…]");
  process.exit(2);
}
const compiler = await findCompiler();
if (compiler === null) throw new Error("there is no C compiler");
const runtime = join(
  dirname(createRequire(import.meta.url).resolve("onnxruntime-node/package.json")),
  `bin/napi-v6/${process.platform}/${process.arch}`,
);
const scratch = mkdtempSync(join(tmpdir(), "driftline-bench-"));
try {
  const name = "model";
  const { manifest } = await readManifest(directory);
  await exportBundle({ bundle: directory, target: "c", out: scratch, name });
  const define = (macro: string, value: string) => `-D${macro}=${value}`;
  const features = manifest.signature.inputs.find((input) => input.name !== "latent")!;
  execFileSync(compiler.command[0], [
    ...compiler.command.slice(1),
    ...compileFlags,
    ...flags,
    define("EXPORT_HEADER", `"${name}.h"`),
    define("FEATURES", `"${features.name}"`),
    define("OUTPUT", `"${manifest.signature.outputs[0].name}"`),
    ...["INPUTS", "LATENTS", "OUTPUTS", "RANK"].map((macro) => define(macro, `MODEL_${macro}`)),
    ...Object.entries({ SHAPE: "output_shape", LOW: "input_low", HIGH: "input_high", NOISE: "noise" }).map(
      ([macro, symbol]) => define(macro, `model_${symbol}`),
    ),
    define("RUN_EXPORT", "model_run"),
    define("GENERATE", "model_generate"),
    `-I${scratch}`,
    fileURLToPath(new URL("./export/time.c", import.meta.url)),
    join(scratch, "model.c"),
    join(runtime, "libonnxruntime.so.1"),
    `-Wl,-rpath,${runtime}`,
    "-o",
    join(scratch, "time"),
    "-lm",
  ]);
  const load = loadavg()[0].toFixed(1);
  const result = JSON.parse(
    execFileSync(join(scratch, "time"), [join(directory, "model.onnx"), repeats], { encoding: "utf8" }),
  ) as { onnxruntime: string; times: Times[]; deviation: number };
  console.log(
    `${cpus()[0].model}, load ${load}, ${compiler.version} ${[...compileFlags, ...flags].join(" ")}`,
  );
  console.log(`ONNX Runtime ${result.onnxruntime} through its C interface; one thread; ${repeats} repeats`);
  console.log(
    "| batch | compiled, µs a response | ONNX Runtime | ratio in the same repeat | compiled, noise included |",
  );
  console.log("| --- | --- | --- | --- | --- |");
  for (const batch of [1, 256]) {
    const times = result.times.filter((each) => each.batch === batch);
    const column = (of: (each: Times) => number) => spread(times.map(of));
    console.log(
      `| ${batch} | ${column((t) => t.compiled)} | ${column((t) => t.served)} | ${column((t) => t.served / t.compiled)} | ${column((t) => t.generated)} |`,
    );
  }
  console.log(
    `Largest difference between the two at batch 256: ${result.deviation} of 1e-6 + 1e-6 of the value.`,
  );
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

interface Times {
  batch: number;
  compiled: number;
  served: number;
  generated: number;
}

function spread(values: number[]): string {
  const sorted = [...values].sort((a, b) => a - b);
  return `${sorted[sorted.length >> 1].toFixed(2)} (${sorted[0].toFixed(2)} to ${sorted.at(-1)!.toFixed(2)})`;
}
