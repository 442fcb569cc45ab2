// driftline resolve: which model fits these conditions, or why none does.

import { exitCode } from "../../errors/problem.ts";
import { defineCommand } from "../command.ts";
import { describeResolution, questionOf, questionOptions } from "../question.ts";

export const resolve = defineCommand({
  name: "resolve",
  summary: "Find the model that fits the conditions, or learn why none does (exit code 4).",
  positionals: ["FAMILY"],
  options: questionOptions,
  examples: ["driftline resolve mpd.tpc --at drift_velocity=5.52cm/us --accept compatible"],
  async run(context, [family], options) {
    const driftline = await context.driftline();
    const request = questionOf(options);
    const started = performance.now();
    const resolution = await driftline.resolve(family, request);
    const took = performance.now() - started;
    return {
      json: resolution,
      text: describeResolution(resolution, took),
      exit: resolution.found ? 0 : exitCode("no_model"),
    };
  },
});
