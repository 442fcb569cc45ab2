// A snapshot as a catalogue: the Driftline interface on a directory that nobody writes to.

import type { z } from "zod";
import {
  type Driftline,
  type FamilySummary,
  type Hit,
  type Miss,
  type Model,
  type Resolution,
  type ResolveRequest,
  resolveRequest,
} from "../api.ts";
import { noCampaigns } from "../campaigns.ts";
import { DriftlineError } from "../error.ts";
import { newestFirst } from "../listing.ts";
import { type Lock, parseLock } from "../lock/lock.ts";
import { type RunTable, runTable } from "../lock/runTable.ts";
import type { Question } from "../question/family.ts";
import { nearestName } from "../question/nearestName.ts";
import { canonicalQuestion } from "../question/question.ts";
import { differences } from "../resolution/differences.ts";
import { missReason } from "../resolution/missReason.ts";
import { type Candidate, type Found, searchColumns } from "../resolution/search.ts";
import { openBlob, readBlob, readJson } from "./blobs.ts";
import { boxesOf, modelOf, modelOfLine, type ReadFamily, readFamily, readManifestBlob } from "./family.ts";
import { findModel } from "./findModel.ts";
import type { Ref, SnapshotRoot } from "./format.ts";
import { openSnapshot } from "./root.ts";

export interface SnapshotTagView {
  name: string;
  frozen: boolean;
  runs(): Promise<RunTable>;
  /** Each checked against its own digest. */
  locks(): Promise<Lock[]>;
}

export interface SnapshotDriftline extends Driftline {
  /** Of the root: name it where a job must read this very snapshot and no other. */
  readonly digest: string;
  readonly root: SnapshotRoot;
  readonly tags: SnapshotTagView[];
}

/**
 * Opens the snapshot that `directory` holds now, and answers from it for good, whatever is published there meanwhile.
 * @param options.digest the digest that it must have
 * Throws `usage` where there is none, `damaged` where its bytes are not what they were. Families, indices and models are
 * read when they are asked for, and checked then.
 */
export async function connectSnapshot(
  directory: string,
  options: { digest?: string } = {},
): Promise<SnapshotDriftline> {
  const { digest, root } = await openSnapshot(directory);
  if (options.digest !== undefined && options.digest !== digest) {
    throw new DriftlineError("usage", `${directory} holds snapshot ${digest}, not ${options.digest}.`, {
      field: "snapshot",
      remedy: "Another one was published there: name the new digest, or the directory of the old one.",
    });
  }
  // Of several versions of a family the last is the highest: it is the one that is asked.
  const families = new Map(root.families.map((entry) => [entry.name, readFamily(directory, entry)]));

  function family(name: string): ReadFamily {
    const found = families.get(name);
    if (found) return found;
    const nearest = nearestName(name, [...families.keys()]);
    throw new DriftlineError("unknown_family", `The snapshot has no family ${JSON.stringify(name)}.`, {
      field: "family",
      remedy: `${nearest ? `Did you mean ${nearest}? ` : ""}Families here: ${[...families.keys()].join(", ") || "none"}.`,
    });
  }

  async function resolve(name: string, request: ResolveRequest): Promise<Resolution> {
    const { conditions, software, accept } = checked(request);
    const of = family(name);
    const { asked, file } = await of.definition();
    const question = canonicalQuestion(asked, { conditions, software });
    const line = (await of.index()).find(question.key);
    if (line !== null) {
      const read = await readManifestBlob(directory, line.bundle, question.key);
      return hit("exact", 0, question, modelOf(read, line), read.manifest.domain, []);
    }
    const { columns, byBundle } = await of.models();
    const found = searchColumns(columns, question, 3);
    const near = ({ bundle, distance }: Candidate) => {
      const has = byBundle.get(bundle)!;
      const differing = differences(question, asked, has, { conditions: boxesOf(has.domain) });
      return { model: modelOfLine(has, of.entry), distance, differences: differing };
    };
    if (accept === "compatible" && found.fitting) {
      const { model, distance, differences: differing } = near(found.fitting);
      const { manifest } = await readManifestBlob(directory, model.bundle, model.key);
      return hit("compatible", distance ?? 0, question, model, manifest.domain, differing);
    }
    return missOf(question, accept, found, found.nearest.map(near), fallbackOf(file.simulator, question));
  }

  return {
    digest,
    root,
    tags: root.tags.map(({ name, frozen, runs, locks }) => ({
      name,
      frozen,
      runs: () => readJson(directory, runs, runTable, `the runs of ${name}`),
      locks: () => Promise.all(locks.map((lock) => readLockBlob(directory, lock, name))),
    })),
    async families() {
      const all: FamilySummary[] = [];
      for (const { entry, definition } of families.values()) {
        const { format: _, simulator: __, ...described } = (await definition()).file;
        all.push({ ...described, models: entry.count });
      }
      return all;
    },
    resolve,
    async ensure(name, { conditions, software, accept, ...choices }) {
      if (Object.values(choices).some((choice) => choice !== undefined && choice !== false)) {
        throw readOnly();
      }
      const resolution = await resolve(name, { conditions, software, accept });
      if (resolution.found) return { model: resolution, job: null };
      throw new DriftlineError("no_model", `Ensuring a model of ${name}: ${resolution.reason}`, {
        remedy: "A snapshot makes no models: make it in the catalogue, and publish the snapshot again.",
        data: { ...resolution },
      });
    },
    async *models({ family, after } = {}) {
      const all: Model[] = [];
      for (const each of families.values()) {
        if (family !== undefined && each.entry.name !== family) continue;
        all.push(...(await each.models()).lines.map((line) => modelOfLine(line, each.entry)));
      }
      yield* newestFirst(all, after);
    },
    async model(prefix) {
      const { bundle, line } = await findModel(directory, families.values(), prefix);
      return modelOf(await readManifestBlob(directory, bundle, line?.key ?? null), line);
    },
    async manifest(prefix) {
      const { bundle, line } = await findModel(directory, families.values(), prefix);
      return (await readManifestBlob(directory, bundle, line?.key ?? null)).bytes;
    },
    async file(prefix, path) {
      const { bundle, line } = await findModel(directory, families.values(), prefix);
      const { manifest } = await readManifestBlob(directory, bundle, line?.key ?? null);
      const entry = manifest.files.find((file) => file.path === path);
      if (entry) return openBlob(directory, entry, `${path} of ${bundle.slice(0, 12)}`);
      throw new DriftlineError("unknown_file", `Bundle ${bundle} has no file ${path}.`, {
        field: "path",
        remedy: `It has ${manifest.files.map((file) => file.path).join(", ")}.`,
      });
    },
    // biome-ignore lint/correctness/useYield: there are none
    async *jobs({ after } = {}) {
      if (after !== undefined) throw noJob(after);
    },
    job: async (id) => {
      throw noJob(id);
    },
    // biome-ignore lint/correctness/useYield: there are no events
    async *events(id) {
      throw noJob(id);
    },
    cancel: async (id) => {
      throw noJob(id);
    },
    report: async (id) => {
      throw noJob(id);
    },
    push: async () => {
      throw new DriftlineError("read_only", "A snapshot takes no bundles.", { remedy: elsewhere });
    },
    campaigns: noCampaigns("A snapshot keeps no campaigns.", elsewhere),
    close: async () => {},
  };
}

