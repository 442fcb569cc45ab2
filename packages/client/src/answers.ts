// The questions and answers of the /v1 interface, as schemas: the server checks and documents with them, clients read with them.

import { z } from "zod";

export const jobStates = ["queued", "running", "published", "refused", "failed", "cancelled"] as const;
/** A job that makes a model begins with `dataset`; one that judges a pushed bundle with `receive`, and has no `train`. */
export const stageNames = ["receive", "dataset", "train", "validate", "domain", "publish"] as const;

const quantities = z
  .record(z.string(), z.union([z.string(), z.number()]))
  .describe(
    'Condition name to a value with a unit ("5.50 cm/us"), a bare number in the declared unit, or a label',
  );
const software = z.record(z.string(), z.string()).describe("Component to name/version");

export const resolveRequest = z.strictObject({
  conditions: quantities.default({}),
  software: software.default({}),
  accept: z.enum(["exact", "compatible"]).default("exact"),
});
export type ResolveRequest = z.input<typeof resolveRequest>;

export const question = z.object({
  family: z.string(),
  familyVersion: z.number().int(),
  conditions: z.record(z.string(), z.string()),
  software: z.record(z.string(), z.string()),
  defaulted: z
    .array(z.string())
    .describe("Conditions and software that were not given and took the family's nominal value"),
  canonical: z.string(),
  key: z.string(),
});

export const range = z.object({ low: z.number(), high: z.number(), unit: z.string(), tested: z.boolean() });

export const model = z.object({
  bundle: z.string().describe("SHA-256 of bundle.json, 64 hexadecimal digits"),
  key: z.string(),
  recipeHash: z.string(),
  family: z.string(),
  familyVersion: z.number().int(),
  conditions: z.record(z.string(), z.string()),
  software: z.record(z.string(), z.string()),
  dataSource: z.enum(["simulator", "files"]),
  createdAt: z.string(),
  /** Whether a binding makes it the one that answers for its key. */
  serving: z.boolean(),
  size: z.number(),
});
export type Model = z.infer<typeof model>;

export const difference = z.object({
  name: z.string(),
  asked: z.string(),
  has: z.string(),
  unit: z.string().nullable(),
  /** |difference| over tolerance; null for labels and software. */
  distance: z.number().nullable(),
  domain: z.object({ low: z.number(), high: z.number() }).nullable(),
  fits: z.boolean(),
  reason: z.string(),
});
export type Difference = z.infer<typeof difference>;

export const nearModel = z.object({
  model,
  distance: z
    .number()
    .nullable()
    .describe("Largest |difference|/tolerance; null where a label or version differs"),
  differences: z.array(difference),
});

export const hit = z.object({
  found: z.literal(true),
  match: z.enum(["exact", "compatible"]),
  distance: z.number(),
  question,
  model,
  /** Where in conditions and inputs the model passed its gates. */
  domain: z.object({ conditions: z.record(z.string(), range), inputs: z.record(z.string(), range) }),
  differences: z.array(difference),
});
export type Hit = z.infer<typeof hit>;

export const miss = z.object({
  found: z.literal(false),
  question,
  reason: z.string(),
  nearest: z.array(nearModel),
  /** A job that is making the model now. */
  job: z.string().nullable(),
  fallback: z.string().nullable().describe("What makes responses while there is no model"),
});
export type Miss = z.infer<typeof miss>;
export type Resolution = Hit | Miss;

export const ensureRequest = z.strictObject({
  conditions: quantities.default({}),
  software: software.default({}),
  accept: z.enum(["exact", "compatible"]).default("exact"),
  data: z
    .strictObject({ files: z.array(z.string()).min(1).describe("Paths that the server can read") })
    .optional()
    .describe("Make the dataset from these files in place of the simulator"),
  rows: z
    .int()
    .min(100)
    .max(10_000_000)
    .optional()
    .describe("Rows of the simulated dataset; the family's figure if left out"),
  seed: z
    .int()
    .min(0)
    .max(2 ** 31 - 1)
    .optional(),
  model: z.string().optional().describe("The trainer's model in place of the family's"),
  hyperparameters: z.record(z.string(), z.unknown()).optional(),
  retry: z.boolean().default(false).describe("After a refusal: a new recipe with the next seed"),
});
export type EnsureRequest = z.input<typeof ensureRequest>;

