// Examples for the OpenAPI document, by operation and status; a test checks each against its schema.

import { createHash } from "node:crypto";
import type { FamilySummary, Hit, Job, JobEvent, Miss, Model } from "@driftline/client/api";
import { toProblem } from "../errors/problem.ts";
import { type ErrorCode, fail } from "../errors/registry.ts";
import { campaignExamples, underLock } from "./campaignExamples.ts";

/** A family with two conditions, so that the examples stay short. */
const family: FamilySummary = {
  name: "mpd.tpc",
  version: 1,
  title: "MPD TPC pad-row response",
  description: "From track parameters to the charge on 8 pads in 16 time bins, a random quantity.",
  conditions: [
    {
      name: "drift_velocity",
      description: "Drift velocity of electrons",
      unit: "cm/us",
      nominal: "5.5",
      grid: "0.01",
      tolerance: "0.05",
      minimum: "3",
      maximum: "8",
      values: null,
    },
    {
      name: "particle",
      description: "Particle species",
      unit: null,
      nominal: "pion",
      grid: null,
      tolerance: null,
      minimum: null,
      maximum: null,
      values: ["electron", "muon", "pion", "kaon", "proton"],
    },
  ],
  software: [{ name: "simulator", description: "What made the responses", nominal: "driftline-tpc/1" }],
  inputs: [
    { name: "crossing_angle", description: "Angle to the row's normal", unit: "deg", low: -20, high: 20 },
  ],
  output: { name: "response", unit: "ADC", shape: [8, 16] },
  models: 1,
};

function question(velocity: string): Hit["question"] {
  const conditions = { drift_velocity: velocity, particle: "pion" };
  const software = { simulator: "driftline-tpc/1" };
  // Members in alphabetical order, as the canonical form has them.
  const asked = { conditions, family: family.name, familyVersion: 1, scheme: "driftline-key/1", software };
  const canonical = JSON.stringify(asked);
  const key = `k1-${createHash("sha256").update(canonical).digest("hex")}`;
  const defaulted = ["particle", "simulator"];
  return { family: family.name, familyVersion: 1, conditions, software, defaulted, canonical, key };
}

const { canonical: _, defaulted: __, ...asked } = question("5.5");
const model: Model = {
  bundle: "b3ef3b73a0c4f5a1c2c1f6de6d1b6b6a4f0a3c1f0d9a4d3f2e8a7c6b5d4e3f21",
  recipeHash: "7d1a54127b222502f5b79b5fb0803061152a44f92b37e23c6527baf665d4da9a",
  ...asked,
  dataSource: "simulator",
  createdAt: "2026-03-02T09:30:00.000Z",
  serving: true,
  size: 1_048_576,
};

const difference = {
  name: "drift_velocity",
  asked: "6.2",
  has: "5.5",
  unit: "cm/us",
  distance: 14,
  domain: { low: 5.45, high: 5.55 },
  fits: false,
  reason:
    "drift_velocity: asked 6.20 cm/us, model 5.50, 14 tolerances away; its measured domain is 5.45 to 5.55",
};

const hit: Hit = {
  found: true,
  match: "exact",
  distance: 0,
  question: question("5.5"),
  model,
  domain: {
    conditions: { drift_velocity: { low: 5.45, high: 5.55, unit: "cm/us", tested: true } },
    inputs: { crossing_angle: { low: -20, high: 20, unit: "deg", tested: true } },
  },
  differences: [],
};

const miss: Miss = {
  found: false,
  question: question("6.2"),
  reason: "No model of mpd.tpc was made under these conditions.",
  nearest: [{ model, distance: 14, differences: [difference] }],
  job: null,
  fallback: "driftline-tpc/1",
};

const job: Job = {
  id: "17",
  question: question("6.2"),
  recipeHash: model.recipeHash,
  dataSource: "simulator",
  warmStart: null,
  state: "running",
  stages: [
    {
      name: "dataset",
      state: "done",
      startedAt: "2026-03-02T09:30:00.000Z",
      seconds: 21.4,
      fraction: null,
      secondsLeft: null,
      message: null,
      figures: { rows: 20000 },
    },
    {
      name: "train",
      state: "running",
      startedAt: "2026-03-02T09:30:21.400Z",
      seconds: null,
      fraction: 0.4,
      secondsLeft: 52,
      message: "epoch 31",
      figures: { loss: 0.182 },
    },
  ],
  attempt: 1,
  retry: null,
  createdAt: "2026-03-02T09:29:59.000Z",
  updatedAt: "2026-03-02T09:31:05.000Z",
  bundle: null,
  verdict: null,
  report: null,
  error: null,
};

const event: JobEvent = {
  seq: 42,
  time: "2026-03-02T09:31:05.000Z",
  type: "progress",
  stage: "train",
  state: null,
  fraction: 0.4,
  secondsLeft: 52,
  message: "epoch 31",
  figures: { loss: 0.182 },
};

const verdict = {
  passed: false,
  gates: [
    {
      metric: "wasserstein",
      at: "nominal",
      value: 0.14,
      interval: [0.13, 0.15],
      floor: 0.02,
      maximum: 0.1,
      passed: false,
    },
  ],
};

function problem(code: ErrorCode, message: string, details: Parameters<typeof fail>[2] = {}) {
  return toProblem(fail(code, message, details));
}

