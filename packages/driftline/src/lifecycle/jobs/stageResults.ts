// What stages have made, by the digest of what they were given: a stage that was done once is not done again.

import type { Stage } from "@driftline/client/api";
import type { JobDatabase } from "./jobRecord.ts";

export interface StageOutput {
  output: unknown;
  figures: Stage["figures"];
  seconds: number;
  finishedAt: string;
}

export type StageResults = ReturnType<typeof stageResults>;

export function stageResults({ db, write }: JobDatabase) {
  return {
    async find(stage: string, input: string): Promise<StageOutput | null> {
      const found = await db
        .selectFrom("stage_results")
        .selectAll()
        .where("stage", "=", stage)
        .where("input", "=", input)
        .executeTakeFirst();
      if (!found) return null;
      return {
        output: JSON.parse(found.output_json),
        figures: JSON.parse(found.figures_json) as Stage["figures"],
        seconds: found.seconds,
        finishedAt: found.finished_at,
      };
    },

    /** Records what a stage made of its input; the first record stays. */
    async record(stage: string, input: string, result: StageOutput): Promise<void> {
      await write((trx) =>
        trx
          .insertInto("stage_results")
          .values({
            stage,
            input,
            output_json: JSON.stringify(result.output),
            figures_json: JSON.stringify(result.figures),
            seconds: result.seconds,
            finished_at: result.finishedAt,
          })
          .onConflict((conflict) => conflict.columns(["stage", "input"]).doNothing())
          .execute(),
      );
    },
  };
}
