// Jobs in the database: single flight, leases with a fencing token, events.

import { type Job, type JobEvent, type Stage, stageNames } from "@driftline/client/api";
import type { Kysely, Selectable, Transaction } from "kysely";
import { fail } from "../errors/registry.ts";
import type { Question } from "../family/family.ts";
import { type Holder, isDead } from "./holder.ts";
import { type JobChange, newJobId, toEvent, toJob, waitingStage, withStage } from "./jobRow.ts";
import type { Recipe } from "./recipe.ts";
import type { JobRow, JobTables } from "./tables.ts";

export const leaseMs = 10_000;
export const renewMs = 3_000;

/** A database with the job tables: reads on `db`, writes in one transaction at a time. */
export interface JobDatabase {
  db: Kysely<JobTables>;
  write<R>(work: (trx: Transaction<JobTables>) => Promise<R>): Promise<R>;
}

export interface Plan {
  question: Question;
  recipe: Recipe;
  recipeHash: string;
  /** Paths of data files in the recipe's order; empty for simulated data. */
  files: string[];
}

/** A job with what its worker needs. */
export interface ClaimedJob {
  job: Job;
  recipe: Recipe;
  files: string[];
  fence: number;
}

const unfinished = ["queued", "running"];

export function isFinished(state: Job["state"]): boolean {
  return !unfinished.includes(state);
}

export type JobStore = ReturnType<typeof jobStore>;

