// A bundle's model as one C99 file and its header, with nothing to link but libm.

import type { BundleManifest } from "@driftline/client/bundle";
import { fail } from "../../errors/registry.ts";
import { blockRows, emitStatements } from "./emitKernel.ts";
import { type Column, comment, headerText, interfaceText } from "./exportInterface.ts";
import { Tables } from "./literals.ts";
import { lower } from "./lower.ts";
import type { Program } from "./program.ts";
import { readOnnx } from "./readOnnx.ts";
import { assignSlots } from "./slots.ts";
import { mathFunctions } from "./supportMaths.ts";
import { noiseText } from "./supportNoise.ts";
import { productFunctions } from "./supportProducts.ts";

export interface CompiledSource {
  /** Prefix of every function and constant. */
  name: string;
  source: string;
  header: string;
  /** Most stack that a call takes, in bytes. */
  stackBytes: number;
}

/** Half of what a thread has by default with glibc; who has smaller stacks finds the need of a model in its header. */
const mostStackBytes = 4 * 1024 * 1024;

/**
 * Writes a generator as C. The same bundle and name give the same text.
 * Throws `unsupported_operator` naming an operator that is not covered, `invalid_bundle` where the model is no generator
 * or does not agree with its manifest.
 */
export function compileToC(
  modelBytes: Uint8Array,
  manifest: BundleManifest,
  digest: string,
  name: string,
): CompiledSource {
  const program = lower(readOnnx(modelBytes));
  const columns = columnsOf(manifest, program);
  const slots = assignSlots(program);
  const tables = new Tables();
  const block = emitStatements(program, { tables, slots, isBlock: true });
  const row = emitStatements(program, { tables, slots, isBlock: false });
  const { features, latents, output } = program;
  const held = slots.sizes.reduce((sum, size) => sum + size, 0);
  // Of a block, of a row beside it, and what the compiler sets aside.
  const numbers = blockRows * (held + features.elements + 2 * latents + output.elements) + held;
  const stackBytes = 4 * numbers + 12_288;
  if (stackBytes > mostStackBytes) {
    throw fail(
      "unsupported_operator",
      `compiling the model: a call would take ${stackBytes} bytes of stack`,
      {
        remedy: "Serve this model with ONNX Runtime; compiled exports are for small networks.",
      },
    );
  }
  const upper = name.toUpperCase();
  const symbols = { name, upper, digest, manifest, program, columns, stackBytes };
  const needed = neededFunctions([...block, ...row].join("\n"));
  const source = [
    `/* ${comment(`${manifest.family} ${manifest.key}, bundle ${digest}, written by driftline export. Do not edit.`)}`,
    "   C99. Compile with -O3 for loops that vectorise, and link with -lm. */",
    "",
    `#include "${name}.h"`,
    "",
    "#include <math.h>",
    "#include <string.h>",
    "",
    preamble,
    ...needed,
    noiseText,
    "",
    tables.text,
    "",
    kernel("block", block, program, slots.sizes),
    kernel("row", row, program, slots.sizes),
    dispatch(program),
    interfaceText(symbols),
    "",
  ].join("\n");
  return { name, source, header: headerText(symbols), stackBytes };
}

/** Columns of the features with the limits of the measured domain, which may be narrower than the signature's. */
function columnsOf(manifest: BundleManifest, program: Program): Column[] {
  const spec = manifest.signature.inputs.find((input) => input.name === program.features.name);
  if (spec?.columns?.length !== program.features.elements) {
    throw fail(
      "invalid_bundle",
      `bundle.json names ${spec?.columns?.length ?? 0} columns of \`${program.features.name}\`, model.onnx takes ${program.features.elements}`,
      { field: "signature", remedy: "Ask whoever made the bundle for one that `driftline verify` accepts." },
    );
  }
  return spec.columns.map((column) => ({ ...column, ...(manifest.domain.inputs[column.name] ?? {}) }));
}

function neededFunctions(text: string): string[] {
  const all = { ...mathFunctions, ...productFunctions };
  const wanted = new Set<string>();
  const want = (name: string) => {
    for (const other of all[name].needs) want(other);
    wanted.add(name);
  };
  for (const name of Object.keys(all)) {
    if (new RegExp(`\\b${name}\\(`).test(text)) want(name);
  }
  return Object.keys(all).flatMap((name) => (wanted.has(name) ? [all[name].text, ""] : []));
}

