// What a program sees of an export: its header, and the functions and constants that the header declares.

import type { BundleManifest } from "@driftline/client/bundle";
import { floatLiteral, stringLiteral } from "./literals.ts";
import type { Program } from "./program.ts";

export interface Column {
  name: string;
  unit: string;
  low: number;
  high: number;
}

export interface Symbols {
  name: string;
  upper: string;
  digest: string;
  manifest: BundleManifest;
  program: Program;
  columns: Column[];
  stackBytes: number;
}

/** Text that cannot end the comment that it stands in. */
export function comment(text: string): string {
  return text.replaceAll("*/", "* /").replaceAll(/[^\x20-\x7e]/g, "?");
}

/** The functions and constants that a program sees. */
export function interfaceText({ name, upper, program, columns, digest, manifest }: Symbols): string {
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

/** The header: what the model is, and what can be called. */
export function headerText({ name, upper, digest, manifest, program, columns, stackBytes }: Symbols): string {
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
