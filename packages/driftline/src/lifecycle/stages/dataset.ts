// Stage 1: a dataset from the base simulator or from the experiment's files, its shards kept as blobs.

import { link, mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Catalogue } from "../../catalogue/catalogue.ts";
import type { ResponseBatch } from "../../family/responses.ts";
import type { Coverage } from "../../streaming/coverage.ts";
import { type ResponseReader, readResponses } from "../../streaming/readResponses.ts";
import { writeDataset } from "../../streaming/writeDataset.ts";
import { baseSimulator } from "../baseSimulator.ts";
import type { Recipe } from "../recipe.ts";
import type { StageContext, StageDefinition } from "./stage.ts";
import { secondsLeft } from "./stage.ts";

export interface DatasetOutput {
  /** Digest of dataset.json, which names the shards. */
  manifest: string;
  shards: { path: string; sha256: string }[];
  rows: number;
  /** Range of each input that files cover; null for simulated rows, which cover the family's domain. */
  coverage: Coverage | null;
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
    const started = performance.now();
    const directory = join(context.directory, "dataset");
    await rm(directory, { recursive: true, force: true });
    const report = (fraction: number, message: string | null) =>
      progress(fraction, message, secondsLeft(started, fraction));
    const { data } = recipe;
    const { inputs, output } = family;
    const reader = data.source === "files" ? fileReader(context, data, report) : null;
    const manifest = await writeDataset({
      directory,
      batches: reader ?? simulated(context, data as SimulatedRecipeData, report),
      inputs,
      output,
      split: data.split,
      salt: "driftline-split/1",
      // What the platform did not make is asserted; paths are no part of a dataset.
      provenance: () => ({ source: data.source, ...(reader && { asserted: true, ...countsOf(reader) }) }),
      signal,
    });
    const shards: DatasetOutput["shards"] = [];
    for (const { path, sha256 } of manifest.shards) {
      signal.throwIfAborted();
      await catalogue.blobs.putFile(join(directory, path));
      shards.push({ path, sha256 });
    }
    const digest = await catalogue.blobs.putFile(join(directory, "dataset.json"));
    const seconds = (performance.now() - started) / 1000;
    return {
      output: { manifest: digest, shards, rows: manifest.rows, coverage: reader?.counts.coverage ?? null },
      figures: {
        rows: manifest.rows,
        rowsPerSecond: Math.round(manifest.rows / seconds),
        ...manifest.split.counts,
        ...(reader && countsOf(reader)),
      },
    };
  },
};

type SimulatedRecipeData = Extract<Recipe["data"], { source: "simulator" }>;
type FileRecipeData = Extract<Recipe["data"], { source: "files" }>;
type Report = (fraction: number, message: string | null) => void;

async function* simulated(
  { family, question, threads, signal }: StageContext,
  { simulator, saturation, rows, seed }: SimulatedRecipeData,
  report: Report,
): AsyncIterable<ResponseBatch> {
  yield await baseSimulator({ family, simulator, question, saturation, threads, signal }).simulate(
    rows,
    seed,
    report,
  );
}

function fileReader(
  { family, files, signal }: StageContext,
  data: FileRecipeData,
  report: Report,
): ResponseReader {
  const { mapping, threshold, saturation } = data;
  const { inputs, output } = family;
  return readResponses({ files, mapping, inputs, output, threshold, saturation, onProgress: report, signal });
}

function countsOf({ counts }: ResponseReader) {
  const { digits, digitsOutside, digitsBelowThreshold, rowsOutsideDomain } = counts;
  return { digits, digitsOutside, digitsBelowThreshold, rowsOutsideDomain };
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
