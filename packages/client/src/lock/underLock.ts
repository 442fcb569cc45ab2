// A catalogue under a lock: it answers with the lock's bundles and with nothing else.

import type { Driftline, Hit, Miss, Model, Resolution, ResolveRequest } from "../api.ts";
import { noCampaigns } from "../campaigns.ts";
import { DriftlineError } from "../error.ts";
import { newestFirst } from "../listing.ts";
import { askedFamily } from "../question/askedFamily.ts";
import type { AskedFamily, Question } from "../question/family.ts";
import { nearestName } from "../question/nearestName.ts";
import { canonicalQuestion } from "../question/question.ts";
import { canonicalForm, parseManifest } from "../verify.ts";
import { type Lock, type LockedRange, lockedRun } from "./lock.ts";

export interface LockedDriftline extends Driftline {
  readonly lock: Lock;
  /** The bundle of a run. Throws `no_model` where the lock has none, `damaged` where it is missing or not what it was. */
  resolveRun(family: string, run: number): Promise<Hit>;
}

/**
 * Answers from `driftline` with the bundles that the lock names. A question finds a model where the lock has its key,
 * whatever serves that key now; other bundles cannot be read, and nothing is made.
 */
export function underLock(driftline: Driftline, lock: Lock): LockedDriftline {
  const bundles = [...new Set(lock.ranges.map(({ bundle }) => bundle))];
  const byKey = new Map(lock.ranges.map((range) => [range.key, range]));
  let known: Promise<Map<string, AskedFamily>> | undefined;

  async function family(name: string): Promise<AskedFamily> {
    known ??= driftline.families().then(
      (all) => new Map(all.map((each) => [each.name, askedFamily(each)])),
      (error: unknown) => {
        known = undefined;
        throw error;
      },
    );
    const families = await known;
    const found = families.get(name);
    if (found) return found;
    const nearest = nearestName(name, [...families.keys()]);
    throw new DriftlineError("unknown_family", `There is no family ${JSON.stringify(name)}.`, {
      field: "family",
      remedy: `${nearest ? `Did you mean ${nearest}? ` : ""}Families here: ${[...families.keys()].join(", ") || "none"}.`,
    });
  }

  async function hitOf(range: LockedRange, question: Question): Promise<Hit> {
    const { bundle, match, distance } = range;
    const model = await modelOf(bundle);
    const { manifest } = parseManifest(await manifestOf(bundle), bundle, { digest: bundle });
    if (match === "exact" && manifest.key !== range.key) {
      throw new DriftlineError(
        "damaged",
        `Bundle ${bundle} is for ${manifest.key}; lock ${lock.digest.slice(0, 12)} has it for ${range.key}.`,
        { field: "lock", remedy: "The lock is not one that Driftline made: make it again." },
      );
    }
    const { conditions, inputs } = manifest.domain;
    const domain = { conditions, inputs };
    return {
      found: true,
      match,
      distance: Number(distance),
      question,
      // It serves the campaign, whatever it does in the catalogue.
      model,
      domain,
      differences: [],
    };
  }

  async function modelOf(bundle: string): Promise<Model> {
    return driftline.model(bundle).catch((error: unknown) => {
      throw missing(error, bundle);
    });
  }

  async function manifestOf(bundle: string): Promise<Uint8Array> {
    return driftline.manifest(bundle).catch((error: unknown) => {
      throw missing(error, bundle);
    });
  }

  /** A bundle that the lock promises and the catalogue does not have is a loss, not a wrong question. */
  function missing(error: unknown, bundle: string): unknown {
    if (!(error instanceof DriftlineError) || error.code !== "unknown_model") return error;
    return new DriftlineError(
      "damaged",
      `Lock ${lock.digest.slice(0, 12)} of tag ${lock.tag} needs bundle ${bundle}, which is not there: ${error.message}`,
      {
        field: "lock",
        remedy: "Bring the bundle back: `driftline restore`, or `driftline push` from another catalogue.",
        cause: error,
      },
    );
  }

  async function resolve(name: string, request: ResolveRequest): Promise<Resolution> {
    const question = canonicalQuestion(await family(name), request);
    const range = byKey.get(question.key);
    if (range?.family === name) return hitOf(range, question);
    return {
      found: false,
      question,
      reason: `Lock ${lock.digest.slice(0, 12)} of tag ${lock.tag} has no model for these conditions, and nothing else is used.`,
      nearest: [],
      job: null,
      fallback: null,
    } satisfies Miss;
  }

  /** The whole digest of a bundle of the lock. */
  function inLock(prefix: string): string {
    const found = bundles.filter((bundle) => bundle.startsWith(prefix));
    if (found.length === 1 && prefix.length >= 8) return found[0];
    throw new DriftlineError(
      "unknown_model",
      `Lock ${lock.digest.slice(0, 12)} of tag ${lock.tag} has no bundle ${prefix}, and nothing else is used.`,
      {
        field: "model",
        remedy: "Ask without the lock, or name a bundle of it.",
        data: { nearest: bundles.slice(0, 3) },
      },
    );
  }

  return {
    lock,
    async resolveRun(name, run) {
      const range = lockedRun(lock, name, run);
      return hitOf(range, {
        family: name,
        familyVersion: range.familyVersion,
        conditions: range.conditions,
        software: range.software,
        defaulted: [],
        canonical: canonicalForm(range),
        key: range.key,
      });
    },
    families: () => driftline.families(),
    resolve,
    async ensure(name, { conditions, software, ...choices }) {
      const { accept: _, ...wishes } = choices;
      if (Object.values(wishes).some((wish) => wish !== undefined && wish !== false)) {
        throw new DriftlineError("read_only", "Under a lock no model is made.", {
          remedy: "Ask without the lock.",
        });
      }
      const resolution = await resolve(name, { conditions, software });
      if (resolution.found) return { model: resolution, job: null };
      throw new DriftlineError("no_model", `Ensuring a model of ${name}: ${resolution.reason}`, {
        remedy: "Ask without the lock, or make another lock with `driftline lock`.",
        data: { ...resolution },
      });
    },
    async *models({ family, after } = {}) {
      const all = await Promise.all(bundles.map(modelOf));
      yield* newestFirst(
        all.filter((model) => family === undefined || model.family === family),
        after,
      );
    },
    model: async (prefix) => modelOf(inLock(prefix)),
    manifest: async (prefix) => manifestOf(inLock(prefix)),
    file: async (prefix, path) => driftline.file(inLock(prefix), path),
    jobs: (filter) => driftline.jobs(filter),
    job: (id) => driftline.job(id),
    events: (id, options) => driftline.events(id, options),
    cancel: (id) => driftline.cancel(id),
    report: (id) => driftline.report(id),
    push: async () => {
      throw new DriftlineError("read_only", "Under a lock no bundle is taken.", {
        remedy: "Ask without the lock.",
      });
    },
    campaigns: noCampaigns("Under a lock there are no other campaigns.", "Ask without the lock."),
    close: () => driftline.close(),
  };
}
