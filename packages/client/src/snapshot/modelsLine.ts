// The line that a model has among the models of a snapshot, made from its manifest.

import type { BundleManifest } from "../bundle.ts";
import { parseDecimal } from "../question/decimal.ts";
import type { ModelsLine } from "./format.ts";

/** What is not in the manifest: its digest and length, when it was published and by which binding it serves. */
export interface PublishedManifest {
  manifest: BundleManifest;
  bundle: string;
  bytes: number;
  createdAt: string;
  binding: number;
}

export function modelsLineOf({ manifest, bundle, bytes, createdAt, binding }: PublishedManifest): ModelsLine {
  const { key, conditions, software, recipeHash, provenance, files } = manifest;
  const domain: ModelsLine["domain"] = {};
  for (const [name, { low, high }] of Object.entries(manifest.domain.conditions)) {
    const value = conditions[name] ?? "";
    const isOwn = parseDecimal(value) !== null && low === Number(value) && high === Number(value);
    if (!isOwn) domain[name] = [low, high];
  }
  return {
    key,
    bundle,
    createdAt,
    binding,
    conditions,
    software,
    domain,
    recipeHash,
    dataSource: provenance.dataSource === "files" ? "files" : "simulator",
    size: files.reduce((sum, file) => sum + file.size, bytes),
  };
}
