// A bundle's model as one C99 file and its header, with nothing to link but libm.

import type { BundleManifest } from "@driftline/client/bundle";
import { fail } from "../../errors/registry.ts";
import { blockRows, emitStatements } from "./emitKernel.ts";
import { floatLiteral, stringLiteral, Tables } from "./literals.ts";
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

/** Where a thread's stack is small, this much still fits: threads of musl have 128 KiB, of others 512 KiB and more. */
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
  const stackBytes = 4 * blockRows * (held + features.elements + 2 * latents + output.elements) + 4096;
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

interface Column {
  name: string;
  unit: string;
  low: number;
  high: number;
}

interface Symbols {
  name: string;
  upper: string;
  digest: string;
  manifest: BundleManifest;
  program: Program;
  columns: Column[];
  stackBytes: number;
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

/** Text that cannot end the comment that it stands in. */
function comment(text: string): string {
  return text.replaceAll("*/", "* /").replaceAll(/[^\x20-\x7e]/g, "?");
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
#if defined(__x86_64__) && !defined(DRIFTLINE_PORTABLE)
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

function interfaceText({ name, upper, program, columns, digest, manifest }: Symbols): string {
  const { features, latents, output } = program;
  const list = (type: string, constant: string, values: string[]) =>
    `const ${type}${name}_${constant}[${values.length}] = {${values.join(", ")}};`;
  return `const char ${name}_bundle[65] = ${stringLiteral(digest)};
const char ${name}_family[] = ${stringLiteral(manifest.family)};
const char ${name}_key[] = ${stringLiteral(manifest.key)};
${list(
  "char *const ",
  "input_names",
  columns.map((column) => stringLiteral(column.name)),
)}
${list(
  "char *const ",
  "input_units",
  columns.map((column) => stringLiteral(column.unit)),
)}
${list(
  "float ",
  "input_low",
  columns.map((column) => floatLiteral(column.low)),
)}
${list(
  "float ",
  "input_high",
  columns.map((column) => floatLiteral(column.high)),
)}
const char ${name}_output_unit[] = ${stringLiteral(manifest.signature.outputs[0]?.unit ?? "")};
${list("int ", "output_shape", output.sizes.length === 0 ? ["1"] : output.sizes.map(String))}

void ${name}_run(const float *features, const float *latent, float *output, int rows)
{
  if (rows > 0) run_rows(features, latent, output, rows);
}

void ${name}_noise(uint64_t seed, int64_t event, uint32_t row, float *latent)
{
  normals(seed, event, row, ${upper}_LATENTS, latent);
}

int ${name}_generate(const float *features, uint64_t seed, int64_t first_event, const int64_t *events,
${" ".repeat(name.length + 14)}const uint32_t *event_rows, float *output, int rows)
{
  if (rows < 0 || seed >> 53 != 0) return -1;
  for (int row = 0; row < rows; row += LANES) {
    float latent[${Math.max(latents, 1)} * LANES] ALIGNED;
    const int count = rows - row < LANES ? rows - row : LANES;
    for (int r = 0; r < count; r++) {
      const int64_t event = events ? events[row + r] : (int64_t)((uint64_t)first_event + (uint64_t)(row + r));
      normals(seed, event, event_rows ? event_rows[row + r] : 0, ${upper}_LATENTS, latent + r * ${upper}_LATENTS);
    }
    run_rows(features + (size_t)row * ${features.elements}, latent, output + (size_t)row * ${output.elements}, count);
  }
  return ${name}_outside(features, 0, rows);
}

int ${name}_outside(const float *features, unsigned char *flags, int rows)
{
  int outside = 0;
  for (int row = 0; row < rows; row++) {
    int any = 0;
    for (int i = 0; i < ${upper}_INPUTS; i++) {
      const float value = features[(size_t)row * ${upper}_INPUTS + i];
      const int flag = value >= ${name}_input_low[i] ? (value <= ${name}_input_high[i] ? 0 : 2)
                       : value < ${name}_input_low[i] ? 1 : 3;
      if (flags) flags[(size_t)row * ${upper}_INPUTS + i] = (unsigned char)flag;
      any |= flag;
    }
    outside += any != 0;
  }
  return outside;
}`;
}

function headerText({ name, upper, digest, manifest, program, columns, stackBytes }: Symbols): string {
  const { features, latents, output } = program;
  const inputs = columns.map(
    ({ name: column, unit, low, high }, i) =>
      `   ${String(i).padStart(2)}  ${comment(`${column} [${unit}], ${low} to ${high}`)}`,
  );
  const conditions = Object.entries(manifest.conditions).map(([condition, value]) =>
    comment(`   ${condition} = ${value}`),
  );
  const spec = manifest.signature.outputs[0];
  return `/* ${comment(manifest.family)}, version ${manifest.familyVersion}: a generator as compiled code, written by driftline export. Do not edit.

   bundle ${digest}
   key    ${comment(manifest.key)}
   made for
${conditions.join("\n")}
   Inputs of a row, float32, in this order, with the domain in which the model was validated:
${inputs.join("\n")}
   Output of a row: [${output.sizes.join(", ")}] float32, row-major${spec?.unit ? comment(`, in ${spec.unit}`) : ""}.

   All functions may be called from any number of threads at once. None allocates memory or keeps anything; a call takes
   at most ${upper}_STACK_BYTES of stack. A row's result does not depend on the batch that it is in. */

#ifndef DRIFTLINE_${upper}_H
#define DRIFTLINE_${upper}_H

#include <stdint.h>

#define ${upper}_BUNDLE ${stringLiteral(digest)}
#define ${upper}_INPUTS ${features.elements}
#define ${upper}_LATENTS ${latents}
#define ${upper}_OUTPUTS ${output.elements} /* numbers of one row: ${output.sizes.join(" x ") || "1"} */
#define ${upper}_RANK ${Math.max(output.sizes.length, 1)}
#define ${upper}_STACK_BYTES ${stackBytes}

#if defined(__GNUC__) && defined(DRIFTLINE_HIDDEN)
#define ${upper}_API __attribute__((visibility("hidden")))
#else
#define ${upper}_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

${upper}_API extern const char ${name}_bundle[65]; /* SHA-256 of the bundle's manifest */
${upper}_API extern const char ${name}_family[];
${upper}_API extern const char ${name}_key[];
${upper}_API extern const char *const ${name}_input_names[${features.elements}];
${upper}_API extern const char *const ${name}_input_units[${features.elements}];
${upper}_API extern const float ${name}_input_low[${features.elements}];
${upper}_API extern const float ${name}_input_high[${features.elements}];
${upper}_API extern const char ${name}_output_unit[];
${upper}_API extern const int ${name}_output_shape[${Math.max(output.sizes.length, 1)}];

/* Responses for inputs and noise of the caller's: features [rows][INPUTS], latent [rows][LATENTS] (may be null where
   there is none), output [rows][OUTPUTS]. The output must not overlap the others. */
${upper}_API void ${name}_run(const float *features, const float *latent, float *output, int rows);

/* Responses with the noise of (seed, event, row within the event), the same in every language that Driftline speaks.
   seed is below 2^53. Row i belongs to events[i], or to first_event + i where events is null, and has the number
   event_rows[i] within it, or 0 where that is null: two responses of one event need different numbers.
   Returns how many rows have an input outside the domain (they are computed all the same), or -1, having done nothing,
   where rows is negative or the seed too large. */
${upper}_API int ${name}_generate(const float *features, uint64_t seed, int64_t first_event, const int64_t *events,
                 const uint32_t *event_rows, float *output, int rows);

/* The noise of one row: LATENTS standard normals. */
${upper}_API void ${name}_noise(uint64_t seed, int64_t event, uint32_t row, float *latent);

/* How many rows have an input outside the domain. Where flags is not null, flags [rows][INPUTS] gets 0 for an input
   inside, 1 for one below, 2 for one above and 3 for what is not a number. */
${upper}_API int ${name}_outside(const float *features, unsigned char *flags, int rows);

#ifdef __cplusplus
}
#endif

#endif
`;
}