export function jobStore({ db, write }: JobDatabase) {
  /** The unfinished job of this recipe, or a new one: two callers at once get the same. */
  async function createOrJoin(plan: Plan): Promise<{ job: Job; created: boolean }> {
    return write(async (trx) => {
      const present = await trx
        .selectFrom("jobs")
        .selectAll()
        .where("recipe_hash", "=", plan.recipeHash)
        .where("state", "in", unfinished)
        .executeTakeFirst();
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
        state: "queued",
        stages_json: JSON.stringify(stageNames.map(waitingStage)),
        attempt: 0,
        fence: 0,
        holder_json: null,
        lease_until: 0,
        cancel_requested: 0,
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

  /** Newest first. */
  async function list(filter: { key?: string; recipeHash?: string } = {}): Promise<Job[]> {
    let query = db.selectFrom("jobs").selectAll().orderBy("created_at", "desc").orderBy("id", "desc");
    if (filter.key) query = query.where("key", "=", filter.key);
    if (filter.recipeHash) query = query.where("recipe_hash", "=", filter.recipeHash);
    return (await query.execute()).map(toJob);
  }

  /** Ids of jobs that a worker could take now, oldest first. */
  async function claimable(): Promise<string[]> {
    const rows = await db
      .selectFrom("jobs")
      .select(["id", "state", "holder_json", "lease_until"])
      .where("state", "in", unfinished)
      .orderBy("created_at")
      .execute();
    return rows.filter(isFree).map(({ id }) => id);
  }

  /** Takes the job for this process under a new fencing token; null if another holds it or it has ended. */
  async function claim(id: string, holder: Holder): Promise<ClaimedJob | null> {
    return write(async (trx) => {
      const found = await trx.selectFrom("jobs").selectAll().where("id", "=", id).executeTakeFirst();
      if (!found || !unfinished.includes(found.state) || !isFree(found)) return null;
      const stages = (JSON.parse(found.stages_json) as Stage[]).map((stage) =>
        stage.state === "running" ? waitingStage(stage.name) : stage,
      );
      const change = {
        state: "running",
        attempt: found.attempt + 1,
        fence: found.fence + 1,
        holder_json: JSON.stringify(holder),
        lease_until: Date.now() + leaseMs,
        stages_json: JSON.stringify(stages),
        updated_at: new Date().toISOString(),
      };
      await trx.updateTable("jobs").set(change).where("id", "=", id).execute();
      return {
        job: toJob({ ...found, ...change }),
        recipe: JSON.parse(found.recipe_json) as Recipe,
        files: JSON.parse(found.files_json) as string[],
        fence: change.fence,
      };
    });
  }

  /** Extends the lease. Says whether it is still held, and whether someone asked to cancel. */
  async function renew(id: string, fence: number): Promise<{ held: boolean; cancelRequested: boolean }> {
    const found = await db
      .selectFrom("jobs")
      .select(["fence", "state", "cancel_requested", "lease_until"])
      .where("id", "=", id)
      .executeTakeFirst();
    if (found?.fence !== fence || found.state !== "running") return { held: false, cancelRequested: false };
    if (found.lease_until < Date.now() + leaseMs - renewMs) {
      await write((trx) =>
        trx
          .updateTable("jobs")
          .set({ lease_until: Date.now() + leaseMs })
          .where("id", "=", id)
          .where("fence", "=", fence)
          .execute(),
      );
    }
    return { held: true, cancelRequested: found.cancel_requested !== 0 };
  }

  /** Applies a change and its event in a given transaction. Throws `lease_lost` under an old fencing token. */
  async function recordIn(
    trx: Transaction<JobTables>,
    id: string,
    fence: number,
    change: JobChange,
    event: Pick<JobEvent, "type"> & Partial<JobEvent>,
  ): Promise<void> {
    const found = await trx.selectFrom("jobs").selectAll().where("id", "=", id).executeTakeFirst();
    if (found?.fence !== fence || !unfinished.includes(found.state)) {
      throw fail("lease_lost", `Job ${id}: another worker took it over, or it has ended.`);
    }
    const now = new Date().toISOString();
    const seq = found.last_seq + 1;
    const ended = change.state !== undefined && isFinished(change.state);
    await trx
      .updateTable("jobs")
      .set({
        updated_at: now,
        last_seq: seq,
        ...(change.state && { state: change.state }),
        ...(ended && { holder_json: null, lease_until: 0 }),
        ...(change.stage && { stages_json: withStage(found.stages_json, change.stage) }),
        ...(change.bundle && { bundle: change.bundle }),
        ...(change.verdict && { verdict_json: JSON.stringify(change.verdict) }),
        ...(change.report && { report: change.report }),
        ...(change.error && { error_json: JSON.stringify(change.error) }),
      })
      .where("id", "=", id)
      .execute();
    await trx
      .insertInto("job_events")
      .values({ job: id, seq, event_json: JSON.stringify(toEvent(seq, now, change, event)) })
      .execute();
  }

  function record(
    id: string,
    fence: number,
    change: JobChange,
    event: Pick<JobEvent, "type"> & Partial<JobEvent>,
  ): Promise<void> {
    return write((trx) => recordIn(trx, id, fence, change, event));
  }

  /** Leaves a job for another worker to go on with, at once. */
  async function giveBack(id: string, fence: number): Promise<void> {
    await write((trx) =>
      trx
        .updateTable("jobs")
        .set({ state: "queued", holder_json: null, lease_until: 0, updated_at: new Date().toISOString() })
        .where("id", "=", id)
        .where("fence", "=", fence)
        .where("state", "=", "running")
        .execute(),
    );
  }

  /** Asks the holder to stop; a job that nobody holds ends at once. */
  async function cancel(id: string): Promise<Job> {
    await row(id);
    await write(async (trx) => {
      const found = await trx.selectFrom("jobs").selectAll().where("id", "=", id).executeTakeFirstOrThrow();
      if (!unfinished.includes(found.state)) return;
      await trx.updateTable("jobs").set({ cancel_requested: 1 }).where("id", "=", id).execute();
      if (isFree(found)) {
        await recordIn(trx, id, found.fence, { state: "cancelled" }, { type: "state", state: "cancelled" });
      }
    });
    return toJob(await row(id));
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
    list,
    claimable,
    claim,
    renew,
    record,
    recordIn,
    giveBack,
    cancel,
    events,
  };
}

function isFree(row: Pick<JobRow, "state" | "holder_json" | "lease_until">): boolean {
  if (row.state === "queued" || row.holder_json === null) return true;
  return row.lease_until < Date.now() || isDead(JSON.parse(row.holder_json) as Holder);
}
