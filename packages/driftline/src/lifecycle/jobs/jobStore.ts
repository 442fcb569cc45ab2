// Jobs in the database: single flight, what is recorded of them, cancel, events.

import { type Job, type JobEvent, type Stage, stageNames, type WarmStart } from "@driftline/client/api";
import type { Selectable } from "kysely";
import { fail } from "../../errors/registry.ts";
import type { Question } from "../../family/family.ts";
import { planHash, type Recipe, recipeHash } from "../recipe.ts";
import { isUnfinished, type JobDatabase, recordIn, unfinishedStates } from "./jobRecord.ts";
import { type JobChange, newJobId, toJob, waitingStage } from "./jobRow.ts";
import { isFree, leases } from "./leases.ts";
import type { JobRow } from "./tables.ts";

export interface Plan {
  question: Question;
  recipe: Recipe;
  recipeHash: string;
  /** Paths of data files in the recipe's order; empty for simulated data. */
  files: string[];
  /** How the recipe's parent was chosen; null where the family starts from random weights. */
  warmStart: WarmStart | null;
}

/** The stages of a job, in order. */
function stagesOf({ pushed }: Recipe): Stage["name"][] {
  return stageNames.filter((name) => name !== (pushed === undefined ? "receive" : "train"));
}

/** A page takes some milliseconds, in which a server answers nobody else. */
const rowsAtOnce = 100;

/** Whether a job's recipe is this one but for its parent. */
function isSameButParent(recipe: Recipe): (row: Pick<JobRow, "recipe_json">) => boolean {
  const hash = planHash(recipe);
  return (row) => planHash(JSON.parse(row.recipe_json) as Recipe) === hash;
}

export type JobStore = ReturnType<typeof jobStore>;

