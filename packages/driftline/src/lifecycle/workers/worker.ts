// The worker process: reads its order, claims the job, runs it, ends; early when its standard input closes or on SIGTERM.

import { join } from "node:path";
import type { Configuration } from "../../config/configuration.ts";
import { fail } from "../../errors/registry.ts";
import { trainerEnvironment } from "../../training/environment.ts";
import { markVariable } from "../../training/processes.ts";
import { thisProcess } from "../jobs/holder.ts";
import { openStore } from "../openStore.ts";
import { jobsDirectory, markOf } from "./attempts.ts";
import { runJob } from "./runJob.ts";

export interface WorkerOrder {
  config: Configuration;
  job: string;
}

async function main(): Promise<void> {
  const stop = new AbortController();
  const end = () => stop.abort(fail("cancelled", "The worker was told to stop."));
  process.on("SIGTERM", end);
  process.on("SIGINT", end);
  process.stdin.on("end", end).on("error", end);
  const order = await readOrder();
  const { config } = order;
  const { catalogue, store, results, families, close } = await openStore(config);
  try {
    const claimed = await store.claim(order.job, thisProcess());
    if (!claimed) return;
    const jobs = await jobsDirectory(config.dataDirectory);
    // Whatever this process starts from here on can be found by it, should it die.
    process.env[markVariable] = markOf(join(jobs, order.job), claimed.job.attempt);
    await runJob(
      {
        store,
        results,
        catalogue,
        families,
        trainer: () => trainerEnvironment(config.trainerDirectory, config.python),
        jobsDirectory: jobs,
        threads: config.threads,
        limits: config.limits,
        signal: stop.signal,
      },
      claimed,
    );
  } finally {
    await close();
  }
}

/** The first line of standard input; what follows is only its end. */
function readOrder(): Promise<WorkerOrder> {
  return new Promise((resolve) => {
    let text = "";
    const read = (chunk: string) => {
      text += chunk;
      const end = text.indexOf("\n");
      if (end < 0) return;
      process.stdin.off("data", read).resume();
      resolve(JSON.parse(text.slice(0, end)) as WorkerOrder);
    };
    process.stdin.setEncoding("utf8").on("data", read);
  });
}

await main();
// An open standard input would keep the process alive.
process.stdin.destroy();
