// driftline generate: detector responses from the model that fits, or from the base simulator while there is none.

import { resolve as resolvePath } from "node:path";
import { readSafetensors, writeSafetensors } from "@driftline/client/safetensors";
import { fail } from "../../errors/registry.ts";
import { generateResponses } from "../../lifecycle/generate.ts";
import { defineCommand } from "../command.ts";
import { integer, mostRows } from "../numbers.ts";
import { questionOf, questionOptions } from "../question.ts";
import { writeOut } from "../writeOut.ts";

export const generate = defineCommand({
  name: "generate",
  summary:
    "Generate responses with the model that fits the conditions; without one, with the base simulator.",
  positionals: ["FAMILY"],
  options: {
    ...questionOptions,
    rows: {
      type: "string",
      value: "N",
      description: "Responses to generate, inputs drawn over the family's domain",
    },
    inputs: {
      type: "string",
      value: "FILE",
      description: "safetensors with `features` [n, inputs] in place of --rows",
    },
    seed: { type: "string", value: "N", description: "Seed of the sample (default 1)" },
    out: {
      type: "string",
      value: "FILE",
      description: "safetensors to write: features, response, provenance",
    },
    "no-fallback": { type: "boolean", description: "Fail with exit code 4 where there is no model" },
  },
  examples: ["driftline generate mpd.tpc --rows 100000 --seed 7 --out responses.safetensors"],
  async run(context, [family], options) {
    if (options.out === undefined) {
      throw fail("usage", "driftline generate: where to write is not given.", {
        field: "--out",
        remedy: "Add --out responses.safetensors.",
      });
    }
    const sample = await generateResponses(await context.platform(), await context.driftline(), family, {
      ...questionOf(options),
      features: options.inputs === undefined ? null : await featuresOf(resolvePath(options.inputs)),
      rows: integer("--rows", options.rows, { minimum: 1, maximum: mostRows }) ?? 1000,
      seed: integer("--seed", options.seed) ?? 1,
      fallback: !options["no-fallback"],
      cacheDirectory: context.config.cacheDirectory,
      threads: context.config.threads,
      signal: context.signal,
      onProgress: (fraction, message) => context.progress.update("generate", fraction, null, message),
    });
    context.progress.clear();
    const path = resolvePath(options.out);
    await writeOut("--out", path, () =>
      writeSafetensors(
        path,
        {
          features: { dtype: "F32", shape: [sample.rows, sample.inputs.length], data: sample.features },
          response: { dtype: "F32", shape: [sample.rows, ...sample.shape], data: sample.responses },
        },
        Object.fromEntries(
          Object.entries(sample.provenance).map(([name, value]) => [
            name,
            typeof value === "string" ? value : JSON.stringify(value),
          ]),
        ),
      ),
    );
    const { provenance, microsecondsPerResponse } = sample;
    const by =
      provenance.source === "model"
        ? `model ${provenance.bundle.slice(0, 16)} (${provenance.match}, distance ${provenance.distance})`
        : `the base simulator ${provenance.simulator}: there is no model for these conditions`;
    const lines = [
      `${sample.rows} responses by ${by}`,
      `  ${microsecondsPerResponse.toFixed(2)} µs a response, written to ${path}`,
      ...sample.warnings.map((warning) => `  ${warning}`),
    ];
    return {
      json: { ...provenance, rows: sample.rows, path, microsecondsPerResponse, warnings: sample.warnings },
      text: lines.join("\n"),
    };
  },
});

async function featuresOf(path: string): Promise<Float32Array> {
  const { features } = (await readSafetensors(path)).tensors;
  if (features?.dtype !== "F32" || features.shape.length !== 2) {
    throw fail(
      "invalid_data",
      `Reading ${path}: there is no float32 tensor \`features\` of two dimensions.`,
      {
        field: "--inputs",
        remedy:
          "Write the inputs as features [n, inputs] in the family's order; `driftline families FAMILY` shows it.",
      },
    );
  }
  return features.data as Float32Array;
}
