// The stages of a job that makes a model: dataset, training, validation, domain, publication.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { StageOutput } from "../jobs/stageResults.ts";
import { datasetStage } from "../stages/dataset.ts";
import { domainStage } from "../stages/domain.ts";
import { assembleBundle } from "../stages/publish.ts";
import { trainStage } from "../stages/train.ts";
import { validateStage } from "../stages/validate.ts";
import type { AttemptedJob } from "./attemptedJob.ts";
import { refusalOf } from "./refusal.ts";

export async function makeModel({ store, context, fence, directory, run }: AttemptedJob): Promise<void> {
  const { catalogue, jobId: id, signal } = context;
  const dataset = await run(datasetStage, {});
  const train = await run(trainStage, { dataset: dataset.output });
  const validate = await run(validateStage, { dataset: dataset.output, train: train.output });
  const report = join(directory, "report.html");
  await writeFile(report, await catalogue.blobs.read(validate.output.report));
  const { verdict } = validate.output;
  if (!verdict.passed) {
    const error = refusalOf(verdict, "Look at the report; --retry trains again with the next seed.");
    await store.record(id, fence, { state: "refused", verdict, report, error }, { type: "state" });
    return;
  }
  const domain = await run(domainStage, { dataset: dataset.output, train: train.output });

  const started = performance.now();
  const stage = { name: "publish", startedAt: new Date().toISOString() } as const;
  await store.record(id, fence, { stage: { ...stage, state: "running" } }, { type: "stage" });
  const bundleDirectory = join(context.directory, "bundle");
  const bundle = await assembleBundle(
    context,
    { dataset: dataset.output, train: train.output, validate: validate.output, domain: domain.output },
    {
      dataset: timesOf(dataset),
      train: timesOf(train),
      validate: timesOf(validate),
      domain: timesOf(domain),
    },
    bundleDirectory,
  );
  signal.throwIfAborted();
  await catalogue.publish({
    directory: bundleDirectory,
    reason: `job ${id}`,
    fence: (trx) =>
      store.recordIn(
        trx,
        id,
        fence,
        {
          state: "published",
          bundle,
          verdict,
          report,
          stage: {
            ...stage,
            state: "done",
            seconds: (performance.now() - started) / 1000,
            figures: { bundle },
          },
        },
        { type: "state" },
      ),
  });
}

const timesOf = ({ finishedAt, seconds }: StageOutput) => ({ finishedAt, seconds });