const askHit = { conditions: { drift_velocity: "5.50 cm/us" } };
const missProblem = problem("no_model", miss.reason, {
  remedy: "Have it made (ensure), or accept compatible models.",
  data: miss,
});
const unknownModel = problem("unknown_model", "There is no model 00000000.", {
  field: "digest",
  remedy: "`driftline models` lists them.",
});
const unknownJob = problem("unknown_job", "There is no job 18.", {
  field: "id",
  remedy: "`driftline jobs` lists them.",
});
const unknownFamily = problem("unknown_family", 'There is no family "mpd.tcp".', {
  field: "family",
  remedy: "Did you mean mpd.tpc?",
});

export interface Example {
  request?: unknown;
  responses: Record<string, unknown>;
}

/** Problems that look the same whatever was asked. */
export const commonExamples: Record<string, unknown> = {
  400: problem("wrong_unit", "drift_velocity: T does not measure a velocity.", {
    field: "conditions.drift_velocity",
    remedy: "Give a value in cm/us, such as 5.50 cm/us.",
  }),
  401: problem("unauthorized", "This server asks for a token.", {
    field: "authorization",
    remedy: "Set DRIFTLINE_TOKEN, or send the header Authorization: Bearer <token>.",
  }),
  403: problem("forbidden", 'The Origin header says "https://example.org": a page from there asked.', {
    field: "origin",
    remedy: "Ask without a browser, or name the page's host in server.allowedHosts.",
  }),
  413: problem("too_large", "The body of the request is too large.", {
    field: "body",
    remedy: "Send at most 1 MiB.",
  }),
  415: problem("unsupported_media_type", "The body of the request is not JSON.", {
    field: "content-type",
    remedy: "Send JSON with the header Content-Type: application/json.",
  }),
  416: problem("invalid_range", "card.md has 812 bytes; the range bytes=900- has none of them.", {
    field: "range",
  }),
  431: problem("large_headers", "The request has 120 headers.", {
    field: "headers",
    remedy: "Send at most 100.",
  }),
  500: problem(
    "internal",
    "Something failed in the server; its log has it under 0b9c1c1e-8f39-4d5a-9a63-0f0f6f6f2f11.",
    { remedy: "Ask again; if it stays, give whoever runs the server this number." },
  ),
  503: problem("busy", "512 requests are being answered, as many as this server takes at a time.", {
    remedy: "Ask again after the time that Retry-After gives.",
  }),
};

const campaigns = campaignExamples(asked, model.bundle);

export const examples: Record<string, Example> = {
  ...campaigns.operations,
  resolveRun: { responses: { 200: hit, 404: missProblem, 409: underLock } },
  retireModel: {
    request: { reason: "gain map was wrong" },
    responses: {
      200: { ...model, serving: false, retired: "gain map was wrong", locks: 1, samples: 1 },
      404: unknownModel,
      409: underLock,
    },
  },
  recallModel: {
    responses: {
      200: {
        bundle: model.bundle,
        retired: null,
        locks: [campaigns.registered],
        samples: [campaigns.record],
      },
      404: unknownModel,
      409: underLock,
    },
  },
  pushModel: {
    responses: {
      200: model,
      202: job,
      404: unknownFamily,
      409: problem(
        "refused",
        "The model did not pass validation: wasserstein is 0.14, allowed is at most 0.1.",
        {
          remedy: "Look at the report (`driftline jobs JOB --report FILE`).",
          data: { job: "17", verdict, report: null },
        },
      ),
    },
  },
  getReport: { responses: { 200: "<!doctype html>…", 404: unknownJob } },
  health: { responses: { 200: { status: "ok", version: "0.1.0" } } },
  readiness: { responses: { 200: { status: "ready", version: "0.1.0" } } },
  metrics: { responses: { 200: 'driftline_jobs{state="running"} 1\n' } },
  listFamilies: { responses: { 200: { families: [family] } } },
  getFamily: { responses: { 200: family, 404: unknownFamily } },
  resolve: { request: askHit, responses: { 200: hit, 404: missProblem } },
  resolveByQuery: { responses: { 200: hit, 404: missProblem } },
  ensure: {
    request: { conditions: { drift_velocity: "6.20 cm/us" } },
    responses: {
      200: hit,
      202: job,
      404: unknownFamily,
      409: problem("refused", "The model did not pass: wasserstein 0.14, at most 0.1.", {
        remedy: "--retry trains again with the next seed.",
        data: { job: "17", verdict, report: null },
      }),
    },
  },
  listModels: { responses: { 200: { models: [model], next: null }, 404: unknownModel } },
  getModel: { responses: { 200: model, 404: unknownModel } },
  getManifest: { responses: { 404: unknownModel } },
  getFile: { responses: { 404: unknownModel } },
  getBundleTar: { responses: { 404: unknownModel } },
  listJobs: { responses: { 200: { jobs: [job], next: null }, 404: unknownJob } },
  getJob: { responses: { 200: job, 404: unknownJob } },
  cancelJob: { responses: { 200: { ...job, state: "cancelled" }, 404: unknownJob } },
  jobEvents: {
    responses: {
      200: `id: 42\ndata: ${JSON.stringify(event)}\n\nevent: end\ndata: {"state":"published"}\n\n`,
      404: unknownJob,
    },
  },
};
