// driftline generate: detector responses from the model that fits, or from the base simulator while there is none.

import { resolve as resolvePath } from "node:path";
import { type Lock, readLock } from "@driftline/client/lock/lock";
import { readSafetensors, writeSafetensors } from "@driftline/client/safetensors";
import { fail } from "../../errors/registry.ts";
import type { Family } from "../../family/family.ts";
import { loadFamilies } from "../../family/loadFamily.ts";
import { generateResponses } from "../../lifecycle/generate.ts";
import { type CommandContext, defineCommand, type OptionValues } from "../command.ts";
import { counted } from "../counted.ts";
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
    lock: {
      type: "string",
      value: "LOCK",
      description: "Lock file: use the bundle that it has for --run, and nothing else",
    },
    run: { type: "string", value: "N", description: "Run number, with --lock" },
    "no-fallback": { type: "boolean", description: "Fail with exit code 4 where there is no model" },
  },
  examples: [
    "driftline generate mpd.tpc --rows 100000 --seed 7 --out responses.safetensors",
    "driftline generate mpd.tpc --lock campaign.lock --run 1234 --out responses.safetensors",
  ],
  async run(context, [family], options) {
    if (options.out === undefined) {
      throw fail("usage", "driftline generate: where to write is not given.", {
        field: "--out",
        remedy: "Add --out responses.safetensors.",
      });
    }
    const locked = await lockedOf(options);
    const sample = await generateResponses(await familiesOf(context), await context.driftline(), family, {
      ...questionOf(options),
      features: options.inputs === undefined ? null : await featuresOf(resolvePath(options.inputs)),
      rows: integer("--rows", options.rows, { minimum: 1, maximum: mostRows }) ?? 1000,
      seed: integer("--seed", options.seed) ?? 1,
      fallback: !options["no-fallback"],
      locked,
      // A worker node that reads a snapshot may have no disk to write to.
      cacheDirectory: context.config.snapshot === null ? context.config.cacheDirectory : null,
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
      `${counted(sample.rows, "response")} by ${by}`,
      `  ${microsecondsPerResponse.toFixed(2)} µs a response, written to ${path}`,
      ...sample.warnings.map((warning) => `  ${warning}`),
    ];
    return {
      json: { ...provenance, rows: sample.rows, path, microsecondsPerResponse, warnings: sample.warnings },
      text: lines.join("\n"),
    };
  },
});

/** The run's bundle decides: conditions beside it would be ignored, so they are refused. */
async function lockedOf(
  options: OptionValues<typeof questionOptions> & { lock?: string; run?: string },
): Promise<{ lock: Lock; run: number } | null> {
  const run = integer("--run", options.run);
  if (options.lock === undefined && run === undefined) return null;
  if (options.lock === undefined || run === undefined) {
    const missing = run === undefined ? "--run" : "--lock";
    throw fail("usage", `driftline generate: ${missing} is missing: a lock is asked for a run.`, {
      field: missing,
      remedy: "Give both, such as --lock campaign.lock --run 1234.",
    });
  }
  for (const name of ["at", "software", "accept"] as const) {
    if (options[name] === undefined) continue;
    throw fail("usage", `driftline generate: --${name} beside --lock: the lock alone decides.`, {
      field: `--${name}`,
      remedy: "Leave it out, or generate without the lock.",
    });
  }
  return { lock: await readLock(resolvePath(options.lock)), run };
}

/** Families without a data directory where another place is asked: it may not be there, nor be writable. */
async function familiesOf(context: CommandContext): Promise<{ family(name: string): Family }> {
  const { url, snapshot, families: folders } = context.config;
  if (url === null && snapshot === null) return context.platform();
  const families = loadFamilies(folders);
  return {
    family(name) {
      const found = families.get(name);
      if (found) return found;
      throw fail("unknown_family", `There is no family ${JSON.stringify(name)} on this machine.`, {
        field: "family",
        remedy: `Families here: ${[...families.keys()].join(", ")}. DRIFTLINE_FAMILIES names further folders.`,
      });
    },
  };
}

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
