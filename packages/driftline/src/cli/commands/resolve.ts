// driftline resolve: which model fits these conditions, or those of a run, or why none does.

import { exitCode } from "../../errors/problem.ts";
import { fail } from "../../errors/registry.ts";
import { type CommandContext, defineCommand, type OptionValues } from "../command.ts";
import { integer } from "../numbers.ts";
import { describeResolution, questionOf, questionOptions } from "../question.ts";

const options = {
  ...questionOptions,
  tag: {
    type: "string",
    value: "TAG",
    description: "With --run: the conditions that this tag has for the run",
  },
  run: { type: "string", value: "N", description: "Run number" },
  "as-of": {
    type: "string",
    value: "TIME",
    description: "With --tag: the model that served at that time, such as 2026-05-01T12:00Z",
  },
} as const;

export const resolve = defineCommand({
  name: "resolve",
  summary: "Find the model that fits the conditions, or learn why none does (exit code 4).",
  positionals: ["FAMILY"],
  options,
  examples: [
    "driftline resolve mpd.tpc --at drift_velocity=5.52cm/us --accept compatible",
    "driftline resolve mpd.tpc --tag mc2026 --run 1234",
  ],
  async run(context, [family], given) {
    const request = questionOf(given);
    const ask = await asking(context, family, given, request);
    const started = performance.now();
    const resolution = await ask();
    const took = performance.now() - started;
    return {
      json: resolution,
      text: describeResolution(resolution, took),
      exit: resolution.found ? 0 : exitCode("no_model"),
    };
  },
});

async function asking(
  context: CommandContext,
  family: string,
  given: OptionValues<typeof options>,
  request: ReturnType<typeof questionOf>,
) {
  const { tag } = given;
  const run = integer("--run", given.run);
  if (tag === undefined && run === undefined && given["as-of"] === undefined) {
    const driftline = await context.driftline();
    return () => driftline.resolve(family, request);
  }
  if (tag === undefined || run === undefined) {
    const missing = tag === undefined ? "--tag" : "--run";
    throw wrong(
      missing,
      `${missing} is missing: a run is one of a tag`,
      "Give both, such as --tag mc2026 --run 1234.",
    );
  }
  for (const name of ["at", "software"] as const) {
    if (given[name] === undefined) continue;
    throw wrong(`--${name}`, `--${name} beside --tag: the run has its conditions`, "Leave one of them out.");
  }
  const asOf = given["as-of"] === undefined ? null : timeOf(given["as-of"]);
  if (asOf !== null && request.accept === "compatible") {
    throw wrong("--as-of", "--as-of tells what served exactly", "Leave --accept compatible out.");
  }
  const { campaigns } = await context.driftline();
  return () => campaigns.resolveRun(family, { tag, run, accept: request.accept, asOf });
}

function timeOf(text: string): string {
  const time = new Date(text);
  // A date that JavaScript guesses at could be another one than was meant.
  if (/^\d{4}-\d{2}-\d{2}(T|$)/.test(text) && !Number.isNaN(time.getTime())) return time.toISOString();
  throw wrong(
    "--as-of",
    `--as-of ${text}: it is not a time`,
    "Write it as 2026-05-01 or 2026-05-01T12:00:00Z.",
  );
}

function wrong(field: string, what: string, remedy: string) {
  return fail("usage", `driftline resolve: ${what}.`, { field, remedy });
}
