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

/** A model of a family version; see docs/decisions/snapshot.md. */
export interface ModelsLine {
  key: string;
  bundle: string;
  createdAt: string;
  binding: number;
  conditions: Record<string, string>;
  software: Record<string, string>;
  domain: Record<string, [low: number, high: number]>;
  recipeHash: string;
  dataSource: "simulator" | "files";
  size: number;
}

/** By hand: a schema takes ten times as long, and there are thousands of lines. */
export function isModelsLine(given: unknown): given is ModelsLine {
  if (!isRecord(given)) return false;
  const { key, bundle, createdAt, binding, conditions, software, domain, recipeHash, dataSource, size } =
    given;
  return (
    [key, bundle, createdAt, recipeHash].every((each) => typeof each === "string") &&
    /^[0-9a-f]{64}$/.test(bundle as string) &&
    [binding, size].every(Number.isFinite) &&
    [conditions, software].every((each) => isRecord(each) && areTexts(each)) &&
    isRecord(domain) &&
    Object.values(domain).every(
      (box) => Array.isArray(box) && box.length === 2 && box.every(Number.isFinite),
    ) &&
    (dataSource === "simulator" || dataSource === "files")
  );
}

function isRecord(given: unknown): given is Record<string, unknown> {
  return typeof given === "object" && given !== null && !Array.isArray(given);
}

function areTexts(given: Record<string, unknown>): boolean {
  return Object.values(given).every((each) => typeof each === "string");
}

/** Where a blob is in a snapshot. */
export function blobPath(directory: string, sha256: string): string {
  return join(directory, "blobs", sha256.slice(0, 2), sha256);
}