const preamble = `/* No compiler may merge products and sums: results are then the same with every one, and with any -O and -march. */
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#elif defined(__GNUC__)
#pragma GCC optimize ("fp-contract=off")
#endif
#if defined(__GNUC__) || defined(__clang__)
#define INLINE static inline __attribute__((always_inline, unused))
#define ALIGNED __attribute__((aligned(64)))
#define RESTRICT restrict
#if defined(__x86_64__) && !(defined(__AVX2__) && defined(__FMA__)) && !defined(DRIFTLINE_PORTABLE)
#define WIDE __attribute__((target("avx2,fma")))
#endif
#else
#define INLINE static inline
#define ALIGNED
#define RESTRICT restrict
#endif
/* Whether a b + c is one instruction everywhere: then it is rounded once. */
#if defined(__FMA__) || defined(__aarch64__)
#define FUSED 1
#else
#define FUSED 0
#endif

/* Rows that go through the network side by side. */
#define LANES ${blockRows}
`;

function kernel(kind: "block" | "row", lines: string[], program: Program, slots: number[]): string {
  const { features, latents, output } = program;
  const isBlock = kind === "block";
  const unit = isBlock ? " * LANES" : "";
  const locals = slots.map((size, i) => `  float s${i}[${size}${unit}] ALIGNED;`);
  if (!isBlock) {
    return [
      "/* One row. */",
      "INLINE void row_kernel(const int fused, const float *RESTRICT features, const float *RESTRICT latent,",
      "                       float *RESTRICT output)",
      "{",
      ...locals,
      "  (void)fused;",
      "  (void)features;",
      "  (void)latent;",
      ...lines,
      "}",
      "",
    ].join("\n");
  }
  const gathered = (name: string, from: string, width: number) =>
    width === 0
      ? []
      : [
          "  for (int r = 0; r < LANES; r++) {",
          `    const float *RESTRICT row = ${from} + (size_t)(r < rows ? r : rows - 1) * ${width};`,
          `    for (int i = 0; i < ${width}; i++) ${name}[i * LANES + r] = row[i];`,
          "  }",
        ];
  return [
    "/* Up to LANES rows: element e of row r is at [e * LANES + r]. Rows that are not there repeat the last one. */",
    "INLINE void block_kernel(const int fused, const float *RESTRICT features_, const float *RESTRICT latent_,",
    "                         float *RESTRICT output_, const int rows)",
    "{",
    `  float features[${features.elements} * LANES] ALIGNED;`,
    ...(latents > 0 ? [`  float latent[${latents} * LANES] ALIGNED;`] : []),
    `  float output[${output.elements} * LANES] ALIGNED;`,
    ...locals,
    "  (void)fused;",
    latents > 0 ? "  (void)latent;" : "  (void)latent_;",
    "  (void)features;",
    ...gathered("features", "features_", features.elements),
    ...gathered("latent", "latent_", latents),
    ...lines,
    "  for (int r = 0; r < rows; r++)",
    `    for (int i = 0; i < ${output.elements}; i++) output_[(size_t)r * ${output.elements} + i] = output[i * LANES + r];`,
    "}",
    "",
  ].join("\n");
}

function dispatch(program: Program): string {
  const { features, latents, output } = program;
  const rows = (
    suffix: string,
    fused: string,
    attribute: string,
  ) => `${attribute}static void rows_${suffix}(const float *RESTRICT features, const float *RESTRICT latent, float *RESTRICT output,
                       const int rows)
{
  int row = 0;
  while (row < rows) {
    const float *x = features + (size_t)row * ${features.elements};
    const float *z = ${latents > 0 ? `latent + (size_t)row * ${latents}` : "latent"};
    float *y = output + (size_t)row * ${output.elements};
    const int left = rows - row;
    if (left >= LANES / 4) {
      block_kernel(${fused}, x, z, y, left < LANES ? left : LANES);
      row += LANES;
    } else {
      row_kernel(${fused}, x, z, y);
      row++;
    }
  }
}
`;
  return `${rows("plain", "FUSED", "")}
#ifdef WIDE
${rows("wide", "1", "WIDE ")}#endif

static void run_rows(const float *features, const float *latent, float *output, const int rows)
{
#ifdef WIDE
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    rows_wide(features, latent, output, rows);
    return;
  }
#endif
  rows_plain(features, latent, output, rows);
}
`;
}
