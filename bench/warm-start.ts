// Training at conditions one step off, from random weights and from the nearest model's: gates after equal steps.
//
//   npm run bench:warm -- [--seeds 1,2] [--steps 1000,3000,6000] [--rates 0.001] [--parent-steps 9000]
//                         [--from 5.50] [--to 5.46] [--starts warm,cold] [--data-dir DIR]
//
// The parent is made once at --from (seed 1). A table has the mean over the seeds, and the smallest and largest; each
// seed simulates its own 20,000 responses, the same for both starts. With --data-dir a second run goes on with the same
// parent and what was made. --rates tries other highest learning rates, as asked for, for both starts.

import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { GateResult, Job } from "@driftline/client/api";
import { quickTrainings } from "../e2e/quickTrainings.ts";
import { loadConfiguration } from "../packages/driftline/src/config/configuration.ts";
import { openPlatform } from "../packages/driftline/src/lifecycle/platform.ts";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "1,2" },
    steps: { type: "string", default: "1000,3000,6000" },
    rates: { type: "string", default: "0.001" },
    "parent-steps": { type: "string", default: "9000" },
    from: { type: "string", default: "5.50" },
    to: { type: "string", default: "5.46" },
    starts: { type: "string", default: "warm,cold" },
    "data-dir": { type: "string" },
  },
});
const numbers = (text: string) => text.split(",").map(Number);

Object.assign(process.env, quickTrainings);
const dataDirectory = values["data-dir"] ?? (await mkdtemp(join(tmpdir(), "driftline-warm-")));
const platform = await openPlatform({ ...loadConfiguration({ flags: { dataDirectory } }), url: null });
const { training, validation } = platform.family("mpd.tpc");
// The gates at the model's own point are what is compared.
validation.domain = null;
validation.reconstruction = null;

/** In the data directory: the job of each model that was made. */
const madeFile = "bench-warm-start.json";

interface Run {
  start: string;
  steps: number;
  rate: number;
  job: Job;
}

try {
  const parent = await parentBundle();
  const runs: Run[] = [];
  for (const seed of numbers(values.seeds)) {
    for (const steps of numbers(values.steps)) {
      for (const rate of numbers(values.rates)) {
        // Warm first: where a parent is to be chosen, a cold model of the same recipe would be the answer.
        for (const start of ["warm", "cold"].filter((each) => values.starts.split(",").includes(each))) {
          training.warmStart = start === "warm" ? "nearest" : "none";
          const job = await made(values.to, seed, { steps, learning_rate: rate });
          const started = job.warmStart?.parent ?? null;
          if (started !== (start === "warm" ? parent : null)) throw new Error(`it started from ${started}`);
          runs.push({ start, steps, rate, job });
        }
      }
    }
  }
  print(runs);
} finally {
  await platform.close();
}

async function parentBundle(): Promise<string> {
  training.warmStart = "none";
  const { bundle, error } = await made(values.from, 1, { steps: Number(values["parent-steps"]) });
  if (bundle === null) throw new Error(`There is no parent: ${error?.detail}`);
  return bundle;
}

/** The job of a model, ended; a child that was published is retired, so that the next one starts from the same parent. */
async function made(velocity: string, seed: number, settings: Record<string, number>): Promise<Job> {
  const name = JSON.stringify({ start: training.warmStart, velocity, seed, ...settings });
  const ids = await jobIds();
  if (ids[name]) return platform.job(ids[name]);
  const hyperparameters = { ...settings, seconds: 3600 };
  const request = { conditions: { drift_velocity: velocity }, seed, hyperparameters };
  const { job } = await platform.ensure("mpd.tpc", request);
  if (!job) throw new Error("there is a model already: name an empty data directory");
  process.stderr.write(`${name} ${job.warmStart?.reason ?? ""}\n`);
  const executor = platform.runJobs(job.id);
  for await (const { type, state, stage, message } of platform.events(job.id)) {
    if (type !== "progress") process.stderr.write(`  ${stage ?? ""} ${state ?? ""} ${message ?? ""}\n`);
  }
  await executor.close();
  const ended = await platform.job(job.id);
  if (ended.verdict === null) throw new Error(`Job ${job.id}: ${ended.error?.detail}`);
  if (ended.bundle && velocity !== values.from) await platform.opened.catalogue.retire(ended.bundle, "bench");
  await writeFile(join(dataDirectory, madeFile), JSON.stringify({ ...ids, [name]: job.id }, null, 1));
  return ended;
}

async function jobIds(): Promise<Record<string, string>> {
  return JSON.parse(await readFile(join(dataDirectory, madeFile), "utf8").catch(() => "{}"));
}

function print(runs: Run[]): void {
  const metrics = runs[0].job.verdict!.gates.map(({ metric }) => metric);
  console.log(line(["steps", "rate", "start", "passed", "training, s", ...metrics]));
  console.log(line(["---", "---", "---", "---", "---", ...metrics.map(() => "---")]));
  for (const group of Object.values(
    Object.groupBy(runs, ({ steps, rate, start }) => `${steps} ${rate} ${start}`),
  )) {
    const [{ steps, rate, start }] = group!;
    const jobs = group!.map(({ job }) => job);
    const passed = jobs.filter(({ verdict }) => verdict!.passed).length;
    const seconds = jobs.map(({ stages }) =>
      Number(stages.find(({ name }) => name === "train")!.figures.trainingSeconds),
    );
    const cells = metrics.map((metric) => range(gatesOf(jobs, metric).map(({ value }) => value)));
    const counts = `${passed} of ${jobs.length}`;
    console.log(line([String(steps), String(rate), start, counts, range(seconds), ...cells]));
  }
  const all = runs.map(({ job }) => job);
  console.log(
    line(["floor", "", "", "", "", ...metrics.map((m) => range(gatesOf(all, m).map(({ floor }) => floor)))]),
  );
  const limits = metrics.map((metric) => {
    const [{ minimum, maximum }] = gatesOf(all, metric);
    return [minimum === undefined ? "" : `≥ ${minimum}`, maximum === undefined ? "" : `≤ ${maximum}`]
      .join(" ")
      .trim();
  });
  console.log(line(["threshold", "", "", "", "", ...limits]));
}

function gatesOf(jobs: Job[], metric: string): GateResult[] {
  return jobs.flatMap(({ verdict }) => verdict!.gates.filter((gate) => gate.metric === metric));
}

/** Mean, and in brackets the smallest and the largest. */
function range(figures: (number | null)[]): string {
  const known = figures.filter((figure) => figure !== null);
  if (known.length === 0) return "–";
  const short = (value: number) => String(Number(value.toPrecision(3)));
  const mean = short(known.reduce((sum, value) => sum + value, 0) / known.length);
  return known.length === 1 ? mean : `${mean} (${short(Math.min(...known))}–${short(Math.max(...known))})`;
}

function line(cells: string[]): string {
  return `| ${cells.join(" | ")} |`;
}
