// Training at conditions one step off, from random weights and from the nearest model's: gates after equal steps.
//
//   npm run bench:warm -- [--seeds 1,2] [--steps 1000,3000,6000] [--rates 0.001] [--parent-steps 9000]
//                         [--from 5.50] [--to 5.46] [--starts warm,cold] [--scores] [--data-dir DIR]
//
// The parent is made once at --from (seed 1). A table has the mean over the seeds, and the smallest and largest; each
// seed simulates its own 20,000 responses, the same for both starts. With --data-dir a second run goes on with the same
// parent and what was made. --rates tries other highest learning rates, as asked for, for both starts. --scores ends each
// job when it has trained: the energy score on the 5 % of validation rows at its last look, and no gates.

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
    scores: { type: "boolean", default: false },
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

/** In the data directory: the job of each model that was made, and its score. */
const madeFile = "bench-warm-start.json";

interface Made {
  job: Job;
  /** Energy score on the validation rows at the last look. */
  score: number;
}

interface Run extends Made {
  start: string;
  steps: number;
  rate: number;
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
          const child = await made(values.to, seed, { steps, learning_rate: rate }, values.scores);
          const started = child.job.warmStart?.parent ?? null;
          if (started !== (start === "warm" ? parent : null)) throw new Error(`it started from ${started}`);
          runs.push({ start, steps, rate, ...child });
        }
      }
    }
  }
  print(runs, values.scores ? [] : runs[0].job.verdict!.gates.map(({ metric }) => metric));
} finally {
  await platform.close();
}

async function parentBundle(): Promise<string> {
  training.warmStart = "none";
  const { job } = await made(values.from, 1, { steps: Number(values["parent-steps"]) }, false);
  if (job.bundle === null) throw new Error(`There is no parent: ${job.error?.detail}`);
  return job.bundle;
}

/** A model's job, ended; a child that was published is retired, so that the next one starts from the same parent. */
async function made(
  velocity: string,
  seed: number,
  settings: Record<string, number>,
  trainOnly: boolean,
): Promise<Made> {
  const name = JSON.stringify({ start: training.warmStart, velocity, seed, ...settings });
  const earlier = await readMade();
  const known = earlier[name] && { ...earlier[name], job: await platform.job(earlier[name].id) };
  if (known && (trainOnly || known.job.verdict)) return known;
  const hyperparameters = { ...settings, seconds: 3600 };
  const request = { conditions: { drift_velocity: velocity }, seed, hyperparameters };
  const { job } = await platform.ensure("mpd.tpc", request);
  if (!job) throw new Error("there is a model already: name an empty data directory");
  process.stderr.write(`${name} ${job.warmStart?.reason ?? ""}\n`);
  const executor = platform.runJobs(job.id);
  for await (const { type, state, stage, message } of platform.events(job.id)) {
    if (type !== "progress") process.stderr.write(`  ${stage ?? ""} ${state ?? ""} ${message ?? ""}\n`);
    if (trainOnly && stage === "train" && state === "done") await platform.cancel(job.id);
  }
  await executor.close();
  const ended = await platform.job(job.id);
  if (ended.verdict === null && !trainOnly) throw new Error(`Job ${job.id}: ${ended.error?.detail}`);
  if (ended.bundle && velocity !== values.from) await platform.opened.catalogue.retire(ended.bundle, "bench");
  // A training that only gave a score before is not done again, and says nothing.
  const score = known?.score ?? (await lastScore(job.id));
  const now = { ...earlier, [name]: { id: job.id, score } };
  await writeFile(join(dataDirectory, madeFile), JSON.stringify(now, null, 1));
  return { job: ended, score };
}

async function lastScore(id: string): Promise<number> {
  const log = await readFile(join(dataDirectory, "jobs", id, "worker.log"), "utf8");
  const looks = log.split("\n").filter((text) => text.startsWith('{"event": "epoch"'));
  return (JSON.parse(looks.at(-1)!) as { metrics: { score: number } }).metrics.score;
}

async function readMade(): Promise<Record<string, { id: string; score: number }>> {
  return JSON.parse(await readFile(join(dataDirectory, madeFile), "utf8").catch(() => "{}"));
}

function print(runs: Run[], metrics: string[]): void {
  console.log(line(["steps", "rate", "start", "passed", "training, s", "score", ...metrics]));
  console.log(line([...Array(6).fill("---"), ...metrics.map(() => "---")]));
  for (const group of Object.values(
    Object.groupBy(runs, ({ steps, rate, start }) => `${steps} ${rate} ${start}`),
  )) {
    const [{ steps, rate, start }] = group!;
    const jobs = group!.map(({ job }) => job);
    const passed = jobs.filter(({ verdict }) => verdict?.passed).length;
    const seconds = jobs.map(({ stages }) =>
      Number(stages.find(({ name }) => name === "train")!.figures.trainingSeconds),
    );
    const cells = metrics.map((metric) => range(gatesOf(jobs, metric).map(({ value }) => value)));
    const counts = metrics.length === 0 ? "" : `${passed} of ${jobs.length}`;
    const score = range(group!.map((run) => run.score));
    console.log(line([String(steps), String(rate), start, counts, range(seconds), score, ...cells]));
  }
  if (metrics.length === 0) return;
  const all = runs.map(({ job }) => job);
  console.log(
    line([
      "floor",
      "",
      "",
      "",
      "",
      "",
      ...metrics.map((m) => range(gatesOf(all, m).map(({ floor }) => floor))),
    ]),
  );
  const limits = metrics.map((metric) => {
    const [{ minimum, maximum }] = gatesOf(all, metric);
    return [minimum === undefined ? "" : `≥ ${minimum}`, maximum === undefined ? "" : `≤ ${maximum}`]
      .join(" ")
      .trim();
  });
  console.log(line(["threshold", "", "", "", "", "", ...limits]));
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
