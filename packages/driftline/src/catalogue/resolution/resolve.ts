// Resolution: the model that serves a question's key, or one whose measured domain holds it, or why there is none.

import type { Difference, Hit, Miss, Model, Resolution } from "@driftline/client/api";
import { differences } from "@driftline/client/resolution/differences";
import { missReason } from "@driftline/client/resolution/missReason";
import type { Candidate, Found } from "@driftline/client/resolution/search";
import { type Kysely, sql } from "kysely";
import type { Family, Question } from "../../family/family.ts";
import type { Database } from "../database.ts";
import type { Domain } from "../manifest.ts";
import { modelColumns, toModel } from "../records.ts";
import type { BundleRow, CatalogueTables } from "../tables.ts";
import { searchIndex } from "./searchIndex.ts";

/**
 * Makes the function that answers questions from the catalogue.
 * `exact` costs one point query; `compatible` and a miss one pass over the family's models in memory.
 * `job` and `fallback` of a miss are null: the caller knows them.
 */
export function resolver(database: Database<CatalogueTables>) {
  const { db } = database;
  const newestBinding = newestBindingQuery(database);
  const index = searchIndex(db);

  async function resolve(
    question: Question,
    family: Family,
    accept: "exact" | "compatible",
  ): Promise<Resolution> {
    const newest = await newestBinding(question.key);
    if (newest?.action === "serve") {
      return hit(
        "exact",
        question,
        0,
        modelOf(question, newest),
        JSON.parse(newest.domain_json) as Domain,
        [],
      );
    }
    const searched = await index.search(family, question, 3);
    const { fitting, nearest } = searched;
    const wanted = accept === "compatible" && fitting ? [fitting] : nearest;
    const found = await withModels(db, wanted);
    if (accept === "compatible" && fitting) {
      const [{ model, domain }] = found;
      const differing = differences(question, family, model, domain);
      return hit("compatible", question, fitting.distance ?? 0, model, domain, differing);
    }
    return {
      found: false,
      question,
      reason: await reasonOf(db, question, accept, newest, searched),
      nearest: found.map(({ model, domain, distance }) => ({
        model,
        // JSON has no infinity; a condition without tolerance is as good as a label.
        distance: distance !== null && Number.isFinite(distance) ? distance : null,
        differences: differences(question, family, model, domain),
      })),
      job: null,
      fallback: null,
    } satisfies Miss;
  }

  /** What `resolve` gives where a model was made for exactly this question, as JSON; null elsewhere. */
  async function exactJson(question: Question): Promise<string | null> {
    const newest = await newestBinding(question.key);
    return newest?.action === "serve" ? hitJson(question, newest) : null;
  }

  /** The serving models of the family nearest to a question: fewest differing labels and versions first, then by distance. */
  async function nearest(question: Question, family: Family, count: number): Promise<Candidate[]> {
    return (await index.search(family, question, count)).nearest;
  }

  return { resolve, exactJson, nearest };
}

function hit(
  match: Hit["match"],
  question: Question,
  distance: number,
  model: Model,
  domain: Domain,
  differing: Difference[],
): Hit {
  return { found: true, match, distance, question, model, domain, differences: differing };
}

/**
 * The newest binding of a key with its bundle. Compiled once: building the query costs more than running it. Only
 * columns that the question doesn't hold already: ten more would double the time.
 */
function newestBindingQuery({ db, first }: Database<CatalogueTables>) {
  const compiled = db
    .selectFrom("bindings")
    .innerJoin("bundles", "bundles.digest", "bindings.bundle")
    .select(["bindings.action", "bindings.bundle as digest", "bundles.recipe_hash", "bundles.data_source"])
    .select(["bundles.size", "bundles.created_at", "bundles.domain_json"])
    .where("bindings.key", "=", "")
    .orderBy("bindings.id", "desc")
    // A bound limit makes SQLite prepare the statement anew at each call: 11 us more.
    .limit(sql.lit(1))
    .compile();
  return (key: string): Promise<NewestBinding | undefined> => first({ ...compiled, parameters: [key] });
}

type NewestBinding = Pick<
  BundleRow,
  "digest" | "recipe_hash" | "data_source" | "size" | "created_at" | "domain_json"
> & { action: string };

/** A model that serves exactly this question: the key says that family, conditions and software are the same. */
function modelOf({ key, family, familyVersion, conditions, software }: Question, row: NewestBinding): Model {
  return {
    bundle: row.digest,
    key,
    recipeHash: row.recipe_hash,
    family,
    familyVersion,
    conditions,
    software,
    dataSource: row.data_source as Model["dataSource"],
    createdAt: row.created_at,
    serving: true,
    size: Number(row.size),
  };
}

/** The JSON of an exact hit. The domain is JSON already: parsing and writing it again would cost as much as finding it. */
function hitJson(question: Question, row: NewestBinding): string {
  const { family, familyVersion, defaulted, canonical, key } = question;
  const asked = `"family":${JSON.stringify(family)},"familyVersion":${familyVersion},"conditions":${JSON.stringify(question.conditions)},"software":${JSON.stringify(question.software)}`;
  return (
    `{"found":true,"match":"exact","distance":0,"question":{${asked},"defaulted":${JSON.stringify(defaulted)},` +
    `"canonical":${JSON.stringify(canonical)},"key":"${key}"},"model":{"bundle":"${row.digest}","key":"${key}",` +
    `"recipeHash":"${row.recipe_hash}",${asked},"dataSource":"${row.data_source}","createdAt":"${row.created_at}",` +
    `"serving":true,"size":${row.size}},"domain":${row.domain_json},"differences":[]}`
  );
}

async function withModels(db: Kysely<CatalogueTables>, candidates: Candidate[]) {
  if (candidates.length === 0) return [];
  const digests = candidates.map(({ bundle }) => bundle);
  const rows = await db
    .selectFrom("bundles")
    .select(modelColumns)
    .select("domain_json")
    .where("digest", "in", digests)
    .execute();
  const byDigest = new Map(rows.map((row) => [row.digest, row]));
  return candidates.map(({ bundle, distance }) => {
    const row = byDigest.get(bundle)!;
    return { model: toModel(row, true), domain: JSON.parse(row.domain_json) as Domain, distance };
  });
}

async function reasonOf(
  db: Kysely<CatalogueTables>,
  question: Question,
  accept: "exact" | "compatible",
  newest: NewestBinding | undefined,
  found: Found,
): Promise<string> {
  return missReason(question, accept, found, {
    withdrawn:
      newest?.action === "withdraw"
        ? { bundle: newest.digest, reason: await withdrawalReason(db, question.key) }
        : null,
    otherVersions: found.nearest.length === 0 ? await otherVersions(db, question) : [],
  });
}

async function withdrawalReason(db: Kysely<CatalogueTables>, key: string): Promise<string> {
  const query = db
    .selectFrom("bindings")
    .select("reason")
    .where("key", "=", key)
    .where("action", "=", "withdraw");
  return (await query.orderBy("id", "desc").limit(1).executeTakeFirstOrThrow()).reason;
}

async function otherVersions(db: Kysely<CatalogueTables>, question: Question): Promise<number[]> {
  const rows = await db
    .selectFrom("bundles")
    .select("family_version")
    .distinct()
    .where("family", "=", question.family)
    .where("family_version", "!=", question.familyVersion)
    .orderBy("family_version")
    .execute();
  return rows.map(({ family_version }) => family_version);
}
