// Writing down what happens to a job: the change and its event in one transaction, under a fencing token.

import type { Job, JobEvent } from "@driftline/client/api";
import type { Kysely, Transaction } from "kysely";
import { fail } from "../../errors/registry.ts";
import { type JobChange, toEvent, withStage } from "./jobRow.ts";
import type { JobRow, JobTables } from "./tables.ts";

/** A database with the job tables: reads on `db`, writes in one transaction at a time. */
export interface JobDatabase {
  db: Kysely<JobTables>;
  write<R>(work: (trx: Transaction<JobTables>) => Promise<R>): Promise<R>;
}

export const unfinishedStates: Job["state"][] = ["queued", "running"];

export function isUnfinished(state: string): boolean {
  return (unfinishedStates as string[]).includes(state);
}

/** The job, if this fencing token still holds it. Throws `lease_lost`. */
export async function heldJob(trx: Transaction<JobTables>, id: string, fence: number): Promise<JobRow> {
  const found = await trx.selectFrom("jobs").selectAll().where("id", "=", id).executeTakeFirst();
  if (found?.fence === fence && isUnfinished(found.state)) return found;
  throw fail("lease_lost", `Job ${id}: another worker took it over, or it has ended.`);
}

/** Applies a change and its event in a given transaction. Throws `lease_lost` under an old fencing token. */
export async function recordIn(
  trx: Transaction<JobTables>,
  id: string,
  fence: number,
  change: JobChange,
  event: Pick<JobEvent, "type"> & Partial<JobEvent>,
): Promise<void> {
  const found = await heldJob(trx, id, fence);
  const now = new Date().toISOString();
  const seq = found.last_seq + 1;
  const ended = change.state !== undefined && !isUnfinished(change.state);
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
      ...(change.retry && { retry_json: JSON.stringify(change.retry) }),
      // What is done is done: failures are counted from here.
      ...(change.stage?.state === "done" && { failures: 0, retry_json: null }),
    })
    .where("id", "=", id)
    .execute();
  await trx
    .insertInto("job_events")
    .values({ job: id, seq, event_json: JSON.stringify(toEvent(seq, now, change, event)) })
    .execute();
}
