// driftline jobs: what is being made, and what became of it.

import { writeFile } from "node:fs/promises";
import { resolve as resolvePath } from "node:path";
import { defineCommand } from "../command.ts";
import { describeJob, describeRetry, followJob } from "../follow.ts";
import { limitOption, newest } from "../newest.ts";
import { table } from "../table.ts";
import { writeOut } from "../writeOut.ts";

export const jobs = defineCommand({
  name: "jobs",
  summary: "List jobs, or show, follow or cancel one.",
  positionals: ["JOB?"],
  options: {
    limit: limitOption,
    follow: { type: "boolean", description: "Watch the job until it ends" },
    report: { type: "string", value: "FILE", description: "Write the job's validation report (HTML) there" },
    cancel: { type: "boolean", description: "End the job; what its stages have recorded stays" },
  },
  examples: ["driftline jobs", "driftline jobs 20261121-101500-3fa9c1 --follow"],
  async run(context, [id], options) {
    const driftline = await context.driftline();
    if (id === undefined) {
      const all = await newest(driftline.jobs(), options.limit);
      const rows = all.map((job) => [
        job.id,
        job.question.family,
        job.state,
        job.stages.find((stage) => stage.state === "running")?.name ?? "",
        job.updatedAt.slice(0, 19),
        job.bundle?.slice(0, 16) ?? (job.error?.detail ?? describeRetry(job)).slice(0, 60),
      ]);
      const header = ["job", "family", "state", "stage", "changed", ""];
      return { json: all, text: all.length === 0 ? "No jobs yet." : table(header, rows) };
    }
    if (options.report !== undefined) {
      const path = resolvePath(options.report);
      const report = await driftline.report(id);
      await writeOut("--report", path, () => writeFile(path, report));
      return { json: { job: id, report: path }, text: `Report of job ${id}: ${path}` };
    }
    if (options.cancel) await driftline.cancel(id);
    const job =
      options.follow || options.cancel
        ? await followJob(driftline, id, context.progress, context.signal)
        : await driftline.job(id);
    return { json: job, text: describeJob(job) };
  },
});
