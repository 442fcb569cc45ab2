// driftline validate: judge a published model again on responses it has never seen.

import { writeFile } from "node:fs/promises";
import { resolve as resolvePath } from "node:path";
import type { GateResult } from "@driftline/client/api";
import { exitCode } from "../../errors/problem.ts";
import { namedFiles } from "../../lifecycle/dataFiles.ts";
import { revalidate } from "../../lifecycle/revalidate.ts";
import type { Reconstruction } from "../../validation/reconstruction/validateReconstruction.ts";
import { defineCommand } from "../command.ts";
import { counted } from "../counted.ts";
import { integer, mostRows } from "../numbers.ts";
import { table } from "../table.ts";
import { writeOut } from "../writeOut.ts";

/** Fresh responses begin here, far from the seeds that datasets use. */
const defaultSeed = 1_000_003;

export const validate = defineCommand({
  name: "validate",
  summary:
    "Judge a published model again by its family's gates, on fresh responses (exit code 3 if it fails).",
  positionals: ["BUNDLE"],
  options: {
    data: {
      type: "string",
      multiple: true,
      value: "FILE",
      description: "Responses to compare with, not simulated",
    },
    rows: { type: "string", value: "N", description: "Responses to simulate (default 10000)" },
    tracks: {
      type: "string",
      value: "N",
      description:
        "Tracks to reconstruct with the model and with the simulator (default: as when it was made)",
    },
    seed: { type: "string", value: "N", description: "Seed of the fresh responses" },
    out: { type: "string", value: "FILE", description: "Report to write (default ./validation-BUNDLE.html)" },
  },
  examples: ["driftline validate 5d41402abc4b --rows 20000"],
  async run(context, [digest], options) {
    const platform = await context.platform();
    const { bundle, validation, report } = await revalidate(platform, digest, {
      files: await namedFiles(options.data ?? []),
      rows: integer("--rows", options.rows, { minimum: 100, maximum: mostRows }) ?? 10_000,
      tracks: integer("--tracks", options.tracks, { minimum: 200, maximum: 50_000 }) ?? null,
      seed: integer("--seed", options.seed) ?? defaultSeed,
      signal: context.signal,
      onProgress: (fraction, message) => context.progress.update("validate", fraction, null, message),
    });
    context.progress.clear();
    const path = resolvePath(options.out ?? `validation-${bundle.slice(0, 12)}.html`);
    await writeOut("--out", path, () => writeFile(path, report));
    const { verdict, metrics, reconstruction } = validation;
    const notes = reconstruction === null ? [] : describeReconstruction(reconstruction);
    return {
      json: { bundle, verdict, metrics, reconstruction, report: path },
      text: [
        gatesTable(verdict.gates),
        "",
        ...notes,
        `${verdict.passed ? "Passed" : "Failed"}. Report: ${path}`,
      ].join("\n"),
      exit: verdict.passed ? 0 : exitCode("refused"),
    };
  },
});

/** What the table of gates does not say: how many tracks, what was left out, and which bins are outside the limits. */
function describeReconstruction({ tracks, notes, outside, seconds }: Reconstruction): string[] {
  const lines = [...notes];
  if (tracks) {
    lines.push(`${counted(tracks.used, "track")} with ${tracks.crossings} rows, in ${seconds.toFixed(0)} s.`);
    const named = outside.length === 0 ? "none" : outside.join("; ");
    lines.push(`Ratios outside the limits, whatever their intervals: ${named}.`);
  }
  return [...lines, ""];
}

function gatesTable(gates: GateResult[]): string {
  const short = (value: number | null | undefined) =>
    value === null || value === undefined ? "" : String(Number(value.toPrecision(3)));
  return table(
    ["gate", "at", "value", "interval", "floor", "minimum", "maximum", ""],
    gates.map((gate) => [
      gate.metric,
      gate.at,
      short(gate.value),
      gate.interval ? gate.interval.map(short).join(" to ") : "",
      short(gate.floor),
      short(gate.minimum),
      short(gate.maximum),
      gate.passed ? "passed" : "FAILED",
    ]),
  );
}
