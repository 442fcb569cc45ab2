// The format of a snapshot, driftline-snapshot/1, as docs/decisions/snapshot.md describes it.

import { join } from "node:path";
import { z } from "zod";
import { familySummary } from "../api.ts";

export const pointerFile = "snapshot.json";
export const snapshotFormat = "driftline-snapshot/1";
export const familyFormat = "driftline-family-summary/1";
export const modelsFormat = "driftline-models/1";

/** A line of an index: `k1-` and 64 digits, a blank, 64 digits, a blank, 24 characters of time, a line feed. */
export const lineBytes = 158;
export const keyBytes = 67;
export const bundleAt = 68;
export const timeAt = 133;

const digest = z.string().regex(/^[0-9a-f]{64}$/);
export const ref = z.object({ sha256: digest, size: z.int().min(0) });
export type Ref = z.infer<typeof ref>;

export const pointer = z.object({ format: z.literal(snapshotFormat), sha256: digest, size: z.int() });

export const snapshotFamily = z.object({
  name: z.string(),
  version: z.int(),
  /** Models that serve a key. */
  count: z.int(),
  family: ref,
  index: ref,
  models: ref,
});
export type SnapshotFamily = z.infer<typeof snapshotFamily>;

export const snapshotTag = z.object({
  name: z.string(),
  frozen: z.boolean(),
  runs: ref,
  locks: z.array(ref),
});
export type SnapshotTag = z.infer<typeof snapshotTag>;

export const snapshotRoot = z.object({
  format: z.literal(snapshotFormat),
  createdAt: z.string(),
  previous: ref.nullable(),
  families: z.array(snapshotFamily),
  tags: z.array(snapshotTag),
});
export type SnapshotRoot = z.infer<typeof snapshotRoot>;

export const familyFile = familySummary
  .omit({ models: true })
  .extend({ format: z.literal(familyFormat), simulator: z.string().nullable() });
export type FamilyFile = z.infer<typeof familyFile>;

export const modelsHeader = z.object({
  format: z.literal(modelsFormat),
  family: z.string(),
  familyVersion: z.int(),
  count: z.int(),
});

const texts = z.record(z.string(), z.string());

export const modelsLine = z.object({
  key: z.string(),
  bundle: digest,
  createdAt: z.string(),
  binding: z.number(),
  conditions: texts,
  software: texts,
  domain: z.record(z.string(), z.tuple([z.number(), z.number()])),
  recipeHash: z.string(),
  dataSource: z.enum(["simulator", "files"]),
  size: z.number(),
});
export type ModelsLine = z.infer<typeof modelsLine>;

/** Where a blob is in a snapshot. */
export function blobPath(directory: string, sha256: string): string {
  return join(directory, "blobs", sha256.slice(0, 2), sha256);
}
