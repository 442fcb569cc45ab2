// A Driftline in memory with one real bundle on disk, to test the server and its clients with.

import { createReadStream } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type {
  Driftline,
  EnsureRequest,
  Job,
  JobEvent,
  Model,
  Resolution,
  ResolveRequest,
  Verdict,
} from "@driftline/client/api";
import { noCampaigns } from "@driftline/client/campaigns";
import type { ContractSubject } from "@driftline/client/testing/contract";
import { tinyColumns, tinyQuestion, writeTinyBundle } from "@driftline/client/testing/tinyBundle";
import { fail } from "../errors/registry.ts";
import type { Family } from "../family/family.ts";
import { canonicalQuestion } from "../family/question.ts";
import { makeFamily, makeInput } from "../family/testing.ts";

const velocity = {
  description: "Drift velocity",
  unit: "cm/us",
  nominal: "5.5",
  grid: "0.01",
  tolerance: "0.05",
};

export const tinyFamily = makeFamily({
  name: tinyQuestion.family,
  version: tinyQuestion.familyVersion,
  title: "Tiny",
  description: "A family for tests",
  conditions: [
    { kind: "quantity", name: "drift_velocity", ...velocity, minimum: "3", maximum: "8" },
    { kind: "label", name: "gas", description: "Gas", values: null, nominal: tinyQuestion.conditions.gas },
  ],
  software: [{ name: "simulator", description: "What made the responses", nominal: "tiny/1" }],
  inputs: tinyColumns.map(({ name, unit, low, high }) => ({
    ...makeInput(name, unit, low, high),
    integer: name === "pad_row",
  })),
});

const refusedVerdict: Verdict = {
  passed: false,
  gates: [
    {
      metric: "wasserstein",
      at: "nominal",
      value: 0.3,
      interval: [0.28, 0.32],
      floor: 0.01,
      maximum: 0.1,
      passed: false,
    },
  ],
};

export interface MemoryDriftline extends Driftline {
  readonly bundle: string;
  /** Adds an event to a job, as a worker does. */
  emit(id: string, event: Partial<JobEvent>): void;
  /** What calls of `families` and the others throw from now on; undefined for nothing. */
  failure: unknown;
}

/**
 * A family with the tiny bundle, written to `directory`, for its nominal conditions. The family has a condition
 * drift_velocity. Jobs publish after 6 events of 5 ms, or go on for ever with hyperparameters.endless.
 */
