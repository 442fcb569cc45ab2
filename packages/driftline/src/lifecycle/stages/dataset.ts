// Stage 1: a dataset from the base simulator or from the experiment's files, its shards kept as blobs.

import { link, mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Catalogue } from "../../catalogue/catalogue.ts";
import type { ResponseBatch } from "../../family/responses.ts";
import { simulate } from "../../simulation/simulate.ts";
import { type Coverage, coverage, mergeCoverage } from "../../streaming/coverage.ts";
import type { DatasetManifest } from "../../streaming/dataset.ts";
import { readResponses } from "../../streaming/readResponses.ts";
import { writeDataset } from "../../streaming/writeDataset.ts";
import type { StageContext, StageDefinition } from "./stage.ts";
import { secondsLeft } from "./stage.ts";

export interface DatasetOutput {
  /** Digest of dataset.json, which names the shards. */
  manifest: string;
  shards: { path: string; sha256: string }[];
  rows: number;
  /** Range of each input that the rows cover. */
  coverage: Coverage;
}

export const datasetStage: StageDefinition<Record<string, never>, DatasetOutput> = {
  name: "dataset",
  input: ({ family, question, recipe }) => ({
    data: recipe.data,
    // Files hold responses as they are: only the simulator's output depends on the conditions.
    conditions: recipe.data.source === "simulator" ? question.conditions : null,
    inputs: family.inputs,
    output: family.output,
  }),
  blobs: ({ manifest, shards }) => [manifest, ...shards.map(({ sha256 }) => sha256)],
  async run(context) {
    const { family, recipe, catalogue, signal, progress } = context;
    const started = Date.now();
    const directory = join(context.directory, "dataset");
    await rm(directory, { recursive: true, force: true });
    const covered: { ranges: Coverage | null } = { ranges: null };
    const report = (fraction: number, message: string | null) =>
      progress(fraction, message, secondsLeft(started, fraction));
    const manifest = await writeDataset({
      directory,
      batches: watched(responses(context, report), family.inputs, covered),
      inputs: family.inputs,
      output: family.output,
      split: recipe.data.split,
      salt: "driftline-split/1",
      provenance: { source: recipe.data.source, ...(recipe.data.source === "files" && { asserted: true }) },
      signal,
    });
    const shards: DatasetOutput["shards"] = [];
    for (const { path, sha256 } of manifest.shards) {
      await catalogue.blobs.putFile(join(directory, path));
      shards.push({ path, sha256 });
    }
    const digest = await catalogue.blobs.putFile(join(directory, "dataset.json"));
    const seconds = (Date.now() - started) / 1000;
    return {
      output: { manifest: digest, shards, rows: manifest.rows, coverage: covered.ranges ?? {} },
      figures: {
        rows: manifest.rows,
        rowsPerSecond: Math.round(manifest.rows / seconds),
        ...splitFigures(manifest),
      },
    };
  },
};

async function* responses(
  { family, question, recipe, files, threads, signal }: StageContext,
  report: (fraction: number, message: string | null) => void,
): AsyncIterable<ResponseBatch> {
  const { data } = recipe;
  if (data.source === "files") {
    yield* readResponses({
      files,
      mapping: data.mapping,
      inputs: family.inputs,
      output: family.output,
      threshold: data.threshold,
      saturation: data.saturation,
      onProgress: report,
      signal,
    });
    return;
  }
  yield await simulate({
    simulator: data.simulator,
    conditions: question.conditions,
    inputs: family.inputs,
    output: family.output,
    saturation: data.saturation,
    rows: data.rows,
    seed: data.seed,
    threads,
    onProgress: report,
    signal,
  });
}

function splitFigures({ split }: DatasetManifest): Record<string, number> {
  return { train: split.counts.train, validation: split.counts.validation, test: split.counts.test };
}

/** Adds each batch's range of the inputs to `covered` as it passes. */
async function* watched(
  batches: AsyncIterable<ResponseBatch>,
  inputs: { name: string }[],
  covered: { ranges: Coverage | null },
): AsyncIterable<ResponseBatch> {
  for await (const batch of batches) {
    const own = coverage(batch, inputs);
    covered.ranges = covered.ranges === null ? own : mergeCoverage(covered.ranges, own);
    yield batch;
  }
}

/** Lays the dataset out as a directory that a trainer reads, without copying where the file system can link. */
export async function placeDataset(
  catalogue: Catalogue,
  dataset: DatasetOutput,
  directory: string,
): Promise<void> {
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  await place(catalogue, dataset.manifest, join(directory, "dataset.json"));
  for (const { path, sha256 } of dataset.shards) await place(catalogue, sha256, join(directory, path));
}

async function place(catalogue: Catalogue, digest: string, path: string): Promise<void> {
  await link(catalogue.blobs.path(digest), path).catch(() => symlink(catalogue.blobs.path(digest), path));
}

/** Writes a blob's verified bytes to a file. */
export async function writeBlob(catalogue: Catalogue, digest: string, path: string): Promise<void> {
  await writeFile(path, await catalogue.blobs.read(digest));
}
