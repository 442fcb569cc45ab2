// Fidelity of mpd.tpc over seeds: the whole of ensure for each, every gate with its floor, as a Markdown table.
//
//   npm run fidelity -- [--seeds 5] [--rows 20000] [--file responses.root] [--steps N] [--seconds S]
//                       [--model NAME] [--data-dir DIR]
//
// With --file the responses come from that file (simulator mpdroot/unknown) in place of the base simulator.

import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import type { EnsureRequest, GateResult, Job } from "@driftline/client/api";
import { loadConfiguration } from "../packages/driftline/src/config/configuration.ts";
import { openPlatform, type Platform } from "../packages/driftline/src/lifecycle/platform.ts";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "5" },
    rows: { type: "string" },
    file: { type: "string" },
    steps: { type: "string" },
    seconds: { type: "string" },
    model: { type: "string" },
    "data-dir": { type: "string" },
  },
});

const dataDirectory = values["data-dir"] ?? (await mkdtemp(join(tmpdir(), "driftline-fidelity-")));
const platform = await openPlatform({
  ...loadConfiguration({ flags: { dataDirectory } }),
  url: null,
});
// The measured domain is another question, and costs as much again.
platform.family("mpd.tpc").validation.domain = null;

const jobs: Job[] = [];
for (let seed = 1; seed <= Number(values.seeds); seed++) {
  const job = await made(platform, {
    seed,
    ...(values.model && { model: values.model }),
    ...(values.rows && { rows: Number(values.rows) }),
    hyperparameters: {
      ...(values.steps && { steps: Number(values.steps) }),
      ...(values.seconds && { seconds: Number(values.seconds) }),
    },
    ...(values.file && {
      software: { simulator: "mpdroot/unknown" },
      data: { files: [resolve(values.file)] },
    }),
  });
  jobs.push(job);
  process.stderr.write(`seed ${seed}: ${job.state} ${job.error?.detail ?? ""}\n`);
}
await platform.close();
print(jobs);

async function made(on: Platform, request: EnsureRequest): Promise<Job> {
  const { job, model } = await on.ensure("mpd.tpc", request);
  if (!job)
    throw new Error(
      `the catalogue in ${dataDirectory} has ${model?.model.bundle} already: name an empty one`,
    );
  const executor = on.runJobs(job.id);
  for await (const { type, state, stage, message } of on.events(job.id)) {
    if (type !== "progress") process.stderr.write(`  ${stage ?? ""} ${state ?? ""} ${message ?? ""}\n`);
  }
  await executor.close();
  return on.job(job.id);
}

function print(all: Job[]): void {
  const gates = (job: Job) => job.verdict?.gates ?? [];
  const names = gates(all[0]).map(({ metric }) => metric);
  const seconds = (job: Job, name: string) => job.stages.find((stage) => stage.name === name);
  const cell = (gate: GateResult | undefined) =>
    gate?.value == null ? "–" : `${short(gate.value)}${gate.passed ? "" : " **failed**"}`;
  const rows = all.map((job, i) => [
    String(i + 1),
    String(seconds(job, "train")?.figures.trainingSeconds ?? "–"),
    ...names.map((name) => cell(gates(job).find(({ metric }) => metric === name))),
  ]);
  const gatesOf = (name: string) => all.flatMap((job) => gates(job).filter(({ metric }) => metric === name));
  const summary = (of: (gate: GateResult) => number | null, how: (values: number[]) => number) =>
    names.map((name) => {
      const found = gatesOf(name)
        .map(of)
        .filter((value): value is number => value !== null);
      return found.length === 0 ? "–" : short(how(found));
    });
  const mean = (list: number[]) => list.reduce((sum, value) => sum + value, 0) / list.length;
  const spread = (list: number[]) => Math.max(...list) - Math.min(...list);
  console.log(line(["seed", "training, s", ...names]));
  console.log(line(["seed", ...names, ""].map(() => "---")));
  for (const row of rows) console.log(line(row));
  console.log(line(["mean", "", ...summary(({ value }) => value, mean)]));
  console.log(line(["largest - smallest", "", ...summary(({ value }) => value, spread)]));
  console.log(line(["floor, mean", "", ...summary(({ floor }) => floor, mean)]));
  console.log(line(["threshold", "", ...names.map((name) => threshold(gatesOf(name)[0]))]));
}

function threshold({ minimum, maximum }: GateResult): string {
  return [minimum === undefined ? "" : `≥ ${minimum}`, maximum === undefined ? "" : `≤ ${maximum}`]
    .join(" ")
    .trim();
}

function short(value: number): string {
  return String(Number(value.toPrecision(3)));
}

function line(cells: string[]): string {
  return `| ${cells.join(" | ")} |`;
}
