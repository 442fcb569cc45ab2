// Examples of campaigns for the OpenAPI document.

import type {
  GivenSample,
  Imported,
  RegisteredLock,
  SampleRecord,
  TagSummary,
  TagTable,
} from "@driftline/client/campaigns";
import type { Lock } from "@driftline/client/lock/lock";
import { toProblem } from "../errors/problem.ts";
import { fail } from "../errors/registry.ts";

const content = "6c1f8a0b4d3e2f17a5b6c7d8e9f00112233445566778899aabbccddeeff0011a";
const digest = "0f9c41aa6f1b1f0b5d7c8e2d3a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d";
const createdAt = "2026-03-02T09:30:00.000Z";

const table: TagTable = {
  format: "driftline-runs/1",
  tag: "mc2026",
  ranges: [
    {
      firstRun: 1000,
      lastRun: 1999,
      conditions: { drift_velocity: "5.50 cm/us" },
      software: { simulator: "driftline-tpc/1" },
    },
  ],
  frozen: true,
  content,
};

const tag: TagSummary = {
  tag: "mc2026",
  frozen: true,
  ranges: 1,
  firstRun: 1000,
  lastRun: 1999,
  locks: 1,
  changedAt: createdAt,
};

const importedTag: Imported = {
  tag: "mc2026",
  changed: true,
  ranges: 3,
  added: 3,
  gaps: [{ firstRun: 2500, lastRun: 2599, after: 3, before: 4 }],
};

const frozen = toProblem(
  fail("frozen_tag", "Tag mc2026 is frozen: its table of runs does not change any more.", {
    field: "tag",
    remedy: "Import the runs under a tag of another name.",
  }),
);
const noTag = toProblem(
  fail("unknown_tag", 'There is no tag "mc2027".', { field: "tag", remedy: "Did you mean mc2026?" }),
);
export const underLock = toProblem(
  fail("read_only", "Under a lock there are no other campaigns.", { remedy: "Ask without the lock." }),
);

/** `asked`: family, version, conditions, software and key of the model `bundle`. */
export function campaignExamples(
  asked: Omit<Lock["ranges"][number], "firstRun" | "lastRun" | "bundle" | "match" | "distance">,
  bundle: string,
) {
  const range = { firstRun: 1000, lastRun: 1999, ...asked, bundle, match: "exact" as const, distance: "0" };
  const lock: Lock = {
    format: "driftline-lock/1",
    tag: "mc2026",
    createdAt,
    runs: content,
    accept: "exact",
    ranges: [range],
    digest,
  };
  const registered: RegisteredLock = { tag: "mc2026", digest, content, bundles: [bundle], createdAt };
  const sample: GivenSample = {
    file: "/data/responses.safetensors",
    sha256: content,
    size: 6_553_600,
    bundle,
    lock: digest,
    tag: "mc2026",
    provenance: { source: "model", bundle, seed: "7", events: "1000" },
  };
  const record: SampleRecord = { ...sample, createdAt };
  return {
    registered,
    record,
    operations: {
      listTags: { responses: { 200: { tags: [tag] }, 409: underLock } },
      importRuns: {
        request: {
          file: "runs.csv",
          content: "tag,first_run,last_run,drift_velocity [cm/us]\nmc2026,1000,1999,5.50\n",
        },
        responses: { 200: { imported: [importedTag] }, 409: frozen },
      },
      getTag: { responses: { 200: table, 404: noTag, 409: underLock } },
      freezeTag: { responses: { 200: table, 404: noTag, 409: underLock } },
      makeLock: { request: { tag: "mc2026" }, responses: { 200: lock, 404: noTag, 409: underLock } },
      listLocks: { responses: { 200: { locks: [registered], next: null }, 409: underLock } },
      listSamples: { responses: { 200: { samples: [record], next: null }, 409: underLock } },
      registerSample: { request: sample, responses: { 200: { registered: true }, 409: underLock } },
    },
  };
}
