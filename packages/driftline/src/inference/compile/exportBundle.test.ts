// Exports as a program uses them: files that appear, responses and noise of the SDK, the domain; and what is not handed out.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { loadGenerator } from "@driftline/client/generator";
import { normals } from "@driftline/client/noise";
import { decodeSafetensors, encodeSafetensors } from "@driftline/client/safetensors";
import { tinyColumns, tinyReference, writeTinyBundle } from "@driftline/client/testing/tinyBundle";
import { compile, findCompiler } from "./cCompiler.ts";
import { compileToC } from "./compileToC.ts";
import { exportBundle } from "./exportBundle.ts";
import {
  compiler,
  directory,
  manifestOf,
  needsCompiler,
  onnxBytes,
  sanitizers,
  strictFlags,
  type TestModel,
} from "./testing.ts";

const vectors = JSON.parse(
  readFileSync(new URL("../../../../client/src/noise.vectors.json", import.meta.url), "utf8"),
) as { streams: { seed: number; stream: number; event: string; row: number; normals: number[] }[] };

async function tinyBundle(name: string, files?: Record<string, Uint8Array>) {
  const path = join(directory, name);
  return { path, ...(await writeTinyBundle(path, { files })) };
}

/** Rows of features, the seventh of them with one input below, one above and one that is not a number. */
function someFeatures(rows: number): Float32Array {
  const features = Float32Array.from({ length: rows * 6 }, (_, i) => {
    const { low, high } = tinyColumns[i % 6];
    return low + (high - low) * (0.5 + 0.4 * Math.sin(i));
  });
  features.set([-30, 0, 300, Number.NaN, 52, 0.2], 6 * 6);
  return features;
}

/** Generates in batches of the size given as first argument, from the numbers in a file. */
const program = `#include "tiny.h"
#include <stdio.h>
#include <stdlib.h>

enum { ROWS = 1000 };
static float features[ROWS * TINY_INPUTS], response[ROWS * TINY_OUTPUTS];
static int64_t events[ROWS];
static uint32_t event_rows[ROWS];
static unsigned char flags[ROWS * TINY_INPUTS];

int main(int argc, char **argv)
{
  const int batch = atoi(argv[1]);
  int outside = 0;
  FILE *file = fopen("tiny.features", "rb");
  if (argc < 2 || !file || fread(features, sizeof features, 1, file) != 1) return 3;
  fclose(file);
  for (int i = 0; i < ROWS; i++) {
    events[i] = i % 2 ? -i : ((int64_t)1 << 40) + i;
    event_rows[i] = 3 * (uint32_t)i;
  }
  for (int row = 0; row < ROWS; row += batch) {
    const int rows = ROWS - row < batch ? ROWS - row : batch;
    outside += tiny_generate(features + row * TINY_INPUTS, 9007199254740991u, 0, events + row, event_rows + row,
                             response + row * TINY_OUTPUTS, rows);
  }
  file = fopen("tiny.response", "wb");
  if (!file || fwrite(response, sizeof response, 1, file) != 1 || fclose(file) != 0) return 4;
  tiny_outside(features, flags, ROWS);
  printf("%d %d %d %d", outside, tiny_generate(features, 0, 0, 0, 0, response, 0),
         tiny_generate(features, 0, 0, 0, 0, response, -1), tiny_generate(features, (uint64_t)1 << 53, 0, 0, 0, response, 1));
  for (int i = 0; i < TINY_INPUTS; i++) printf(" %d", flags[6 * TINY_INPUTS + i]);
  printf(" %s %s %s %d %d", tiny_bundle, tiny_input_names[5], tiny_input_units[5], tiny_output_shape[0], tiny_output_shape[1]);
  return 0;
}
`;

