// A bundle made elsewhere: received, held against its family as it is here, and given to a job that judges it.

import type { BundleTar, Job, Model, PushAnswer } from "@driftline/client/api";
import { retired } from "../../catalogue/campaigns/retire.ts";
import type { CheckedManifest } from "../../catalogue/manifest.ts";
import type { Configuration } from "../../config/configuration.ts";
import { DriftlineError } from "../../errors/registry.ts";
import { trainerEnvironment } from "../../training/environment.ts";
import type { DataFile } from "../dataFiles.ts";
import { isUnfinished } from "../jobs/jobRecord.ts";
import type { Store } from "../openStore.ts";
import { planPushed, recipeHash } from "../recipe.ts";
import { checkClaims } from "./claims.ts";

/**
 * The model where the catalogue has the bundle, else the job that judges it: one that is unfinished, or a new one. Its
 * files are stored in any case, which mends a bundle whose blobs were damaged. Throws what `checkClaims` does,
 * `invalid_bundle`, `too_large`, and `refused` with the verdict where the bundle was refused by the same policy before.
 */
export async function push(
  config: Configuration,
  { families, catalogue, store }: Store,
  tar: BundleTar,
  files: DataFile[],
): Promise<PushAnswer> {
  const received = await catalogue.receive(tar.open(), { bytes: config.server.uploadMiB * 2 ** 20 });
  const { digest, manifest } = received;
  const known = await modelOrNull(catalogue.model(digest));
  if (known !== null) {
    const reason = await catalogue.retirement(digest);
    if (reason !== null) throw retired(digest, reason);
    return { model: known, job: null };
  }
  const { family, question } = checkClaims(families, manifest, files.length > 0);
  const environment = trainerEnvironment(config.trainerDirectory, config.python);
  const recipe = planPushed(
    family,
    question,
    environment.digest,
    {
      bundle: digest,
      model: fileOf(received, "model.onnx"),
      reference: fileOf(received, "reference.safetensors"),
    },
    {
      model: modelName(manifest.recipe),
      ...(files.length > 0 && { files: files.map(({ identity }) => identity) }),
    },
  );
  const earlier = await store.ofRecipe(recipe, false);
  const refused = earlier.find(({ state }) => state === "refused");
  if (refused && !earlier.some(({ state }) => isUnfinished(state))) throw refusalAgain(refused);
  const { job } = await store.createOrJoin({
    question,
    recipe,
    recipeHash: recipeHash(recipe),
    files: files.map(({ path }) => path),
    warmStart: null,
  });
  return { model: null, job };
}

async function modelOrNull(model: Promise<Model>): Promise<Model | null> {
  return model.catch((error: unknown) => {
    if (error instanceof DriftlineError && error.code === "unknown_model") return null;
    throw error;
  });
}

function fileOf({ manifest }: CheckedManifest, path: string): string {
  return manifest.files.find((file) => file.path === path)!.sha256;
}

/** What the bundle calls its model, for the report. */
function modelName(recipe: Record<string, unknown>): string {
  const { model } = (recipe.training ?? {}) as { model?: unknown };
  return typeof model === "string" && /^[\w.+ -]{1,80}$/.test(model) ? model : "made elsewhere";
}

function refusalAgain(job: Job): DriftlineError {
  return new DriftlineError("refused", job.error?.detail ?? "The bundle did not pass validation.", {
    remedy: job.error?.remedy,
    data: { job: job.id, verdict: job.verdict, report: job.report },
  });
}