export const gateResult = z.object({
  metric: z.string(),
  at: z.string().describe("`nominal`, the point of the domain test, or the bin of reconstructed tracks"),
  value: z.number().nullable(),
  interval: z.tuple([z.number(), z.number()]).nullable(),
  floor: z.number().nullable(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  passed: z.boolean(),
});
export type GateResult = z.infer<typeof gateResult>;
export const verdict = z.object({ passed: z.boolean(), gates: z.array(gateResult) });
export type Verdict = z.infer<typeof verdict>;

export const stage = z.object({
  name: z.enum(stageNames),
  state: z.enum(["waiting", "running", "done", "reused", "failed"]),
  startedAt: z.string().nullable(),
  seconds: z.number().nullable(),
  /** Fraction done, 0 to 1, and seconds left, while running. */
  fraction: z.number().nullable(),
  secondsLeft: z.number().nullable(),
  message: z.string().nullable(),
  figures: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
});
export type Stage = z.infer<typeof stage>;

export const problem = z.looseObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.string(),
  field: z.string().optional(),
  remedy: z.string().optional(),
});
export type Problem = z.infer<typeof problem>;

export const warmStart = z.object({
  parent: z
    .string()
    .nullable()
    .describe("Bundle whose weights training starts from; null for random weights"),
  distance: z.number().nullable().describe("Largest |difference|/tolerance to the parent's conditions"),
  reason: z.string().describe("Why this parent, or why none"),
});
export type WarmStart = z.infer<typeof warmStart>;

export const job = z.object({
  id: z.string(),
  question,
  recipeHash: z.string(),
  dataSource: z.enum(["simulator", "files"]),
  warmStart: warmStart
    .nullable()
    .describe(
      "Where training starts, as it was chosen when the job was planned; null where the family does not ask",
    ),
  state: z.enum(jobStates),
  stages: z.array(stage),
  attempt: z.number().int(),
  retry: z
    .object({ number: z.int(), of: z.int(), at: z.string(), reason: z.string() })
    .nullable()
    .describe("The last failure that may pass, and when the job was or is to be tried again after it"),
  createdAt: z.string(),
  updatedAt: z.string(),
  bundle: z.string().nullable(),
  verdict: verdict.nullable(),
  /** Path of the validation report on the machine that made it, once there is one. */
  report: z.string().nullable(),
  error: problem.nullable(),
});
export type Job = z.infer<typeof job>;

export const jobEvent = z.object({
  seq: z.number().int(),
  time: z.string(),
  type: z.enum(["state", "stage", "progress", "log"]),
  stage: z.enum(stageNames).nullable(),
  state: z.string().nullable(),
  fraction: z.number().nullable(),
  secondsLeft: z.number().nullable(),
  message: z.string().nullable(),
  figures: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
});
export type JobEvent = z.infer<typeof jobEvent>;

export type EnsureAnswer = { model: Hit; job: null } | { model: null; job: Job };

export const familySummary = z.object({
  name: z.string(),
  version: z.number().int(),
  title: z.string(),
  description: z.string(),
  conditions: z.array(
    z.object({
      name: z.string(),
      description: z.string(),
      unit: z.string().nullable(),
      nominal: z.string().nullable(),
      grid: z.string().nullable(),
      tolerance: z.string().nullable(),
      minimum: z.string().nullable(),
      maximum: z.string().nullable(),
      values: z.array(z.string()).nullable(),
    }),
  ),
  software: z.array(z.object({ name: z.string(), description: z.string(), nominal: z.string().nullable() })),
  inputs: z.array(
    z.object({
      name: z.string(),
      description: z.string(),
      unit: z.string(),
      low: z.number(),
      high: z.number(),
    }),
  ),
  output: z.object({ name: z.string(), unit: z.string(), shape: z.array(z.number().int()) }),
  models: z.number().int().describe("Models that serve a key of the family"),
});
export type FamilySummary = z.infer<typeof familySummary>;

/** Entries of a listing in one answer, as a server gives them unless asked for fewer, and at most. */
export const pageSize = { usual: 100, largest: 1000 };

/** One answer of a listing; `next` is what to give as `after` for the entries that follow, null where none do. */
export const modelPage = z.object({ models: z.array(model), next: z.string().nullable() });
export const jobPage = z.object({ jobs: z.array(job), next: z.string().nullable() });