describe("an export", { skip: needsCompiler }, () => {
  it("gives the SDK's responses, whatever the batch, and says what is outside", async () => {
    const { path, digest } = await tinyBundle("tiny-bundle");
    const out = join(directory, "tiny-c");
    const exported = await exportBundle({ bundle: path, target: "c", out, name: "tiny" });
    assert.equal(exported.bundle, digest);
    assert.deepEqual(readdirSync(out).sort(), ["tiny.c", "tiny.h"]);
    writeFileSync(join(out, "main.c"), program);
    const flags = [...strictFlags, "-O1", ...sanitizers];
    await compile(compiler!, [...flags, "main.c", "tiny.c", "-o", "main", "-lm"], { directory: out });
    const features = someFeatures(1000);
    writeFileSync(join(out, "tiny.features"), features);
    const generator = await loadGenerator(path);
    const due = await generator.generate({
      features,
      rows: 1000,
      seed: Number.MAX_SAFE_INTEGER,
      events: BigInt64Array.from({ length: 1000 }, (_, i) => (i % 2 ? BigInt(-i) : 2n ** 40n + BigInt(i))),
      eventRows: Uint32Array.from({ length: 1000 }, (_, i) => 3 * i),
      onOutside: () => {},
    });
    await generator.close();
    const responses = [1, 7, 16, 1000].map((batch) => {
      const said = execFileSync(join(out, "main"), [String(batch)], { cwd: out, encoding: "utf8" });
      // Below, inside, above, not a number, on the limit twice.
      assert.equal(said, `1 0 -1 -1 1 0 2 3 0 0 ${digest} pt GeV/c 8 16`);
      const bytes = readFileSync(join(out, "tiny.response"));
      return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
    });
    for (const response of responses.slice(1)) assert.deepEqual(response, responses[0]);
    const far = responses[0].findIndex(
      (value, i) =>
        !(Math.abs(value - due[i]) <= 1e-6 + 1e-6 * Math.abs(due[i])) && !Object.is(value, due[i]),
    );
    assert.equal(far, -1, `row ${Math.floor(far / 128)}: ${responses[0][far]}, the SDK ${due[far]}`);
  });

  it("as a library has the functions in it, and replaces an earlier one", async () => {
    const { path } = await tinyBundle("so-bundle");
    const out = join(directory, "so");
    const request = { bundle: path, target: "so" as const, out, name: "tiny" };
    mkdirSync(out);
    writeFileSync(join(out, "libtiny.so"), "an earlier one");
    assert.deepEqual((await exportBundle(request)).files, [join(out, "tiny.h"), join(out, "libtiny.so")]);
    const library = readFileSync(join(out, "libtiny.so"));
    assert.ok(library.includes("tiny_generate"));
  });

  it("that does not give the reference is not handed out", async () => {
    const { tensors } = decodeSafetensors(readFileSync(tinyReference));
    (tensors.response.data as Float32Array)[130] += 0.01;
    const { path } = await tinyBundle("wrong-bundle", {
      "reference.safetensors": encodeSafetensors(tensors),
    });
    const out = join(directory, "wrong");
    await assert.rejects(exportBundle({ bundle: path, target: "c", out }), {
      code: "export_failed",
      message: /`response` .* in row 1 of reference.safetensors, found/,
    });
    assert.throws(() => readdirSync(out), { code: "ENOENT" });
  });

  it("that flags spoil is not handed out, and wrong flags are named", async () => {
    const { path } = await tinyBundle("flags-bundle");
    const out = join(directory, "flags");
    const request = { bundle: path, target: "so" as const, out };
    await assert.rejects(exportBundle({ ...request, flags: ["-Dsqrt=cbrt"] }), {
      code: "export_failed",
      message: /noise 0 of event -7 is/,
      remedy: /--cflags/,
    });
    await assert.rejects(exportBundle({ ...request, flags: ["-fno-such-flag"] }), {
      code: "compiler_failed",
      message: /no-such-flag/,
    });
  });
});

it("without a compiler nothing is handed out", async () => {
  const { path } = await tinyBundle("no-compiler-bundle");
  const before = process.env.PATH;
  const named = process.env.CC;
  try {
    delete process.env.CC;
    process.env.PATH = directory;
    const out = join(directory, "none");
    await assert.rejects(exportBundle({ bundle: path, target: "c", out }), {
      code: "compiler_failed",
      message: /there is no C compiler/,
    });
    assert.throws(() => readdirSync(out), { code: "ENOENT" });
    await assert.rejects(findCompiler({ CC: join(directory, "nothing") }), {
      code: "compiler_failed",
      field: "CC",
    });
  } finally {
    process.env.PATH = before;
    if (named !== undefined) process.env.CC = named;
  }
});

it("its noise is that of the vectors, and to the bit that of the SDK", { skip: needsCompiler }, async () => {
  const model: TestModel = {
    nodes: [{ operator: "Add", inputs: ["features", "latent"], output: "response" }],
    features: 12,
    latents: 12,
    output: { name: "response", shape: [12] },
  };
  const { source, header } = compileToC(onnxBytes(model), manifestOf(model), "0".repeat(64), "noise");
  const asked = vectors.streams.filter(({ stream }) => stream === 0);
  assert.ok(asked.length >= 3);
  const seeds = [0, 1, 2 ** 32, 2 ** 52 + 77];
  const rows = 3000;
  const main = `#include "noise.h"
#include <stdio.h>
int main(void)
{
  float latent[12];
${asked.map(({ seed, event, row }) => `  noise_noise(${seed}u, (int64_t)${BigInt.asUintN(64, BigInt(event))}u, ${row}u, latent); fwrite(latent, 4, 12, stdout);`).join("\n")}
${seeds.map((seed) => `  for (int i = 0; i < ${rows}; i++) { noise_noise(${seed}u, i - 5, (uint32_t)i * 7u, latent); fwrite(latent, 4, 12, stdout); }`).join("\n")}
  return 0;
}
`;
  for (const [file, text] of Object.entries({ "noise.c": source, "noise.h": header, "noise_main.c": main })) {
    writeFileSync(join(directory, file), text);
  }
  await compile(compiler!, ["-std=c99", "-O2", "noise.c", "noise_main.c", "-o", "noise_main", "-lm"], {
    directory,
  });
  const bytes = execFileSync(join(directory, "noise_main"), { maxBuffer: 2 ** 26 });
  const found = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  for (const [i, { normals: due }] of asked.entries()) {
    assert.deepEqual([...found.slice(12 * i, 12 * i + due.length)], due.map(Math.fround));
  }
  const due = seeds.flatMap((seed) =>
    Array.from({ length: rows }, (_, i) => [...normals(seed, i - 5, i * 7, 12)]).flat(),
  );
  assert.deepEqual(found.slice(12 * asked.length), Float32Array.from(due));
});
