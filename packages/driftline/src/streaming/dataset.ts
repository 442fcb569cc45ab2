// The dataset format: dataset.json beside safetensors shards, every row with a stable identity and its split.

import type { ResponseBatch, Split } from "../family/responses.ts";

export interface DatasetTensor {
  name: string;
  dtype: "F32" | "I64" | "U8";
  /** Shape of one row: [] for a scalar. */
  shape: number[];
  unit?: string;
  /** Names and units of the columns of a one-dimensional tensor. */
  columns?: { name: string; unit: string }[];
}

export interface DatasetShard {
  path: string;
  rows: number;
  size: number;
  sha256: string;
}

/** Contents of dataset.json. Tensors: `features` [n], `response` [a, b], `id` (64 bits), `split` (0 train, 1 validation, 2 test). */
export interface DatasetManifest {
  scheme: "driftline-dataset/1";
  rows: number;
  tensors: DatasetTensor[];
  split: { by: "id"; salt: string; fractions: Record<Split, number>; counts: Record<Split, number> };
  provenance: Record<string, unknown>;
  shards: DatasetShard[];
}

/** A dataset's content in memory, by split. */
export interface LoadedDataset {
  manifest: DatasetManifest;
  splits: Record<Split, ResponseBatch>;
}