export async function readLockBlob(directory: string, name: Ref, tag: string): Promise<Lock> {
  const what = `a lock of ${tag}`;
  return parseLock(await readBlob(directory, name, what), what);
}

function hit(
  match: Hit["match"],
  distance: number,
  question: Question,
  model: Model,
  { conditions, inputs }: Hit["domain"],
  differing: Hit["differences"],
): Hit {
  const domain = { conditions, inputs };
  return { found: true, match, distance, question, model, domain, differences: differing };
}

function missOf(
  question: Question,
  accept: "exact" | "compatible",
  found: Found,
  nearest: Miss["nearest"],
  fallback: string | null,
): Miss {
  return {
    found: false,
    question,
    reason: missReason(question, accept, found, { withdrawn: null, otherVersions: [] }),
    nearest: nearest.map((near) => ({ ...near, distance: finite(near.distance) })),
    job: null,
    fallback,
  };
}

function finite(distance: number | null): number | null {
  return distance !== null && Number.isFinite(distance) ? distance : null;
}

function fallbackOf(simulator: string | null, { software }: Question): string | null {
  return software.simulator === undefined || software.simulator === simulator ? simulator : null;
}

/** A request with its defaults. Throws `usage` naming the member. */
function checked(request: ResolveRequest): z.output<typeof resolveRequest> {
  const { success, data, error } = resolveRequest.safeParse(request);
  if (!success) {
    const [issue] = error.issues;
    const field = issue.path.join(".");
    throw new DriftlineError("usage", `Asking for a model: ${field} ${issue.message}.`, {
      field,
      remedy: "docs/http.md has what a question may hold.",
    });
  }
  // The schema passes over a name such as __proto__; what a family has no condition for must not be ignored.
  return { ...data, conditions: request.conditions ?? {}, software: request.software ?? {} };
}

const elsewhere = "Ask a server (--url) or a data directory (--data-dir).";

function readOnly(): DriftlineError {
  return new DriftlineError("read_only", "A snapshot makes no models, so nothing can be said of how.", {
    remedy: elsewhere,
  });
}

function noJob(id: string): DriftlineError {
  return new DriftlineError(
    "unknown_job",
    `There are no jobs in a snapshot, so none is ${JSON.stringify(id)}.`,
    {
      field: "id",
      remedy: elsewhere,
    },
  );
}
