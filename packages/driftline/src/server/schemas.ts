// What the routes take and give, by name: the OpenAPI document refers to these as components.

import {
  difference,
  ensureRequest,
  familySummary,
  gateResult,
  hit,
  job,
  jobEvent,
  miss,
  model,
  nearModel,
  problem,
  question,
  range,
  resolveRequest,
  stage,
  verdict,
} from "@driftline/client/api";
import { bundleManifest, tensorSpec } from "@driftline/client/bundle";
import {
  imported,
  importRequest,
  lockRequest,
  recall,
  registeredLock,
  retirement,
  retireRequest,
  sample,
  sampleRecord,
  tagSummary,
  tagTable,
} from "@driftline/client/campaigns";
import { lock, lockedRange } from "@driftline/client/lock/lock";
import { runRange } from "@driftline/client/lock/runTable";
import { z } from "zod";

export const missProblem = z
  .object({ ...problem.shape, ...miss.shape })
  .describe("A miss, explained: the nearest models, and for each condition why they don't fit");

export const refusalProblem = z
  .looseObject({ ...problem.shape, verdict: verdict.optional(), job: z.string().optional() })
  .describe("The model of this recipe was made and did not pass its gates; `retry` makes another");

/** Each schema here becomes `#/components/schemas/<id>` of the OpenAPI document. */
for (const [id, schema] of Object.entries({
  Difference: difference,
  EnsureRequest: ensureRequest,
  Family: familySummary,
  GateResult: gateResult,
  Hit: hit,
  Imported: imported,
  ImportRequest: importRequest,
  Job: job,
  JobEvent: jobEvent,
  Lock: lock,
  LockedRange: lockedRange,
  LockRequest: lockRequest,
  Manifest: bundleManifest,
  Miss: missProblem,
  Model: model,
  NearModel: nearModel,
  Problem: problem,
  Question: question,
  Range: range,
  Recall: recall,
  Refusal: refusalProblem,
  RegisteredLock: registeredLock,
  ResolveRequest: resolveRequest,
  Retirement: retirement,
  RetireRequest: retireRequest,
  RunRange: runRange,
  Sample: sample,
  SampleRecord: sampleRecord,
  Stage: stage,
  Tag: tagSummary,
  TagTable: tagTable,
  TensorSpec: tensorSpec,
  Verdict: verdict,
})) {
  // The registry has the descriptions already.
  z.globalRegistry.add(schema, { ...z.globalRegistry.get(schema), id });
}

/** A response that is a problem document. */
export function problemResponse(description: string, schema: z.ZodType = problem) {
  return { description, content: { "application/problem+json": { schema } } };
}

/** Problems that any request can be answered with before its route looks at it. */
export const guardProblems = {
  403: problemResponse("A foreign page made a browser ask, or a file is named that clients may not name"),
  431: problemResponse("The headers are too large, or too many"),
};

/** Problems that every route under /v1 can answer with. */
export const commonProblems = {
  ...guardProblems,
  400: problemResponse("The request is malformed"),
  401: problemResponse("The server asks for a token"),
  500: problemResponse("A fault of the server, or damaged content"),
  503: problemResponse("The catalogue or the server is busy: ask again after the time in Retry-After"),
};

/** Problems of routes that take a body. */
export const bodyProblems = {
  413: problemResponse("The body is too large"),
  415: problemResponse("The body is not of the type that is asked for, or is compressed"),
};

export function jsonResponse<T extends z.ZodType>(description: string, schema: T) {
  return { description, content: { "application/json": { schema } } };
}
