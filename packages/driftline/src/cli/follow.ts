// Follows a job to its end: progress on standard error, each stage's figures as it finishes.

import type { Driftline, Job, JobEvent } from "@driftline/client/api";
import { fail } from "../errors/registry.ts";
import { startText } from "../lifecycle/warmStart.ts";
import { formatSeconds, type ProgressDisplay } from "./progress.ts";

const finished = ["published", "refused", "failed", "cancelled"];

/** Returns the ended job; an aborted signal ends the following with `cancelled` and leaves the job as it is. */
export async function followJob(
  driftline: Driftline,
  id: string,
  progress: ProgressDisplay,
  signal: AbortSignal,
): Promise<Job> {
  for await (const event of driftline.events(id, { signal })) show(event, progress);
  progress.clear();
  const job = await driftline.job(id);
  if (!finished.includes(job.state)) {
    throw fail("cancelled", `Stopped following job ${id}; it is ${job.state}.`, {
      remedy: `\`driftline jobs ${id} --follow\` goes on watching, \`driftline jobs ${id} --cancel\` ends it.`,
    });
  }
  return job;
}

function show(event: JobEvent, progress: ProgressDisplay): void {
  if (event.type === "progress") {
    progress.update(event.stage ?? "", event.fraction, event.secondsLeft, event.message);
  } else if (event.type === "stage" && event.stage) {
    if (event.state === "running") progress.update(event.stage, 0, null, "");
    else progress.note(`  ${event.stage.padEnd(9)} ${event.state}  ${describeFigures(event.figures)}`);
  } else if (event.type === "state" && event.message) {
    progress.note(`  ${event.message}`);
  }
}

export function describeFigures(figures: JobEvent["figures"]): string {
  return Object.entries(figures)
    .map(
      ([name, value]) =>
        `${name} ${typeof value === "string" && value.length > 16 ? value.slice(0, 16) : value}`,
    )
    .join(", ");
}

/** Throws what a job ended with, unless it was published. */
export function throwUnlessPublished(job: Job): void {
  if (job.state === "published") return;
  const problem = job.error;
  const code = job.state === "refused" ? "refused" : job.state === "cancelled" ? "cancelled" : problem?.code;
  throw fail((code ?? "internal") as "internal", problem?.detail ?? `Job ${job.id} ${job.state}.`, {
    field: problem?.field,
    remedy: problem?.remedy,
    data: { job: job.id, verdict: job.verdict, report: job.report },
  });
}

/** When an unfinished job is or was to be tried again, and why; empty for others. */
export function describeRetry({ state, retry }: Job): string {
  if (!retry || finished.includes(state)) return "";
  const { number, of, at, reason } = retry;
  return `try ${number + 1} of ${of + 1}, from ${at.slice(0, 19)}Z: ${reason}`;
}

export function describeJob(job: Job): string {
  const lines = [
    `Job ${job.id}: ${job.state}${job.attempt > 1 ? `, attempt ${job.attempt}` : ""}`,
    `  ${job.question.family}  ${job.question.key}`,
  ];
  if (job.warmStart) lines.push(`  ${startText(job.warmStart)}`);
  for (const stage of job.stages) {
    const took = stage.seconds === null ? "" : formatSeconds(stage.seconds);
    lines.push(
      `  ${stage.name.padEnd(9)} ${stage.state.padEnd(8)} ${took.padStart(11)}  ${describeFigures(stage.figures)}`.trimEnd(),
    );
  }
  const retry = describeRetry(job);
  if (retry !== "") lines.push(`  ${retry}`);
  if (job.bundle) lines.push(`  bundle  ${job.bundle}`);
  if (job.report) lines.push(`  report  ${job.report}`);
  if (job.error) lines.push(`  ${job.error.detail}`, ...(job.error.remedy ? [`  ${job.error.remedy}`] : []));
  return lines.join("\n");
}