export function jobStore(database: JobDatabase) {
  const { db, write } = database;

  /**
   * The unfinished job of this recipe, or a new one: two callers at once get the same. Where a parent was to be chosen, a
   * job that is the same but for its parent is joined: what is nearest may have changed between the two.
   */
  async function createOrJoin(plan: Plan): Promise<{ job: Job; created: boolean }> {
    return write(async (trx) => {
      const unfinished = await trx
        .selectFrom("jobs")
        .selectAll()
        .where((eb) => eb.and(plan.warmStart ? { key: plan.question.key } : { recipe_hash: plan.recipeHash }))
        .where("state", "in", unfinishedStates)
        .execute();
      const present = unfinished.find(plan.warmStart ? isSameButParent(plan.recipe) : () => true);
      if (present) return { job: toJob(present), created: false };
      const now = new Date().toISOString();
      const row: JobRow = {
        id: newJobId(now),
        family: plan.question.family,
        key: plan.question.key,
        recipe_hash: plan.recipeHash,
        recipe_json: JSON.stringify(plan.recipe),
        question_json: JSON.stringify(plan.question),
        files_json: JSON.stringify(plan.files),
        warm_start_json: plan.warmStart && JSON.stringify(plan.warmStart),
        state: "queued",
        stages_json: JSON.stringify(stagesOf(plan.recipe).map(waitingStage)),
        attempt: 0,
        fence: 0,
        holder_json: null,
        lease_until: 0,
        cancel_requested: 0,
        failures: 0,
        retry_at: 0,
        retry_json: null,
        last_seq: 0,
        bundle: null,
        verdict_json: null,
        report: null,
        error_json: null,
        created_at: now,
        updated_at: now,
      };
      await trx.insertInto("jobs").values(row).execute();
      return { job: toJob(row), created: true };
    });
  }

  async function row(id: string): Promise<Selectable<JobRow>> {
    const found = await db.selectFrom("jobs").selectAll().where("id", "=", id).executeTakeFirst();
    if (!found) {
      throw fail("unknown_job", `There is no job ${id}.`, {
        field: "job",
        remedy: "`driftline jobs` lists them.",
      });
    }
    return found;
  }

  async function rowsOf(which: { key: string } | { recipe_hash: string }): Promise<Selectable<JobRow>[]> {
    return db
      .selectFrom("jobs")
      .selectAll()
      .where((eb) => eb.and(which))
      .orderBy("created_at", "desc")
      .orderBy("id", "desc")
      .execute();
  }

  /** The jobs of a key, newest first. */
  async function ofKey(key: string): Promise<Job[]> {
    return (await rowsOf({ key })).map(toJob);
  }

  /** The jobs of a recipe, newest first; with `anyParent` those that are the same but for their parent, too. */
  async function ofRecipe(recipe: Recipe, anyParent: boolean): Promise<Job[]> {
    if (!anyParent) return (await rowsOf({ recipe_hash: recipeHash(recipe) })).map(toJob);
    return (await rowsOf({ key: recipe.key })).filter(isSameButParent(recipe)).map(toJob);
  }

  /** All jobs, newest first, or those that follow `after`; a page is read when those before it are taken. */
  async function* list({ after }: { after?: string } = {}): AsyncGenerator<Job> {
    let last = after === undefined ? null : toJob(await row(after));
    for (;;) {
      let query = db.selectFrom("jobs").selectAll().limit(rowsAtOnce);
      if (last !== null) {
        const { createdAt, id } = last;
        query = query.where(({ eb, refTuple, tuple }) =>
          eb(refTuple("created_at", "id"), "<", tuple(createdAt, id)),
        );
      }
      const rows = await query.orderBy("created_at", "desc").orderBy("id", "desc").execute();
      const page = rows.map(toJob);
      yield* page;
      if (page.length < rowsAtOnce) return;
      last = page[page.length - 1];
    }
  }

  /** How many jobs are in each state that any is in. */
  async function counts(): Promise<Map<Job["state"], number>> {
    const rows = await db
      .selectFrom("jobs")
      .select(({ fn }) => ["state", fn.countAll().as("jobs")])
      .groupBy("state")
      .execute();
    return new Map(rows.map(({ state, jobs }) => [state as Job["state"], Number(jobs)]));
  }

  function record(
    id: string,
    fence: number,
    change: JobChange,
    event: Pick<JobEvent, "type"> & Partial<JobEvent>,
  ): Promise<void> {
    return write((trx) => recordIn(trx, id, fence, change, event));
  }

  /** Asks the holder to stop; a job that nobody holds ends at once. */
  async function cancel(id: string): Promise<Job> {
    await row(id);
    await write(async (trx) => {
      const found = await trx.selectFrom("jobs").selectAll().where("id", "=", id).executeTakeFirstOrThrow();
      if (!isUnfinished(found.state)) return;
      await trx.updateTable("jobs").set({ cancel_requested: 1 }).where("id", "=", id).execute();
      if (isFree(found)) {
        await recordIn(trx, id, found.fence, { state: "cancelled" }, { type: "state", state: "cancelled" });
      }
    });
    return toJob(await row(id));
  }

  async function unfinishedIds(): Promise<Set<string>> {
    const rows = await db.selectFrom("jobs").select("id").where("state", "in", unfinishedStates).execute();
    return new Set(rows.map(({ id }) => id));
  }

  /** Bundles that unfinished jobs are to judge: no record of the catalogue names them yet. */
  async function candidates(): Promise<string[]> {
    const rows = await db
      .selectFrom("jobs")
      .select("recipe_json")
      .where("state", "in", unfinishedStates)
      .execute();
    return rows.flatMap(({ recipe_json }) => (JSON.parse(recipe_json) as Recipe).pushed?.bundle ?? []);
  }

  /** The report of a job that ended long ago is no longer there. */
  async function forgetReport(id: string): Promise<void> {
    await write((trx) => trx.updateTable("jobs").set({ report: null }).where("id", "=", id).execute());
  }

  async function events(id: string, after: number, limit = 500): Promise<JobEvent[]> {
    const rows = await db
      .selectFrom("job_events")
      .select("event_json")
      .where("job", "=", id)
      .where("seq", ">", after)
      .orderBy("seq")
      .limit(limit)
      .execute();
    return rows.map(({ event_json }) => JSON.parse(event_json) as JobEvent);
  }

  return {
    createOrJoin,
    get: async (id: string) => toJob(await row(id)),
    ofKey,
    ofRecipe,
    list,
    counts,
    ...leases(database),
    record,
    recordIn,
    cancel,
    unfinishedIds,
    candidates,
    forgetReport,
    events,
  };
}
