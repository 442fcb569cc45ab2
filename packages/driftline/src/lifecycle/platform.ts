// The platform in process: a data directory that answers every question of the Driftline interface.

import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import {
  type Driftline,
  type EnsureAnswer,
  type EnsureRequest,
  ensureRequest,
  type FamilySummary,
  type Hit,
  type Job,
  type JobEvent,
  type Miss,
  type Resolution,
  type ResolveRequest,
  resolveRequest,
} from "@driftline/client/api";
import { bundleManifest } from "@driftline/client/bundle";
import type { z } from "zod";
import type { Configuration } from "../config/configuration.ts";
import { fail } from "../errors/registry.ts";
import type { Family, Question } from "../family/family.ts";
import { nearestName } from "../family/nearestName.ts";
import { canonicalQuestion } from "../family/question.ts";
import { trainerEnvironment } from "../training/environment.ts";
import { campaignsOf } from "./campaignsOf.ts";
import { fingerprints } from "./dataFiles.ts";
import { isUnfinished } from "./jobs/jobRecord.ts";
import { openStore, type Store } from "./openStore.ts";
import { plainQuestion } from "./plainQuestion.ts";
import { planJob } from "./planJob.ts";
import { push } from "./push/push.ts";
import { planRecipe, type RecipeChoices } from "./recipe.ts";
import { type Executor, startExecutor } from "./workers/executor.ts";

export { networkFileSystem } from "../catalogue/dataDirectory.ts";

export interface Platform extends Driftline {
  readonly config: Configuration;
  readonly opened: Store;
  family(name: string): Family;
  /** As `resolve`, where a model was made for exactly these conditions as JSON: that is what a server sends. */
  resolveJson(family: string, request: ResolveRequest): Promise<Resolution | string>;
  /** How many jobs are in each state that any is in. */
  jobCounts(): Promise<Map<Job["state"], number>>;
  /** Runs jobs in this process's workers: all of them, or only one. Without it jobs wait for another process. */
  runJobs(only?: string): Executor;
}

const eventPollMs = 200;

export async function openPlatform(config: Configuration): Promise<Platform> {
  const opened = await openStore(config);
  const { families, catalogue, store } = opened;
  const executors = new Set<Executor>();

  function family(name: string): Family {
    const found = families.get(name);
    if (!found) {
      const nearest = nearestName(name, [...families.keys()]);
      throw fail("unknown_family", `There is no family ${JSON.stringify(name)}.`, {
        field: "family",
        remedy: `${nearest ? `Did you mean ${nearest}? ` : ""}Families here: ${[...families.keys()].join(", ") || "none"}.`,
      });
    }
    return found;
  }

  async function resolveJson(name: string, request: ResolveRequest): Promise<Resolution | string> {
    const { conditions, software, accept } = plainQuestion(request) ?? checked(resolveRequest, request);
    const asked = family(name);
    const question = canonicalQuestion(asked, { conditions, software });
    return (await catalogue.exactJson(question)) ?? resolveQuestion(asked, question, accept);
  }

  async function resolve(name: string, request: ResolveRequest): Promise<Resolution> {
    const { conditions, software, accept } = plainQuestion(request) ?? checked(resolveRequest, request);
    const asked = family(name);
    return resolveQuestion(asked, canonicalQuestion(asked, { conditions, software }), accept);
  }

  async function resolveQuestion(
    asked: Family,
    question: Question,
    accept: "exact" | "compatible",
  ): Promise<Resolution> {
    const resolution = await catalogue.resolve(question, asked, accept);
    if (resolution.found) return resolution;
    const unfinished = (await store.ofKey(question.key)).find((job) => isUnfinished(job.state));
    return {
      ...resolution,
      job: unfinished?.id ?? null,
      fallback: fallbackOf(asked, question),
    } satisfies Miss;
  }

  async function ensure(name: string, request: EnsureRequest): Promise<EnsureAnswer> {
    const { conditions, software, accept, retry, data, ...choices } = checked(ensureRequest, request);
    const asked = family(name);
    const question = canonicalQuestion(asked, { conditions, software });
    const pinned =
      retry || data !== undefined || Object.values(choices).some((choice) => choice !== undefined);
    if (!pinned) {
      const resolution = await resolveQuestion(asked, question, accept);
      if (resolution.found) return { model: resolution, job: null };
    }
    const environment = trainerEnvironment(config.trainerDirectory, config.python);
    const files = await fingerprints(data?.files);
    const warm = asked.training.warmStart === "nearest";
    for (let retries = 0; ; retries++) {
      const plan = planRecipe(asked, question, environment.digest, {
        ...choices,
        retries,
        ...(data && { files: files.map(({ identity }) => identity) }),
      } satisfies RecipeChoices);
      const earlier = await store.ofRecipe(plan, warm);
      const published = earlier.find(({ state, bundle }) => state === "published" && bundle !== null);
      if (published?.bundle) {
        const reason = await catalogue.retirement(published.bundle);
        if (reason !== null && retry) continue;
        if (reason !== null) throw retiredRecipe(published.bundle, reason);
        return { model: await hitOf(published.bundle, question), job: null };
      }
      const refused = earlier.find(({ state }) => state === "refused");
      if (refused && retry) continue;
      if (refused) throw refusal(refused);
      const job =
        earlier.find(({ state }) => isUnfinished(state)) ??
        (await planJob(opened, asked, {
          question,
          recipe: plan,
          environment,
          files: files.map(({ path }) => path),
          isRetry: retries > 0,
          isChosen: isChosen(choices),
        }));
      for (const executor of executors) executor.kick();
      // A job that another asker began answers how this one asked: what was left out may differ.
      return { model: null, job: { ...job, question } };
    }
  }

  async function hitOf(bundle: string, question: Question): Promise<Hit> {
    const { domain } = bundleManifest.parse(
      JSON.parse(new TextDecoder().decode(await catalogue.manifest(bundle))),
    );
    const model = await catalogue.model(bundle);
    return { found: true, match: "exact", distance: 0, question, model, domain, differences: [] };
  }

  async function* events(
    id: string,
    { after = 0, signal }: { after?: number; signal?: AbortSignal } = {},
  ): AsyncIterable<JobEvent> {
    let last = after;
    for (;;) {
      // Asked before reading events, so that none of a job that has just ended is missed.
      const { state } = await store.get(id);
      const batch = await store.events(id, last);
      for (const event of batch) {
        yield event;
        last = event.seq;
      }
      if (batch.length === 0 && !isUnfinished(state)) return;
      if (signal?.aborted) return;
      if (batch.length === 0) await sleep(eventPollMs, undefined, { signal }).catch(() => {});
    }
  }

  const self: Omit<Platform, "campaigns"> = {
    config,
    opened,
    family,
    runJobs(only) {
      const executor = startExecutor(config, store, only);
      executors.add(executor);
      return executor;
    },
    families: async () => {
      const counts = await catalogue.servingCounts();
      return [...families.values()].map((each) => summarise(each, counts.get(each.name) ?? 0));
    },
    resolve,
    resolveJson,
    ensure,
    models: (filter) => catalogue.models(filter),
    model: (digest) => catalogue.model(digest),
    manifest: (digest) => catalogue.manifest(digest),
    file: (digest, path) => catalogue.file(digest, path),
    jobs: (filter) => store.list(filter),
    jobCounts: () => store.counts(),
    job: (id) => store.get(id),
    events,
    async cancel(id) {
      const job = await store.cancel(id);
      for (const executor of executors) executor.kick();
      return job;
    },
    async report(id) {
      const { report, state } = await store.get(id);
      const found = report === null ? null : await readFile(report).catch(() => null);
      if (found !== null) return found;
      throw fail("unknown_file", `Job ${id} (${state}) has no report.`, {
        field: "job",
        remedy: isUnfinished(state)
          ? "It is written when the model has been validated."
          : "It is kept for limits.jobDays; a published model has its report in the bundle.",
      });
    },
    async push(tar, { data } = {}) {
      const answer = await push(config, opened, tar, await fingerprints(data?.files));
      if (answer.job) for (const executor of executors) executor.kick();
      return answer;
    },
    async close() {
      await Promise.all([...executors].map((executor) => executor.close()));
      await opened.close();
    },
  };
  return { ...self, campaigns: campaignsOf(self) };
}

