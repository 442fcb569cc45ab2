// Detector responses as columns: what simulators and files hand over, what datasets hold, what validation compares.

/** A run of rows. Units and order of the inputs are the family's. */
export interface ResponseBatch {
  rows: number;
  /** rows × inputs, row-major, physical units. */
  features: Float32Array;
  /** rows × axis 0 × axis 1, row-major, in the output's unit. */
  responses: Float32Array;
  /** Stable 64-bit identity of each row. */
  ids: BigInt64Array;
}

export type Split = "train" | "validation" | "test";
