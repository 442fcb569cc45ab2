// The stages of a job that judges a bundle made elsewhere: nothing is trained, and its own verdict counts for nothing.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Verdict } from "@driftline/client/api";
import { bundleManifest } from "@driftline/client/bundle";
import { fail } from "../../errors/registry.ts";
import { claimedDomainStage } from "../stages/claimedDomain.ts";
import { type DatasetOutput, datasetStage } from "../stages/dataset.ts";
import { type ReceiveOutput, receiveStage } from "../stages/receive.ts";
import { validateStage } from "../stages/validate.ts";
import type { AttemptedJob } from "./attemptedJob.ts";
import { refusalOf } from "./refusal.ts";

const remedy =
  "Look at the report (`driftline jobs JOB --report FILE`); the same bundle gets the same verdict again.";
/** Of a claimed range: the extremes of two samples differ by about one part in as many as there are rows. */
const uncoveredPart = 0.01;

export async function judgePushed({ store, context, fence, directory, run }: AttemptedJob): Promise<void> {
  const { catalogue, jobId: id, recipe, signal } = context;
  const received = (await run(receiveStage, {})).output;
  const dataset = (await run(datasetStage, {})).output;
  checkCoverage(dataset, received);
  const validate = (await run(validateStage, { dataset, train: received })).output;
  const report = join(directory, "report.html");
  await writeFile(report, await catalogue.blobs.read(validate.report));
  const refuse = (verdict: Verdict) =>
    store.record(
      id,
      fence,
      { state: "refused", verdict, report, error: refusalOf(verdict, remedy) },
      { type: "state" },
    );
  if (!validate.verdict.passed) return refuse(validate.verdict);
  const domain = (await run(claimedDomainStage, { received })).output;
  const gates = [...validate.verdict.gates, ...domain.gates];
  const verdict = { passed: gates.every(({ passed }) => passed), gates };
  if (!verdict.passed) return refuse(verdict);

  signal.throwIfAborted();
  const started = performance.now();
  const stage = { name: "publish", startedAt: new Date().toISOString() } as const;
  await store.record(id, fence, { stage: { ...stage, state: "running" } }, { type: "stage" });
  const { bundle } = recipe.pushed!;
  const manifest = await catalogue.blobs.read(bundle);
  const { files } = bundleManifest.parse(JSON.parse(new TextDecoder().decode(manifest)));
  await catalogue.publish({
    manifest,
    files: Object.fromEntries(files.map(({ path, sha256 }) => [path, catalogue.blobs.path(sha256)])),
    reason: `pushed, job ${id}`,
    fence: (trx) => {
      const seconds = (performance.now() - started) / 1000;
      const done = { ...stage, state: "done" as const, seconds, figures: { bundle } };
      const change = { state: "published" as const, bundle, verdict, report, stage: done };
      return store.recordIn(trx, id, fence, change, { type: "state" });
    },
  });
}

/** Files must reach over the inputs that the bundle claims; simulated responses do. */
function checkCoverage({ coverage }: DatasetOutput, { claimed }: ReceiveOutput): void {
  if (coverage === null) return;
  for (const [name, { low, high }] of Object.entries(claimed.inputs)) {
    const covered = coverage[name];
    const slack = uncoveredPart * (high - low);
    if (covered && covered.low <= low + slack && covered.high >= high - slack) continue;
    const range = covered ? `${covered.low} to ${covered.high}` : "nothing";
    throw fail(
      "invalid_data",
      `Judging a bundle: it claims ${name} ${low} to ${high}; the files cover ${range}.`,
      { field: `domain.inputs.${name}`, remedy: "Name files that cover what the bundle claims." },
    );
  }
}
