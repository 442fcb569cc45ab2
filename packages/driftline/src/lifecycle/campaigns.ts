// From runs to models: what a run's conditions resolve to, now or at a time, and the lock of a whole tag.

import type { Driftline, Hit, Resolution } from "@driftline/client/api";
import { bundleManifest } from "@driftline/client/bundle";
import { type Lock, type LockedRange, lockFormat, sealLock } from "@driftline/client/lock/lock";
import type { RunRange, RunTable } from "@driftline/client/lock/runTable";
import { fail } from "../errors/registry.ts";
import type { Family, Question } from "../family/family.ts";
import { canonicalQuestion } from "../family/question.ts";
import type { Store } from "./openStore.ts";

export type Accept = "exact" | "compatible";
/** What of a platform it takes. */
export interface Catalogued {
  opened: Store;
  family(name: string): Family;
  resolve: Driftline["resolve"];
}

/** What a run asks of a family: of its conditions those that the family has, the others being nominal. */
export function runRequest(
  family: Family,
  { conditions, software }: Pick<RunRange, "conditions" | "software">,
) {
  const of = (values: Record<string, string>, names: { name: string }[]) =>
    Object.fromEntries(Object.entries(values).filter(([name]) => names.some((each) => each.name === name)));
  return { conditions: of(conditions, family.conditions), software: of(software, family.software) };
}

/** What serves a run of a tag. Throws `unknown_tag`, `unknown_run`. */
export async function resolveRun(
  platform: Catalogued,
  familyName: string,
  at: { tag: string; run: number; accept: Accept; asOf: string | null },
): Promise<Resolution> {
  const family = platform.family(familyName);
  const { catalogue } = platform.opened;
  const range = await catalogue.campaigns.run(at.tag, at.run);
  const request = runRequest(family, range);
  if (at.asOf === null) return platform.resolve(familyName, { ...request, accept: at.accept });
  const question = canonicalQuestion(family, request);
  const served = await catalogue.servedAt(question.key, at.asOf);
  if (served !== null) return exactHit(platform, question, served.bundle);
  const reason = `At ${at.asOf} no model served exactly these conditions.`;
  return { found: false, question, reason, nearest: [], job: null, fallback: null };
}

async function exactHit(
  { opened: { catalogue } }: Catalogued,
  question: Question,
  bundle: string,
): Promise<Hit> {
  const manifest = bundleManifest.parse(
    JSON.parse(new TextDecoder().decode(await catalogue.manifest(bundle))),
  );
  const { conditions, inputs } = manifest.domain;
  const model = await catalogue.model(bundle);
  return {
    found: true,
    match: "exact",
    distance: 0,
    question,
    model,
    domain: { conditions, inputs },
    differences: [],
  };
}

export interface LockRequest {
  tag: string;
  /** Names; where it is empty the one family that the table's names belong to. */
  families: string[];
  accept: Accept;
}

interface Missing {
  family: string;
  question: Question;
  ranges: RunRange[];
  reason: string;
}

/**
 * Resolves every range of a tag for every family, and registers the lock. Throws `no_model`, naming runs and remedy,
 * where something is missing; no lock is made then.
 */
export async function makeLock(platform: Catalogued, request: LockRequest): Promise<Lock> {
  const { catalogue } = platform.opened;
  const { table, content } = await catalogue.campaigns.tag(request.tag);
  const families = chooseFamilies(platform, table, request.families);
  const ranges: LockedRange[] = [];
  const missing: Missing[] = [];
  for (const family of families) {
    const byKey = new Map<string, { question: Question; ranges: RunRange[] }>();
    for (const range of table.ranges) {
      const question = canonicalQuestion(family, runRequest(family, range));
      const known = byKey.get(question.key) ?? { question, ranges: [] };
      byKey.set(question.key, { ...known, ranges: [...known.ranges, range] });
    }
    for (const { question, ranges: asking } of byKey.values()) {
      const { conditions, software } = question;
      const { accept } = request;
      const resolution = await platform.resolve(family.name, { conditions, software, accept });
      if (resolution.found) ranges.push(...asking.map((range) => locked(range, question, resolution)));
      else missing.push({ family: family.name, question, ranges: asking, reason: resolution.reason });
    }
  }
  if (missing.length > 0) throw incomplete(request, missing);
  const lock = sealLock({
    format: lockFormat,
    tag: request.tag,
    createdAt: new Date().toISOString(),
    runs: content,
    accept: request.accept,
    ranges: ranges.sort((a, b) => order(a.family, b.family) || a.firstRun - b.firstRun),
  });
  await catalogue.campaigns.registerLock(lock);
  return lock;
}

function locked(
  { firstRun, lastRun }: RunRange,
  { family, familyVersion, conditions, software, key }: Question,
  { model: { bundle }, match, distance }: Hit,
): LockedRange {
  const asked = { family, familyVersion, conditions, software, key };
  return { firstRun, lastRun, ...asked, bundle, match, distance: String(distance) };
}

/** Those that were named, or the only one whose conditions the table states. */
function chooseFamilies(platform: Catalogued, { tag, ranges }: RunTable, names: string[]): Family[] {
  if (names.length > 0) return [...new Set(names)].map(platform.family);
  const stated = new Set(ranges.flatMap(({ conditions }) => Object.keys(conditions)));
  const candidates = [...platform.opened.families.values()].filter((family) =>
    [...stated].every((name) => family.conditions.some((condition) => condition.name === name)),
  );
  if (candidates.length === 1) return candidates;
  const which = candidates.length === 0 ? "no family has all" : `${candidates.length} families have`;
  throw fail(
    "usage",
    `Locking tag ${tag}: ${which} of its conditions (${[...stated].join(", ") || "none"}).`,
    {
      field: "--family",
      remedy: `Name the families with --family: ${[...platform.opened.families.keys()].join(", ")}.`,
    },
  );
}

function incomplete({ tag, accept }: LockRequest, missing: Missing[]) {
  const lines = missing.slice(0, 10).map(({ family, question, ranges, reason }) => {
    const runs = ranges.slice(0, 5).map(({ firstRun, lastRun }) => `${firstRun}-${lastRun}`);
    const more = ranges.length > 5 ? ` and ${ranges.length - 5} more ranges` : "";
    return `  ${family}, runs ${runs.join(", ")}${more} (${question.key.slice(0, 19)}): ${reason}`;
  });
  if (missing.length > 10) lines.push(`  … and ${missing.length - 10} more models.`);
  const wider =
    accept === "exact" ? ", or accept models whose measured domain covers them with --accept compatible" : "";
  return fail(
    "no_model",
    `Locking tag ${tag}: ${missing.length} ${missing.length === 1 ? "model is" : "models are"} missing, so there is no lock.\n${lines.join("\n")}`,
    {
      field: "tag",
      remedy: `Make them with --make${wider}.`,
      data: {
        missing: missing.map(({ family, question, ranges, reason }) => ({
          family,
          key: question.key,
          conditions: question.conditions,
          software: question.software,
          reason,
          runs: ranges.map(({ firstRun, lastRun }) => ({ firstRun, lastRun })),
        })),
      },
    },
  );
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
