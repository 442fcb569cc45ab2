// Judges a published bundle again: on fresh responses of its simulator, or on files that it has never seen.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundleManifest } from "@driftline/client/bundle";
import { fail } from "../errors/registry.ts";
import type { Family } from "../family/family.ts";
import type { ResponseBatch } from "../family/responses.ts";
import { loadDataset } from "../streaming/loadDataset.ts";
import { readResponses } from "../streaming/readResponses.ts";
import { writeDataset } from "../streaming/writeDataset.ts";
import { trainerEnvironment } from "../training/environment.ts";
import { renderReport } from "../validation/report.ts";
import type { ModelValidation } from "../validation/validateModel.ts";
import { baseSimulator } from "./baseSimulator.ts";
import { judge } from "./judge.ts";
import { openFamilyModel } from "./models/familyModel.ts";
import type { Platform } from "./platform.ts";
import type { Recipe } from "./recipe.ts";
import { reportContext } from "./reportContext.ts";

export interface RevalidateRequest {
  /** Files of responses; none to simulate fresh ones. */
  files: string[];
  /** Rows to simulate. */
  rows: number;
  seed: number;
  /** Tracks to reconstruct, in place of the recipe's number; null for that. */
  tracks: number | null;
  signal: AbortSignal;
  onProgress(fraction: number | null, message: string): void;
}

export interface Revalidation {
  bundle: string;
  validation: ModelValidation;
  /** HTML. */
  report: string;
}

/** The recipe with another number of tracks; the policy is the family's where the recipe was made before there was one. */
function withTracks(recipe: Recipe, family: Family, tracks: number | null): Recipe {
  if (tracks === null) return recipe;
  const policy = recipe.validation.reconstruction ?? family.validation.reconstruction;
  if (policy === null) {
    throw fail("usage", `Validating: ${family.name} does not say how tracks are reconstructed.`, {
      field: "--tracks",
      remedy: "Leave --tracks out, or add `validation.reconstruction` to its family.yaml.",
    });
  }
  return { ...recipe, validation: { ...recipe.validation, reconstruction: { ...policy, tracks } } };
}

/** Throws `unknown_model`, `usage` for a bundle made elsewhere, `damaged`, `invalid_data`, `python_missing`. Changes nothing in the catalogue. */
export async function revalidate(
  platform: Platform,
  digest: string,
  request: RevalidateRequest,
): Promise<Revalidation> {
  const { catalogue } = platform.opened;
  const { bundle } = await catalogue.model(digest);
  const manifest = bundleManifest.parse(
    JSON.parse(new TextDecoder().decode(await catalogue.manifest(bundle))),
  );
  const family = platform.family(manifest.family);
  const recipe = manifest.recipe as unknown as Recipe;
  if (recipe.scheme !== "driftline-recipe/1") {
    throw fail("usage", `Validating ${bundle}: it was made elsewhere, not by a recipe of Driftline.`, {
      field: "BUNDLE",
      remedy:
        "Name a model that `driftline ensure` made: its recipe says what to simulate and which gates hold.",
    });
  }
  const environment = trainerEnvironment(platform.config.trainerDirectory, platform.config.python);
  const { sha256 } = await catalogue.fileEntry(bundle, "model.onnx");
  const scratch = await mkdtemp(join(tmpdir(), "driftline-validate-"));
  const { limits } = platform.config;
  const model = await openFamilyModel(family, await catalogue.blobs.read(sha256), {
    seconds: limits.modelSeconds,
    memoryMiB: limits.memoryMiB,
    signal: request.signal,
    code: "invalid_bundle",
  });
  try {
    const directory = join(scratch, "dataset");
    const { rows } = await writeDataset({
      directory,
      batches: responses(),
      inputs: family.inputs,
      output: family.output,
      // Nothing is trained here: one half teaches the classifiers, the other is judged.
      split: { train: 0.5, validation: 0, test: 0.5 },
      salt: "driftline-validate/1",
      provenance: {},
      signal: request.signal,
    });
    const { splits } = await loadDataset(directory);
    const validation = await judge({
      family,
      question: manifest,
      recipe: withTracks(recipe, family, request.tracks),
      covered: manifest.domain.inputs,
      model,
      train: splits.train,
      test: splits.test,
      seed: request.seed,
      environment,
      scratchDirectory: scratch,
      limits,
      threads: platform.config.threads,
      signal: request.signal,
      onProgress: request.onProgress,
    });
    const context = reportContext(
      { family, question: manifest, recipe, recipeHash: manifest.recipeHash },
      rows,
    );
    return { bundle, validation, report: renderReport(validation, context) };
  } finally {
    await model.close();
    await rm(scratch, { recursive: true, force: true });
  }

  async function* responses(): AsyncIterable<ResponseBatch> {
    const { inputs, output } = family;
    const { data } = recipe;
    const { signal } = request;
    if (request.files.length > 0) {
      const { files: mapping } = family.data;
      if (mapping === null) {
        throw fail("invalid_data", `Validating ${bundle}: ${family.name} does not say how to read files.`, {
          field: "--data",
          remedy: "Add `data.files` to its family.yaml.",
        });
      }
      const { threshold, saturation } = data;
      yield* readResponses({ files: request.files, mapping, inputs, output, threshold, saturation, signal });
      return;
    }
    if (data.source !== "simulator") {
      throw fail(
        "invalid_data",
        `Validating ${bundle}: it was made from files, and nothing here makes more.`,
        {
          field: "--data",
          remedy: "Give responses that the model has not seen with --data.",
        },
      );
    }
    request.onProgress(null, `simulating ${request.rows} responses`);
    yield await baseSimulator({
      family,
      simulator: data.simulator,
      question: manifest,
      saturation: data.saturation,
      threads: platform.config.threads,
      signal,
    }).simulate(request.rows, request.seed);
  }
}
