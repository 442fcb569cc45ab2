// The dataset format: dataset.json beside safetensors shards, every row with a stable identity and its split.

import { createHash } from "node:crypto";
import canonicalize from "canonicalize";
import { z } from "zod";
import type { ResponseBatch, Split } from "../family/responses.ts";
import { scaleKinds } from "./features/scaling.ts";

/** The transformation of a dataset from columns, see assembly/encoding.ts. Values in the shards are not scaled. */
export const datasetEncoding = z.strictObject({
  define: z.record(z.string(), z.string()),
  cut: z.string().optional(),
  features: z.array(
    z.strictObject({
      name: z.string(),
      list: z.boolean(),
      /** First column of the tensor `features`, and how many. */
      first: z.int().min(0),
      width: z.int().min(1),
      scale: z.strictObject({ kind: z.enum(scaleKinds), offset: z.number(), divisor: z.number() }),
    }),
  ),
});

const perSplit = z.strictObject({ train: z.number(), validation: z.number(), test: z.number() });

export const datasetManifest = z.strictObject({
  scheme: z.literal("driftline-dataset/1"),
  rows: z.int().min(0),
  tensors: z.array(
    z.strictObject({
      name: z.string(),
      dtype: z.enum(["F32", "I64", "U8"]),
      /** Shape of one row: [] for a scalar. */
      shape: z.array(z.int().min(1)),
      unit: z.string().optional(),
      /** Names and units of the columns of a one-dimensional tensor. */
      columns: z.array(z.strictObject({ name: z.string(), unit: z.string().optional() })).optional(),
    }),
  ),
  split: z.strictObject({
    by: z.enum(["id", "group"]),
    salt: z.string(),
    fractions: perSplit,
    counts: perSplit,
  }),
  /** How features came from columns: what a model made of this dataset has inside its graph. */
  encoding: datasetEncoding.optional(),
  provenance: z.record(z.string(), z.unknown()),
  shards: z.array(
    z.strictObject({
      path: z.string().regex(/^shard-\d{5,}\.safetensors$/),
      rows: z.int().min(1),
      size: z.int().min(1),
      sha256: z.string().regex(/^[0-9a-f]{64}$/),
    }),
  ),
});

/**
 * Contents of dataset.json. Tensors: `features` [n], `id` (64 bits), `split` (0 train, 1 validation, 2 test); of
 * responses `response` [a, b]; of rows from columns `mask` [n], `label` and `weight`.
 */
export type DatasetManifest = z.infer<typeof datasetManifest>;
export type DatasetTensor = DatasetManifest["tensors"][number];
export type DatasetShard = DatasetManifest["shards"][number];

/** A dataset's content in memory, by split. */
export interface LoadedDataset {
  manifest: DatasetManifest;
  splits: Record<Split, ResponseBatch>;
}

export const manifestName = "dataset.json";

/** The exact text of dataset.json: canonical JSON (RFC 8785). */
export function manifestText(manifest: DatasetManifest): string {
  return canonicalize(manifest)!;
}

/** SHA-256 of dataset.json, which names every shard by its digest: the dataset's identity. */
export function datasetDigest(manifest: DatasetManifest): string {
  return createHash("sha256").update(manifestText(manifest)).digest("hex");
}