export async function memoryDriftline(directory: string, family = tinyFamily): Promise<MemoryDriftline> {
  const nominal = canonicalQuestion(family, {});
  const { digest, manifest } = await writeTinyBundle(join(directory, "published"), {
    change(manifest) {
      const { key, conditions, software } = nominal;
      Object.assign(manifest, {
        key,
        family: family.name,
        familyVersion: family.version,
        conditions,
        software,
      });
    },
  });
  const { canonical: _, defaulted: __, ...asked } = nominal;
  const published: Model = {
    bundle: digest,
    recipeHash: manifest.recipeHash,
    ...asked,
    dataSource: "simulator",
    createdAt: "2026-01-01T00:00:00.000Z",
    serving: true,
    size: manifest.files.reduce((sum, { size }) => sum + size, 0),
  };
  const jobs = new Map<string, { job: Job; events: JobEvent[]; changed: PromiseWithResolvers<void> }>();

  function known(name: string): Family {
    if (name === family.name) return family;
    throw fail("unknown_family", `There is no family ${JSON.stringify(name)}.`, {
      field: "family",
      remedy: `Families here: ${family.name}.`,
    });
  }

  function entry(id: string) {
    const found = jobs.get(id);
    if (found !== undefined) return found;
    throw fail("unknown_job", `There is no job ${id}.`, {
      field: "id",
      remedy: "`driftline jobs` lists them.",
    });
  }

  function model(prefix: string): Model {
    if (prefix.length >= 8 && digest.startsWith(prefix)) return published;
    throw fail("unknown_model", `There is no model ${prefix}.`, {
      field: "digest",
      remedy: "`driftline models` lists them.",
    });
  }

  async function resolve(name: string, request: ResolveRequest): Promise<Resolution> {
    const { conditions = {}, software = {}, accept = "exact" } = request;
    const question = canonicalQuestion(known(name), { conditions, software });
    const [asked, has] = [question.conditions.drift_velocity, published.conditions.drift_velocity];
    const distance = Math.round(Math.abs(Number(asked) - Number(has)) * 1e9) / 1e9 / 0.05;
    const fits = distance <= 1 && question.conditions.gas === published.conditions.gas;
    const difference = {
      name: "drift_velocity",
      asked,
      has,
      unit: "cm/us",
      distance,
      domain: { low: 5.45, high: 5.55 },
      fits,
      reason: fits ? "inside the measured domain" : `${asked} cm/us is outside 5.45 to 5.55 cm/us`,
    };
    const exact = question.key === published.key;
    if (exact || (accept === "compatible" && fits)) {
      const match = exact ? "exact" : "compatible";
      const differences = exact ? [] : [difference];
      return {
        found: true,
        match,
        distance,
        question,
        model: published,
        domain: manifest.domain,
        differences,
      };
    }
    const running = [...jobs.values()].find(
      ({ job }) => job.question.key === question.key && job.state === "running",
    );
    return {
      found: false,
      question,
      reason: `No model of ${name} for drift_velocity ${asked} cm/us.`,
      nearest: [{ model: published, distance, differences: [difference] }],
      job: running?.job.id ?? null,
      fallback: null,
    };
  }

  function emit(id: string, event: Partial<JobEvent>): void {
    const { job, events, changed } = entry(id);
    events.push({
      seq: events.length + 1,
      time: new Date().toISOString(),
      type: "progress",
      stage: "train",
      state: null,
      fraction: null,
      secondsLeft: null,
      message: null,
      figures: {},
      ...event,
    });
    if (event.type === "state") job.state = event.state as Job["state"];
    entry(id).changed = Promise.withResolvers();
    changed.resolve();
  }

  async function work(id: string): Promise<void> {
    for (let step = 0; step < 6; step++) {
      await sleep(5);
      if (entry(id).job.state !== "running") return;
      emit(id, { fraction: step / 6, message: `epoch ${step}`, figures: { loss: 1 / (step + 1) } });
    }
    entry(id).job.bundle = digest;
    emit(id, { type: "state", state: "published", stage: null });
  }

  const self: MemoryDriftline = {
    bundle: digest,
    emit,
    failure: undefined,
    async families() {
      if (self.failure !== undefined) throw self.failure;
      const { name, version, title, description, conditions, software, inputs, output } = family;
      const none = { unit: null, grid: null, tolerance: null, minimum: null, maximum: null, values: null };
      return [
        {
          ...{ name, version, title, description, software, models: 1 },
          conditions: conditions.map(({ kind: _, ...condition }) => ({ ...none, ...condition })),
          inputs: inputs.map(({ integer: _, ...input }) => input),
          output: { name: output.name, unit: output.unit, shape: output.axes.map(({ size }) => size) },
        },
      ];
    },
    resolve,
    async ensure(name: string, request: EnsureRequest) {
      const resolution = await resolve(name, request);
      if (resolution.found) return { model: resolution, job: null };
      const { question } = resolution;
      if (question.conditions.drift_velocity === "4") {
        throw fail("refused", "The model of this recipe did not pass: wasserstein 0.3, at most 0.1.", {
          remedy: "--retry trains again with the next seed.",
          data: { job: "0", verdict: refusedVerdict, report: null },
        });
      }
      if (resolution.job !== null) return { model: null, job: structuredClone(entry(resolution.job).job) };
      const id = String(jobs.size + 1);
      const time = new Date().toISOString();
      const job: Job = {
        id,
        question,
        recipeHash: published.recipeHash,
        dataSource: "simulator",
        warmStart: null,
        state: "queued",
        stages: [],
        attempt: 1,
        retry: null,
        createdAt: time,
        updatedAt: time,
        bundle: null,
        verdict: null,
        report: null,
        error: null,
      };
      jobs.set(id, { job, events: [], changed: Promise.withResolvers() });
      emit(id, { type: "state", state: "running", stage: null });
      if (request.hyperparameters?.endless !== true) void work(id);
      return { model: null, job: structuredClone(job) };
    },
    async *models({ family, after } = {}) {
      if (after !== undefined) model(after);
      else if (family === undefined || family === published.family) yield published;
    },
    model: async (prefix) => model(prefix),
    manifest: async (prefix) => {
      model(prefix);
      return readFile(join(directory, "published", "bundle.json"));
    },
    async file(prefix, path) {
      model(prefix);
      if (!manifest.files.some((file) => file.path === path)) {
        throw fail("unknown_file", `Bundle ${prefix} has no file ${path}.`, { field: "path" });
      }
      return ReadableStream.from(createReadStream(join(directory, "published", path)));
    },
    async *jobs({ after } = {}) {
      const ids = [...jobs.keys()].reverse();
      if (after !== undefined) ids.splice(0, ids.indexOf(entry(after).job.id) + 1);
      for (const id of ids) yield structuredClone(entry(id).job);
    },
    job: async (id) => structuredClone(entry(id).job),
    async *events(id, { after = 0, signal } = {}) {
      const aborted = new Promise<void>((resolve) => signal?.addEventListener("abort", () => resolve()));
      for (let last = after; !signal?.aborted; ) {
        const { events, job, changed } = entry(id);
        const next = events.find(({ seq }) => seq > last);
        if (next !== undefined) {
          last = next.seq;
          yield next;
        } else if (job.state !== "running") return;
        else await Promise.race([changed.promise, aborted]);
      }
    },
    async cancel(id) {
      if (entry(id).job.state === "running") emit(id, { type: "state", state: "cancelled", stage: null });
      return structuredClone(entry(id).job);
    },
    async report(id) {
      if (entry(id).job.state === "published") return new TextEncoder().encode("<!doctype html><p>A report");
      throw fail("unknown_file", `Job ${id} has no report.`, { field: "job", remedy: "Wait for it." });
    },
    async push(tar) {
      if (self.failure !== undefined) throw self.failure;
      for await (const _ of tar.open());
      return { model: published, job: null };
    },
    campaigns: noCampaigns("The memory Driftline keeps no campaigns.", "Ask another."),
    close: async () => {},
  };
  return self;
}

/** The memory Driftline as a subject of the contract, seen through `view`: itself, or a client of a server of it. */
export async function memorySubject(
  view: (memory: MemoryDriftline) => Promise<{ driftline: Driftline; close(): Promise<void> }>,
): Promise<ContractSubject & { memory: MemoryDriftline }> {
  const directory = await mkdtemp(join(tmpdir(), "driftline-memory-"));
  const memory = await memoryDriftline(directory);
  const { driftline, close } = await view(memory);
  return {
    memory,
    driftline,
    family: tinyFamily.name,
    published: {},
    bundle: memory.bundle,
    near: { conditions: { drift_velocity: "5.53 cm/us" } },
    missing: { conditions: { drift_velocity: "6.2 cm/us" } },
    outOfRange: { drift_velocity: "9 cm/us" },
    making: { conditions: { drift_velocity: "6.5 cm/us" } },
    endless: { conditions: { drift_velocity: "7 cm/us" }, hyperparameters: { endless: true } },
    refused: { conditions: { drift_velocity: "4 cm/us" } },
    async close() {
      await close();
      await rm(directory, { recursive: true });
    },
  };
}
