// The tables of jobs, their events and recorded stage results, beside the catalogue's in one database.

import { type Kysely, sql } from "kysely";
import type { Migration } from "../../catalogue/database.ts";

/** Columns that end in _json hold JSON text; times are ISO 8601 in UTC, lease times milliseconds since 1970. */
export interface JobRow {
  id: string;
  family: string;
  key: string;
  recipe_hash: string;
  recipe_json: string;
  question_json: string;
  /** Paths of the data files, in the recipe's order; no part of the recipe. */
  files_json: string;
  /** How the recipe's parent was chosen; null where the family starts from random weights. */
  warm_start_json: string | null;
  state: string;
  stages_json: string;
  attempt: number;
  /** Grows with each holder; a write under an older one changes nothing. */
  fence: number;
  holder_json: string | null;
  lease_until: number;
  cancel_requested: number;
  /** In a row; a stage that is done sets it back. */
  failures: number;
  /** Not to be taken up before; milliseconds since 1970, 0 for at once. */
  retry_at: number;
  /** Why it is tried again, and when. */
  retry_json: string | null;
  last_seq: number;
  bundle: string | null;
  verdict_json: string | null;
  report: string | null;
  error_json: string | null;
  created_at: string;
  updated_at: string;
}

export interface JobEventRow {
  job: string;
  seq: number;
  event_json: string;
}

export interface StageResultRow {
  stage: string;
  input: string;
  output_json: string;
  figures_json: string;
  seconds: number;
  finished_at: string;
}

export interface JobTables {
  jobs: JobRow;
  job_events: JobEventRow;
  stage_results: StageResultRow;
}

export const jobMigrations: Migration[] = [
  { name: "jobs/1", up: createJobTables },
  { name: "jobs/2", up: indexJobs },
  { name: "jobs/3", up: addWarmStart },
];

// biome-ignore lint/suspicious/noExplicitAny: a migration works on whatever tables there are at that time
async function createJobTables(db: Kysely<any>): Promise<void> {
  await db.schema
    .createTable("jobs")
    .addColumn("id", "text", (c) => c.primaryKey())
    .addColumn("family", "text", (c) => c.notNull())
    .addColumn("key", "text", (c) => c.notNull())
    .addColumn("recipe_hash", "text", (c) => c.notNull())
    .addColumn("recipe_json", "text", (c) => c.notNull())
    .addColumn("question_json", "text", (c) => c.notNull())
    .addColumn("files_json", "text", (c) => c.notNull())
    .addColumn("state", "text", (c) => c.notNull())
    .addColumn("stages_json", "text", (c) => c.notNull())
    .addColumn("attempt", "integer", (c) => c.notNull())
    .addColumn("fence", "integer", (c) => c.notNull())
    .addColumn("holder_json", "text")
    .addColumn("lease_until", "bigint", (c) => c.notNull())
    .addColumn("cancel_requested", "integer", (c) => c.notNull())
    .addColumn("failures", "integer", (c) => c.notNull())
    .addColumn("retry_at", "bigint", (c) => c.notNull())
    .addColumn("retry_json", "text")
    .addColumn("last_seq", "integer", (c) => c.notNull())
    .addColumn("bundle", "text")
    .addColumn("verdict_json", "text")
    .addColumn("report", "text")
    .addColumn("error_json", "text")
    .addColumn("created_at", "text", (c) => c.notNull())
    .addColumn("updated_at", "text", (c) => c.notNull())
    .execute();
  // Single flight: one unfinished job for a recipe.
  await db.schema
    .createIndex("jobs_unfinished_recipe")
    .unique()
    .on("jobs")
    .column("recipe_hash")
    .where(sql.ref("state"), "in", ["queued", "running"])
    .execute();
  await db.schema.createIndex("jobs_by_state").on("jobs").columns(["state", "created_at"]).execute();
  await db.schema.createIndex("jobs_by_key").on("jobs").columns(["key", "created_at"]).execute();
  await db.schema
    .createTable("job_events")
    .addColumn("job", "text", (c) => c.notNull())
    .addColumn("seq", "integer", (c) => c.notNull())
    .addColumn("event_json", "text", (c) => c.notNull())
    .addPrimaryKeyConstraint("job_events_pk", ["job", "seq"])
    .execute();
  await db.schema
    .createTable("stage_results")
    .addColumn("stage", "text", (c) => c.notNull())
    .addColumn("input", "text", (c) => c.notNull())
    .addColumn("output_json", "text", (c) => c.notNull())
    .addColumn("figures_json", "text", (c) => c.notNull())
    .addColumn("seconds", "double precision", (c) => c.notNull())
    .addColumn("finished_at", "text", (c) => c.notNull())
    .addPrimaryKeyConstraint("stage_results_pk", ["stage", "input"])
    .execute();
}

/** Listings begin where the last page ended; each `ensure` looks for earlier jobs of its recipe. */
// biome-ignore lint/suspicious/noExplicitAny: a migration works on whatever tables there are at that time
async function indexJobs(db: Kysely<any>): Promise<void> {
  await db.schema.createIndex("jobs_by_time").on("jobs").columns(["created_at", "id"]).execute();
  await db.schema.createIndex("jobs_by_recipe").on("jobs").columns(["recipe_hash", "created_at"]).execute();
}

// biome-ignore lint/suspicious/noExplicitAny: a migration works on whatever tables there are at that time
async function addWarmStart(db: Kysely<any>): Promise<void> {
  await db.schema.alterTable("jobs").addColumn("warm_start_json", "text").execute();
}
