// driftline ensure: find the model for these conditions, or have it made.

import type { EnsureRequest } from "@driftline/client/api";
import { namedFiles } from "../../lifecycle/dataFiles.ts";
import { checkChoices } from "../../lifecycle/recipe.ts";
import { startText } from "../../lifecycle/warmStart.ts";
import { type CommandContext, defineCommand, type OptionValues } from "../command.ts";
import { describeJob, followJob, throwUnlessPublished } from "../follow.ts";
import { integer } from "../numbers.ts";
import { assignments, describeResolution, questionOf, questionOptions } from "../question.ts";

const options = {
  ...questionOptions,
  wait: { type: "boolean", description: "Follow the job until the model is published" },
  data: {
    type: "string",
    multiple: true,
    value: "FILE",
    description:
      "Responses from this file in place of the simulator (path, glob, address or @list); name what made them with --software",
  },
  rows: { type: "string", value: "N", description: "Rows to simulate (default: the family's)" },
  seed: { type: "string", value: "N", description: "Seed of dataset and training (default: the family's)" },
  model: { type: "string", value: "NAME", description: "The trainer's model (default: the family's)" },
  hyperparameter: {
    type: "string",
    multiple: true,
    value: "NAME=JSON",
    description: "A hyperparameter of the trainer's model",
  },
  retry: { type: "boolean", description: "After a refusal: train again with the next seed" },
} as const;

export const ensure = defineCommand({
  name: "ensure",
  summary: "Find the model that fits the conditions, or make it: dataset, training, validation, publication.",
  positionals: ["FAMILY"],
  options,
  examples: [
    "driftline ensure mpd.tpc --at drift_velocity=5.50cm/us --at magnetic_field=0.5T --wait",
    "driftline ensure mpd.tpc --software simulator=mpdroot/unknown --data responses.root --wait",
  ],
  async run(context, [family], given) {
    const driftline = await context.driftline();
    const request = await requestOf(given, context.config.url !== null);
    const answer = await driftline.ensure(family, request);
    if (answer.model) return { json: answer.model, text: describeResolution(answer.model) };
    const { job } = answer;
    if (!given.wait) return { json: job, text: `${describeJob(job)}\n${whoRunsIt(context, job.id)}` };
    context.progress.note(`Job ${job.id} for ${job.question.key.slice(0, 19)}…`);
    if (job.question.defaulted.length > 0) {
      context.progress.note(`  not given, so nominal: ${job.question.defaulted.join(", ")}`);
    }
    if (job.warmStart) context.progress.note(`  ${startText(job.warmStart)}`);
    if (context.config.url === null) (await context.platform()).runJobs(job.id);
    const ended = await followJob(driftline, job.id, context.progress, context.signal);
    throwUnlessPublished(ended);
    const resolution = await driftline.resolve(family, { ...questionOf(given), accept: "exact" });
    return {
      json: { ...resolution, job: ended },
      text: `${describeJob(ended)}\n\n${describeResolution(resolution)}`,
    };
  },
});

function whoRunsIt(context: CommandContext, id: string): string {
  return context.config.url === null
    ? `It waits for a process that runs jobs: \`driftline serve\`, or this command again with --wait.`
    : `The server runs it: driftline jobs ${id} --follow`;
}

async function requestOf(given: OptionValues<typeof options>, remote: boolean): Promise<EnsureRequest> {
  const choices = {
    model: given.model,
    hyperparameters: given.hyperparameter && hyperparameters(given.hyperparameter),
  };
  // Here too, because what is nested too deeply cannot even be sent.
  checkChoices(choices);
  return {
    ...questionOf(given),
    ...choices,
    ...(given.data && {
      // What a name stands for is the server's own business where there is one.
      data: { files: remote ? given.data : await namedFiles(given.data) },
    }),
    rows: integer("--rows", given.rows),
    seed: integer("--seed", given.seed),
    retry: given.retry ?? false,
  };
}

function hyperparameters(words: string[]): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(assignments("--hyperparameter", words)).map(([name, text]) => {
      try {
        return [name, JSON.parse(text) as unknown];
      } catch {
        return [name, text];
      }
    }),
  );
}
