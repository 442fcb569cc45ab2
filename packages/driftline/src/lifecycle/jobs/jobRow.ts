// A row of the table of jobs and what the interface shows of it.

import { randomBytes } from "node:crypto";
import type { Job, JobEvent, Problem, Stage, Verdict, WarmStart } from "@driftline/client/api";
import type { Question } from "../../family/family.ts";
import type { Recipe } from "../recipe.ts";
import type { JobRow } from "./tables.ts";

export interface JobChange {
  state?: Job["state"];
  stage?: Pick<Stage, "name"> & Partial<Stage>;
  bundle?: string;
  verdict?: Verdict;
  report?: string;
  error?: Problem;
  retry?: NonNullable<Job["retry"]>;
}

export function waitingStage(name: Stage["name"]): Stage {
  return {
    name,
    state: "waiting",
    startedAt: null,
    seconds: null,
    fraction: null,
    secondsLeft: null,
    message: null,
    figures: {},
  };
}

export function withStage(stagesJson: string, change: Pick<Stage, "name"> & Partial<Stage>): string {
  const stages = JSON.parse(stagesJson) as Stage[];
  return JSON.stringify(
    stages.map((stage) => (stage.name === change.name ? { ...stage, ...change } : stage)),
  );
}

export function toEvent(
  seq: number,
  time: string,
  change: JobChange,
  event: Pick<JobEvent, "type"> & Partial<JobEvent>,
): JobEvent {
  return {
    seq,
    time,
    stage: change.stage?.name ?? null,
    state: change.state ?? change.stage?.state ?? null,
    fraction: change.stage?.fraction ?? null,
    secondsLeft: change.stage?.secondsLeft ?? null,
    message: change.stage?.message ?? change.error?.detail ?? null,
    figures: change.stage?.figures ?? {},
    ...event,
  };
}

export function toJob(row: JobRow): Job {
  return {
    id: row.id,
    question: JSON.parse(row.question_json) as Question,
    recipeHash: row.recipe_hash,
    warmStart: row.warm_start_json === null ? null : (JSON.parse(row.warm_start_json) as WarmStart),
    dataSource: (JSON.parse(row.recipe_json) as Recipe).data.source,
    state: row.state as Job["state"],
    stages: JSON.parse(row.stages_json) as Stage[],
    attempt: row.attempt,
    retry: row.retry_json === null ? null : (JSON.parse(row.retry_json) as Job["retry"]),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    bundle: row.bundle,
    verdict: row.verdict_json === null ? null : (JSON.parse(row.verdict_json) as Verdict),
    report: row.report,
    error: row.error_json === null ? null : (JSON.parse(row.error_json) as Problem),
  };
}

/** Sorts by time and can be read out: `20261121-101500-3fa9c1`. */
export function newJobId(now: string): string {
  const stamp = now.slice(0, 19).replaceAll("-", "").replaceAll(":", "").replace("T", "-");
  return `${stamp}-${randomBytes(3).toString("hex")}`;
}
