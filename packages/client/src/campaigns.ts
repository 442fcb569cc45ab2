// What campaigns rely on: tags with their runs, locks, samples, retirement; schemas of the interface and what can be asked.

import { z } from "zod";
import { model, type Resolution } from "./answers.ts";
import { DriftlineError } from "./error.ts";
import type { Lock } from "./lock/lock.ts";
import { runNumber, runTable } from "./lock/runTable.ts";

const digest = z.string().regex(/^[0-9a-f]{64}$/, "64 hexadecimal digits");
const line = z.int().nullable();
/** What a database and a journal keep alike: no zero byte, no half of a surrogate pair. */
const plainText = z
  .string()
  .min(1)
  .refine((text) => text.isWellFormed() && !text.includes("\0"), "it has a zero byte or half a character");

export const tagSummary = z.object({
  tag: z.string(),
  frozen: z.boolean(),
  ranges: z.int(),
  firstRun: z.int(),
  lastRun: z.int(),
  locks: z.int(),
  changedAt: z.string(),
});
export type TagSummary = z.infer<typeof tagSummary>;

export const tagTable = runTable.extend({
  frozen: z.boolean(),
  content: z.string().describe("SHA-256 of the table as it is stored"),
});
export type TagTable = z.infer<typeof tagTable>;

export const importRequest = z.strictObject({
  file: plainText.max(300).describe("Its name, for messages; .json for a table in JSON"),
  content: z.string().describe("The whole file, CSV or JSON"),
  replace: z.boolean().default(false).describe("In the place of what each tag had"),
});
export type ImportRequest = z.input<typeof importRequest>;

/** Runs in no range between two that are; lines of the file, null for what was imported before. */
export const gap = z.object({ firstRun: z.int(), lastRun: z.int(), after: line, before: line });
export const imported = z.object({
  tag: z.string(),
  changed: z.boolean().describe("False where the table said all of it already"),
  ranges: z.int(),
  added: z.int(),
  gaps: z.array(gap),
});
export type Imported = z.infer<typeof imported>;

const accept = z.enum(["exact", "compatible"]);

export const lockRequest = z.strictObject({
  tag: z.string(),
  families: z.array(z.string()).default([]).describe("By default the one that has the table's conditions"),
  accept: accept.default("exact"),
});
export type LockRequest = z.input<typeof lockRequest>;

export const registeredLock = z.object({
  tag: z.string(),
  digest: z.string(),
  content: z.string().describe("SHA-256 of the lock as it is stored"),
  bundles: z.array(z.string()),
  createdAt: z.string(),
});
export type RegisteredLock = z.infer<typeof registeredLock>;

export const sample = z.strictObject({
  file: plainText.max(4096),
  sha256: digest,
  size: z.int().min(0),
  bundle: digest,
  lock: digest.nullable().describe("Digest of the lock that it was made under"),
  tag: plainText.max(300).nullable(),
  provenance: z.record(z.string(), z.string()),
});
export type GivenSample = z.infer<typeof sample>;
export const sampleRecord = z.object({ ...sample.shape, createdAt: z.string() });
export type SampleRecord = z.infer<typeof sampleRecord>;

export const retireRequest = z.strictObject({ reason: plainText.trim().min(1).max(2000) });
export const retirement = model.extend({
  retired: z.string().describe("Why: the reason that was given first"),
  locks: z.int().describe("Locks that name it"),
  samples: z.int().describe("Registered samples that were made with it"),
});
export type Retirement = z.infer<typeof retirement>;

export const recall = z.object({
  bundle: z.string(),
  retired: z.string().nullable(),
  locks: z.array(registeredLock),
  samples: z.array(sampleRecord),
});
export type Recall = z.infer<typeof recall>;

export const runQuery = z.strictObject({
  family: z.string(),
  accept: accept.default("exact"),
  asOf: z.iso
    .datetime()
    .optional()
    .describe("What served exactly these conditions at that time, such as 2026-05-01T12:00:00Z"),
});
export const runPath = z.object({ tag: z.string(), run: z.coerce.number().pipe(runNumber) });

export const lockPage = z.object({ locks: z.array(registeredLock), next: z.string().nullable() });
export const samplePage = z.object({ samples: z.array(sampleRecord), next: z.string().nullable() });

export interface RunAsked {
  tag: string;
  run: number;
  accept: "exact" | "compatible";
  /** ISO 8601 in UTC; null for now. */
  asOf: string | null;
}

export interface Campaigns {
  tags(): Promise<TagSummary[]>;
  /** Throws `unknown_tag`. */
  tag(name: string): Promise<TagTable>;
  /** All of a file or nothing. Throws `invalid_data` naming lines, `frozen_tag`. */
  importRuns(request: ImportRequest): Promise<Imported[]>;
  /** Freezing again changes nothing. */
  freeze(tag: string): Promise<void>;
  /** Throws `unknown_tag`, `unknown_run`. */
  resolveRun(family: string, at: RunAsked): Promise<Resolution>;
  /** Throws `no_model`, naming what is missing in `data.missing`; no lock is made then. */
  lock(request: LockRequest): Promise<Lock>;
  /** In the order in which they were made. */
  locks(tag?: string): AsyncIterable<RegisteredLock>;
  /** False where the sample was registered before. */
  registerSample(sample: GivenSample): Promise<boolean>;
  /** In the order in which they were registered. */
  samples(tag?: string): AsyncIterable<SampleRecord>;
  /** Takes a bundle out of service for good. Retiring again keeps the first reason. */
  retire(bundle: string, reason: string): Promise<Retirement>;
  /** Locks that name a bundle and samples that were made with it. */
  recall(bundle: string): Promise<Recall>;
}

/** Campaigns where nothing may be asked about them: every call is refused. */
export function noCampaigns(why: string, remedy: string): Campaigns {
  const refuse = (): never => {
    throw new DriftlineError("read_only", why, { remedy });
  };
  const refuseLater = async () => refuse();
  // biome-ignore lint/correctness/useYield: there is nothing to give
  async function* refuseList() {
    refuse();
  }
  return {
    tags: refuseLater,
    tag: refuseLater,
    importRuns: refuseLater,
    freeze: refuseLater,
    resolveRun: refuseLater,
    lock: refuseLater,
    locks: refuseList,
    registerSample: refuseLater,
    samples: refuseList,
    retire: refuseLater,
    recall: refuseLater,
  };
}