/**
 * A request with its defaults. The server has checked its own; those of a command come as they were typed. Throws
 * `usage` naming the member.
 */
function checked<S extends z.ZodType<ResolveRequest>>(
  schema: S,
  request: z.input<S> & ResolveRequest,
): z.output<S> {
  const { success, data, error } = schema.safeParse(request);
  if (!success) {
    const [issue] = error.issues;
    const field = issue.path.join(".");
    const limit =
      "minimum" in issue
        ? `at least ${issue.minimum}`
        : "maximum" in issue
          ? `at most ${issue.maximum}`
          : null;
    throw fail("usage", `Asking for a model: ${field} ${limit ? `must be ${limit}` : issue.message}.`, {
      field,
      remedy: "`driftline ensure --help` says what may be given.",
    });
  }
  // The schema passes over a name such as __proto__; what a family has no condition for must not be ignored.
  return { ...data, conditions: request.conditions ?? {}, software: request.software ?? {} };
}

/** What makes responses while there is no model: the family's simulator, if the question asks for it. */
export function fallbackOf({ data: { simulator } }: Family, { software }: Question): string | null {
  if (simulator === null) return null;
  const name = `${simulator.name}/${simulator.version}`;
  return software.simulator === undefined || software.simulator === name ? name : null;
}

/** Whether anything was chosen that the trainer may refuse; what the family says its author has tried. */
function isChosen({ model, hyperparameters, seed }: RecipeChoices): boolean {
  return model !== undefined || hyperparameters !== undefined || seed !== undefined;
}

function refusal(job: Job): Error {
  return fail("refused", job.error?.detail ?? "The model did not pass validation.", {
    remedy: job.error?.remedy ?? "--retry trains again with the next seed.",
    data: { job: job.id, verdict: job.verdict, report: job.report },
  });
}

function retiredRecipe(bundle: string, reason: string): Error {
  return fail("refused", `Bundle ${bundle}, which this recipe made, was retired: ${reason}`, {
    remedy: "--retry trains again with the next seed.",
    data: { retired: reason },
  });
}

/** What clients are told of a family. */
export function summarise(family: Family, models: number): FamilySummary {
  return {
    name: family.name,
    version: family.version,
    title: family.title,
    description: family.description,
    conditions: family.conditions.map((condition) => {
      const quantity = condition.kind === "quantity" ? condition : null;
      return {
        name: condition.name,
        description: condition.description,
        unit: quantity?.unit ?? null,
        nominal: condition.nominal,
        grid: quantity?.grid ?? null,
        tolerance: quantity?.tolerance ?? null,
        minimum: quantity?.minimum ?? null,
        maximum: quantity?.maximum ?? null,
        values: condition.kind === "label" ? condition.values : null,
      };
    }),
    software: family.software,
    inputs: family.inputs.map(({ name, description, unit, low, high }) => ({
      name,
      description,
      unit,
      low,
      high,
    })),
    output: {
      name: family.output.name,
      unit: family.output.unit,
      shape: family.output.axes.map(({ size }) => size),
    },
    models,
  };
}
