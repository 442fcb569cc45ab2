// The dataset format: dataset.json beside safetensors shards, every row with a stable identity and its split.

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

export type Split = "train" | "validation" | "test";

/** Contents of dataset.json. Tensors: `features` [n], `response` [a, b], `id` (64 bits), `split` (0 train, 1 validation, 2 test). */
export interface DatasetManifest {
  scheme: "driftline-dataset/1";
  rows: number;
  tensors: DatasetTensor[];
  split: { by: "id"; salt: string; fractions: Record<Split, number>; counts: Record<Split, number> };
  provenance: Record<string, unknown>;
  shards: DatasetShard[];
}

/** A run of rows as columns: what sources (simulator, files) hand over, and what shards hold. */
export interface ResponseBatch {
  rows: number;
  /** rows × inputs, row-major, physical units in the family's order. */
  features: Float32Array;
  /** rows × axis 0 × axis 1, row-major. */
  responses: Float32Array;
  /** Stable 64-bit identity of each row. */
  ids: BigInt64Array;
}

/** A dataset's content in memory, by split. */
export interface LoadedDataset {
  manifest: DatasetManifest;
  splits: Record<Split, ResponseBatch>;
}
