// Who may work on a job: leases with a fencing token, take-over, and when a failed job is tried again.

import type { Job, Stage } from "@driftline/client/api";
import type { Transaction } from "kysely";
import { toProblem } from "../../errors/problem.ts";
import type { Recipe } from "../recipe.ts";
import { givenUp, longestDelayMs, maximumRetries, retryDelayMs } from "./failures.ts";
import { type Holder, isDead } from "./holder.ts";
import { heldJob, isUnfinished, type JobDatabase, recordIn, unfinishedStates } from "./jobRecord.ts";
import { toJob, waitingStage } from "./jobRow.ts";
import type { JobRow, JobTables } from "./tables.ts";

export const leaseMs = 10_000;
export const renewMs = 3_000;

/** A job with what its worker needs. */
export interface ClaimedJob {
  job: Job;
  recipe: Recipe;
  files: string[];
  fence: number;
  /** Failures in a row; above `maximumRetries` the job is not to be tried again. */
  failures: number;
}

export interface WatchedJob {
  id: string;
  /** Of its worker. */
  pid: number | null;
  attempt: number;
  isExpired: boolean;
  cancelRequested: boolean;
}

export function leases({ db, write }: JobDatabase) {
  /** Ids of jobs that a worker could take now, oldest first. */
  async function claimable(): Promise<string[]> {
    const rows = await db
      .selectFrom("jobs")
      .select(["id", "state", "holder_json", "lease_until", "retry_at"])
      .where("state", "in", unfinishedStates)
      .orderBy("created_at")
      .execute();
    const now = Date.now();
    return rows.filter((row) => isFree(row) && isDue(row, now)).map(({ id }) => id);
  }

  /** Takes the job for this process under a new fencing token; null if another holds it, it is not due or has ended. */
  async function claim(id: string, holder: Holder): Promise<ClaimedJob | null> {
    return write(async (trx) => {
      const found = await trx.selectFrom("jobs").selectAll().where("id", "=", id).executeTakeFirst();
      const now = Date.now();
      if (!found || !isUnfinished(found.state) || !isFree(found) || !isDue(found, now)) return null;
      if (found.cancel_requested) {
        // Asked for while a worker held it that did not come to it.
        await recordIn(trx, id, found.fence, { state: "cancelled" }, { type: "state", state: "cancelled" });
        return null;
      }
      // A job that is running and free was left by a worker that died or stalled.
      const failures = found.failures + (found.state === "running" ? 1 : 0);
      const change = {
        state: "running",
        attempt: found.attempt + 1,
        fence: found.fence + 1,
        failures,
        retry_at: 0,
        holder_json: JSON.stringify(holder),
        lease_until: now + leaseMs,
        stages_json: withoutRunning(found.stages_json),
        updated_at: new Date(now).toISOString(),
      };
      await trx.updateTable("jobs").set(change).where("id", "=", id).execute();
      return {
        job: toJob({ ...found, ...change }),
        recipe: JSON.parse(found.recipe_json) as Recipe,
        files: JSON.parse(found.files_json) as string[],
        fence: change.fence,
        failures,
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
    const left = found.lease_until - Date.now();
    if (left < leaseMs - renewMs || left > leaseMs) {
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

  /** Of the running jobs among `ids`, what whoever started their workers has to know. */
  async function watched(ids: string[]): Promise<WatchedJob[]> {
    const rows = await db
      .selectFrom("jobs")
      .select(["id", "attempt", "holder_json", "lease_until", "cancel_requested"])
      .where("id", "in", ids)
      .where("state", "=", "running")
      .execute();
    return rows.map(({ id, attempt, holder_json, lease_until, cancel_requested }) => ({
      id,
      attempt,
      pid: holder_json === null ? null : (JSON.parse(holder_json) as Holder).pid,
      isExpired: lease_until < Date.now(),
      cancelRequested: cancel_requested !== 0,
    }));
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

  /** After a failure that may pass: leaves the job to be tried again later, or ends it where that was done enough. */
  async function postpone(id: string, fence: number, reason: string): Promise<void> {
    await write(async (trx) => postponeIn(trx, await heldJob(trx, id, fence), reason));
  }

  /**
   * For the process that started a worker and saw it end: if the worker `pid` still held the job, or none came so far as
   * to hold it, the job is tried again later. `counts` is false where the worker was ended on purpose. Says whether the
   * job has ended.
   */
  async function workerEnded(
    id: string,
    worker: { host: string; pid: number },
    reason: string,
    counts: boolean,
  ): Promise<boolean> {
    return write(async (trx) => {
      const found = await trx.selectFrom("jobs").selectAll().where("id", "=", id).executeTakeFirst();
      if (!found || !isUnfinished(found.state)) return true;
      const holder = found.holder_json === null ? null : (JSON.parse(found.holder_json) as Holder);
      const itsOwn = holder === null || (holder.host === worker.host && holder.pid === worker.pid);
      if (!itsOwn) return false;
      if (found.cancel_requested) {
        await recordIn(trx, id, found.fence, { state: "cancelled" }, { type: "state", state: "cancelled" });
        return true;
      }
      if (counts) return postponeIn(trx, found, reason);
      if (holder !== null) await release(trx, found, {});
      return false;
    });
  }

  return { claimable, claim, renew, watched, giveBack, postpone, workerEnded };
}

/** Says whether the job has ended with this. */
async function postponeIn(trx: Transaction<JobTables>, found: JobRow, reason: string): Promise<boolean> {
  const failures = found.failures + 1;
  if (failures > maximumRetries) {
    const error = toProblem(givenUp(found.id, reason));
    await recordIn(trx, found.id, found.fence, { state: "failed", error }, { type: "state" });
    return true;
  }
  const delay = retryDelayMs(failures);
  const due = Date.now() + delay;
  const retry = { number: failures, of: maximumRetries, at: new Date(due).toISOString(), reason };
  await recordIn(
    trx,
    found.id,
    found.fence,
    { retry },
    {
      type: "state",
      state: "queued",
      message: `${reason}; trying again in ${Math.round(delay / 1000)} s (${failures} of ${maximumRetries})`,
    },
  );
  await release(trx, found, { failures, retry_at: due });
  return false;
}

async function release(
  trx: Transaction<JobTables>,
  found: JobRow,
  change: Partial<Pick<JobRow, "failures" | "retry_at">>,
): Promise<void> {
  await trx
    .updateTable("jobs")
    .set({
      ...change,
      state: "queued",
      // What the dead worker's token could still write is void.
      fence: found.fence + 1,
      holder_json: null,
      lease_until: 0,
      stages_json: withoutRunning(found.stages_json),
    })
    .where("id", "=", found.id)
    .execute();
}

function withoutRunning(stagesJson: string): string {
  const stages = JSON.parse(stagesJson) as Stage[];
  return JSON.stringify(
    stages.map((stage) => (stage.state === "running" ? waitingStage(stage.name) : stage)),
  );
}

export function isFree(row: Pick<JobRow, "state" | "holder_json" | "lease_until">): boolean {
  if (row.state === "queued" || row.holder_json === null) return true;
  const left = row.lease_until - Date.now();
  // No lease reaches so far: the clock was set back since, and its holder would have renewed it.
  if (left < 0 || left > 2 * leaseMs) return true;
  return isDead(JSON.parse(row.holder_json) as Holder);
}

function isDue({ retry_at }: Pick<JobRow, "retry_at">, now: number): boolean {
  return retry_at <= now || retry_at > now + longestDelayMs;
}
