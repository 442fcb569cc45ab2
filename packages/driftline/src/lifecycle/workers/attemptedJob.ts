// What the stages of a job work with in one attempt.

import type { JobStore } from "../jobs/jobStore.ts";
import type { StageOutput } from "../jobs/stageResults.ts";
import type { StageContext, StageDefinition } from "../stages/stage.ts";

export interface AttemptedJob {
  store: JobStore;
  context: StageContext;
  fence: number;
  /** Of the job; `context.directory` is the attempt's. */
  directory: string;
  /** Takes a stage's recorded result, or makes and records it. */
  run<Earlier, Output>(
    definition: StageDefinition<Earlier, Output>,
    earlier: Earlier,
  ): Promise<StageOutput & { output: Output }>;
}
