// Stage 5: the bundle's files in one directory, then into the catalogue in one transaction that also ends the job.

import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { BundleManifest } from "@driftline/client/bundle";
import { replayReference, verifyFiles } from "@driftline/client/verify";
import canonicalize from "canonicalize";
import { openFamilyModel } from "../models/familyModel.ts";
import { startText, weightsFile } from "../warmStart.ts";
import { ownTolerance } from "./checkModel.ts";
import type { DatasetOutput } from "./dataset.ts";
import { writeBlob } from "./dataset.ts";
import type { DomainOutput } from "./domain.ts";
import { modelLimits, type StageContext } from "./stage.ts";
import type { TrainOutput } from "./train.ts";
import type { ValidateOutput } from "./validate.ts";

export interface MadeStages {
  dataset: DatasetOutput;
  train: TrainOutput;
  validate: ValidateOutput;
  domain: DomainOutput;
}

/** When each stage ended: recorded figures, so that publishing again gives the same bundle. */
export type StageTimes = Record<keyof MadeStages, { finishedAt: string; seconds: number }>;

/** Writes the bundle to `directory` and verifies it as a consumer would. Returns its digest. */
export async function assembleBundle(
  context: StageContext,
  made: MadeStages,
  times: StageTimes,
  directory: string,
): Promise<string> {
  const { catalogue } = context;
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  await writeBlob(catalogue, made.train.model, join(directory, "model.onnx"));
  await writeBlob(catalogue, made.train.reference, join(directory, "reference.safetensors"));
  const { weights } = made.train;
  if (weights) await writeBlob(catalogue, weights.sha256, join(directory, weightsFile));
  await writeBlob(catalogue, made.validate.validation, join(directory, "validation.json"));
  await writeBlob(catalogue, made.validate.report, join(directory, "report.html"));
  const result = JSON.parse(new TextDecoder().decode(await catalogue.blobs.read(made.train.result))) as {
    signature: BundleManifest["signature"];
    environment?: unknown;
  };
  const manifest: Omit<BundleManifest, "files"> = {
    scheme: "driftline-bundle/1",
    key: context.question.key,
    family: context.family.name,
    familyVersion: context.family.version,
    conditions: context.question.conditions,
    software: context.question.software,
    recipe: context.recipe as unknown as Record<string, unknown>,
    recipeHash: context.recipeHash,
    signature: withCoverage(result.signature, context, made),
    domain: { conditions: made.domain.conditions, inputs: inputDomain(context, made.dataset) },
    domainGates: made.domain.gates,
    tolerance: ownTolerance,
    provenance: {
      dataSource: context.recipe.data.source,
      asserted: context.recipe.data.source === "files",
      dataset: made.dataset.manifest,
      rows: made.dataset.rows,
      trainerEnvironment: result.environment ?? null,
      ...(weights && { weights: { file: weightsFile, architecture: weights.architecture } }),
      ...(context.warmStart && { warmStart: context.warmStart }),
      stages: times,
      createdAt: times.domain.finishedAt,
    },
    verdict: made.validate.verdict,
  };
  await writeFile(join(directory, "card.md"), modelCard(context, manifest, made));
  const files = [];
  for (const path of (await readdir(directory)).sort()) files.push(await fileEntry(directory, path));
  await writeFile(join(directory, "bundle.json"), canonicalize({ ...manifest, files }) as string);
  return verified(context, directory);
}

/** As a consumer would, but with the model where it can be ended. */
async function verified(context: StageContext, directory: string): Promise<string> {
  const { digest, manifest, modelBytes } = await verifyFiles(directory);
  const model = await openFamilyModel(context.family, modelBytes, modelLimits(context));
  try {
    await replayReference(directory, manifest, model);
  } finally {
    await model.close();
  }
  return digest;
}

async function fileEntry(directory: string, path: string) {
  const bytes = await readFile(join(directory, path));
  return { path, size: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") };
}

/** Inputs that the bundle's data cover: the family's domain for simulated data, what the files hold otherwise. */
function inputDomain({ family }: StageContext, dataset: DatasetOutput): BundleManifest["domain"]["inputs"] {
  return Object.fromEntries(
    family.inputs.map(({ name, unit, low, high }) => [
      name,
      { low, high, ...dataset.coverage?.[name], unit, tested: true },
    ]),
  );
}

function withCoverage(
  signature: BundleManifest["signature"],
  context: StageContext,
  made: MadeStages,
): BundleManifest["signature"] {
  const domain = inputDomain(context, made.dataset);
  const columns = context.family.inputs.map(({ name, unit }) => ({
    name,
    unit,
    low: domain[name].low,
    high: domain[name].high,
  }));
  return {
    ...signature,
    inputs: signature.inputs.map((input) => (input.name === "features" ? { ...input, columns } : input)),
  };
}

function modelCard(
  { family, recipe, warmStart }: StageContext,
  manifest: Omit<BundleManifest, "files">,
  made: MadeStages,
): string {
  const conditions = family.conditions.map((condition) => {
    const range = manifest.domain.conditions[condition.name];
    const unit = condition.kind === "quantity" ? ` ${condition.unit}` : "";
    const tested = range?.tested ? `${range.low} to ${range.high}` : "this value only";
    return `| ${condition.name} | ${manifest.conditions[condition.name]}${unit} | ${tested} |`;
  });
  const inputs = Object.entries(manifest.domain.inputs).map(
    ([name, { low, high, unit }]) => `| ${name} | ${low} to ${high} | ${unit} |`,
  );
  const gates = [...manifest.verdict.gates, ...made.domain.gates].map(
    ({ metric, at, value, floor, minimum, maximum, passed }) =>
      `| ${metric} | ${at} | ${value === null ? "none" : value.toPrecision(4)} | ${floor === null ? "" : floor.toPrecision(4)} | ${minimum ?? ""} | ${maximum ?? ""} | ${passed ? "passed" : "failed"} |`,
  );
  const source =
    recipe.data.source === "files"
      ? "files of the experiment (the platform did not make them; their conditions are asserted)"
      : `${recipe.data.simulator.name}/${recipe.data.simulator.version}`;
  return [
    `# ${family.title}`,
    "",
    family.description.trim(),
    "",
    `Model \`${recipe.training.model}\`, trained on ${made.dataset.rows} responses from ${source}.`,
    ...(warmStart ? [`${startText(warmStart)}.`] : []),
    `Software: ${Object.entries(manifest.software)
      .map(([name, version]) => `${name} ${version}`)
      .join(", ")}.`,
    "",
    "## Conditions and measured domain",
    "",
    "| condition | value | passed at |",
    "| --- | --- | --- |",
    ...conditions,
    "",
    "## Inputs",
    "",
    "| input | range | unit |",
    "| --- | --- | --- |",
    ...inputs,
    "",
    "## Gates",
    "",
    "| metric | at | value | floor | minimum | maximum | |",
    "| --- | --- | --- | --- | --- | --- | --- |",
    ...gates,
    "",
    "The report with plots is report.html; all figures are in validation.json.",
    "",
  ].join("\n");
}
