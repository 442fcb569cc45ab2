// driftline demo: the main job from an empty catalogue to a used model, on the MPD TPC, in a few minutes.

import { mkdir } from "node:fs/promises";
import { join, resolve as resolvePath } from "node:path";
import type { Job, Resolution } from "@driftline/client/api";
import { pull } from "@driftline/client/pull";
import { verifyBundle } from "@driftline/client/verify";
import { fail } from "../../errors/registry.ts";
import { generateResponses, type Sample } from "../../lifecycle/generate.ts";
import { openPlatform, type Platform } from "../../lifecycle/platform.ts";
import { type CommandContext, defineCommand } from "../command.ts";
import { followJob, throwUnlessPublished } from "../follow.ts";
import { formatSeconds } from "../progress.ts";
import { describeResolution } from "../question.ts";
import { table } from "../table.ts";

const family = "mpd.tpc";
const responses = 100_000;
const simulatedResponses = 10_000;
/** Trainings at most: now and then a model misses a gate, see docs/fidelity.md. */
const mostSeeds = 3;

export const demo = defineCommand({
  name: "demo",
  summary:
    "Show the main job on the MPD TPC, from an empty catalogue to a used model, in a directory of its own.",
  positionals: [],
  options: {
    out: { type: "string", value: "DIR", description: "Directory (default ./driftline-demo/TIME)" },
  },
  examples: ["driftline demo"],
  async run(context, _words, options) {
    const started = Date.now();
    const stamp = new Date(started).toISOString().slice(0, 19).replaceAll(":", "-");
    const directory = resolvePath(options.out ?? join("driftline-demo", stamp));
    await mkdir(directory, { recursive: true });
    const config = { ...context.config, url: null, snapshot: null, dataDirectory: join(directory, "data") };
    const platform = await openPlatform({ ...config, cacheDirectory: join(directory, "cache") });
    try {
      return await show(platform, context, directory, started);
    } finally {
      await platform.close();
    }
  },
});

async function show(platform: Platform, context: CommandContext, directory: string, started: number) {
  const say = (text: string) => context.progress.note(text);
  const title = (number: number, text: string) => say(`\n${number}. ${text}\n`);

  title(1, `An empty catalogue: is there a model of ${family} at nominal conditions?`);
  say(`$ driftline resolve ${family}`);
  await ask(platform, say, {});

  title(2, "Ensure it: dataset, training, validation, domain, publication");
  say(`$ driftline ensure ${family} --wait`);
  const made = await ensured(platform, context, say);
  say(`  published after ${formatSeconds((Date.now() - started) / 1000)}`);

  title(3, "The same question again, then conditions a little off, then far off");
  say(`$ driftline resolve ${family}`);
  const nominal = await ask(platform, say, {});
  const near = littleOff(nominal);
  const words = Object.entries(near)
    .map(([name, value]) => `--at "${name}=${value}"`)
    .join(" ");
  say(`\n$ driftline resolve ${family} ${words}`);
  await ask(platform, say, near);
  say(`\n$ driftline resolve ${family} ${words} --accept compatible`);
  await ask(platform, say, near, "compatible");
  const far = { drift_velocity: "4.9 cm/us", gas: "Ne/CO2 90/10" };
  say(
    `\n$ driftline resolve ${family} --at drift_velocity=4.9cm/us --at "gas=Ne/CO2 90/10" --accept compatible`,
  );
  await ask(platform, say, far, "compatible");
  if (!nominal.found) throw new Error("the model that was just published was not found");

  title(4, `Pull the bundle, verify it, generate ${responses.toLocaleString("en")} responses`);
  const bundle = join(directory, "bundle");
  say(`$ driftline pull ${family} --out ${bundle}`);
  await pull(platform, nominal.model.bundle, bundle);
  say(`$ driftline verify ${bundle}`);
  const { manifest } = await verifyBundle(bundle);
  say(`  ${manifest.files.length} files match their digests, the reference is reproduced`);
  say(`$ driftline generate ${family} --rows ${responses} --out responses.safetensors`);
  const sample = await generate(platform, context, {}, responses);
  // Conditions that no model covers: the same command then runs the base simulator, which gives its time.
  const simulated = await generate(platform, context, far, simulatedResponses);
  say(timesTable(sample, simulated));

  const { report } = made;
  title(5, `Validation report: ${report}`);
  const seconds = (Date.now() - started) / 1000;
  return {
    json: {
      bundle: nominal.model.bundle,
      directory,
      report,
      seconds,
      microsecondsPerResponse: {
        model: sample.microsecondsPerResponse,
        simulator: simulated.microsecondsPerResponse,
      },
    },
    text: `Done in ${formatSeconds(seconds)}. Everything is in ${directory}; the report is ${report}`,
  };
}

/** A refused model is made again with the next seed, as a user would. */
async function ensured(
  platform: Platform,
  context: CommandContext,
  say: (text: string) => void,
): Promise<Job> {
  for (let seeds = 1; ; seeds++) {
    const { job } = await platform.ensure(family, { retry: seeds > 1 });
    if (job === null) throw fail("internal", "The demo's own catalogue was not empty.");
    platform.runJobs(job.id);
    const ended = await followJob(platform, job.id, context.progress, context.signal);
    if (ended.state !== "refused" || seeds === mostSeeds) {
      throwUnlessPublished(ended);
      return ended;
    }
    say(`  the gates refused it; again with the next seed\n$ driftline ensure ${family} --retry --wait`);
  }
}

/** Conditions at the edge of the measured domain, two at most; a step of the drift velocity where nothing was tested. */
function littleOff(nominal: Resolution): Record<string, string> {
  const tested = nominal.found
    ? Object.entries(nominal.domain.conditions).filter(([, range]) => range.tested)
    : [];
  const edges = tested.slice(0, 2).map(([name, { high, unit }]) => [name, `${high} ${unit}`]);
  return edges.length > 0 ? Object.fromEntries(edges) : { drift_velocity: "5.51 cm/us" };
}

async function ask(
  platform: Platform,
  say: (text: string) => void,
  conditions: Record<string, string>,
  accept: "exact" | "compatible" = "exact",
): Promise<Resolution> {
  const started = performance.now();
  const resolution = await platform.resolve(family, { conditions, accept });
  say(describeResolution(resolution, performance.now() - started));
  return resolution;
}

function generate(
  platform: Platform,
  context: CommandContext,
  conditions: Record<string, string>,
  rows: number,
): Promise<Sample> {
  return generateResponses(platform, platform, family, {
    locked: null,
    conditions,
    software: {},
    accept: "exact",
    features: null,
    rows,
    seed: 1,
    fallback: true,
    cacheDirectory: platform.config.cacheDirectory,
    // One thread each, so that the two times compare.
    threads: 1,
    signal: context.signal,
    onProgress: (fraction, message) => context.progress.update("generate", fraction, null, message),
  });
}

function timesTable(sample: Sample, simulated: Sample): string {
  const row = (name: string, { rows, microsecondsPerResponse }: Sample) => [
    `  ${name}`,
    rows.toLocaleString("en"),
    microsecondsPerResponse.toFixed(2),
  ];
  const ratio = simulated.microsecondsPerResponse / sample.microsecondsPerResponse;
  return [
    table(["  one core", "responses", "µs each"], [row("model", sample), row("base simulator", simulated)]),
    `  The model is ${ratio.toFixed(1)} times as fast as the embedded simulator.`,
  ].join("\n");
}
