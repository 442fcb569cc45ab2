// Jobs for tests: the small test family on a scratch data directory, with a scripted trainer, run in this process.

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Job } from "@driftline/client/api";
import { openCatalogue } from "../catalogue/catalogue.ts";
import { withTables } from "../catalogue/database.ts";
import type { Limits } from "../config/configuration.ts";
import { loadConfiguration } from "../config/configuration.ts";
import { loadFamily } from "../family/loadFamily.ts";
import { canonicalQuestion } from "../family/question.ts";
import type { TrainerEnvironment } from "../training/environment.ts";
import { processesOf } from "../training/processes.ts";
import { thisProcess } from "./jobs/holder.ts";
import { jobStore } from "./jobs/jobStore.ts";
import { stageResults } from "./jobs/stageResults.ts";
import { type JobTables, jobMigrations } from "./jobs/tables.ts";
import { planRecipe, recipeHash } from "./recipe.ts";
import { jobsDirectory, markOf } from "./workers/attempts.ts";
import { runJob } from "./workers/runJob.ts";

/** Small families that train in seconds. */
export const testFamilies = fileURLToPath(new URL("../../../../e2e/families", import.meta.url));
const familyFile = join(testFamilies, "test.tpc", "family.yaml");
const rows = 300;

export interface TestJob {
  id: string;
  /** The job's directory. */
  directory: string;
  store: ReturnType<typeof jobStore>;
  catalogue: Awaited<ReturnType<typeof openCatalogue>>;
  /** Claims the job as a worker would, runs it until it ends or is left, and returns it. */
  run(trainer: TrainerEnvironment, signal?: AbortSignal): Promise<Job>;
  /** Processes of its attempts. */
  processes(): number[];
  close(): Promise<void>;
}

export async function makeTestJob(dataDirectory: string, limits: Partial<Limits> = {}): Promise<TestJob> {
  const family = loadFamily(familyFile);
  const catalogue = await openCatalogue(dataDirectory, jobMigrations);
  const database = withTables<JobTables>(catalogue.database);
  const store = jobStore(database);
  const question = canonicalQuestion(family, { conditions: {}, software: {} });
  const recipe = planRecipe(family, question, "0".repeat(64), { rows });
  const plan = { question, recipe, recipeHash: recipeHash(recipe), files: [], warmStart: null };
  const { job } = await store.createOrJoin(plan);
  const jobs = await jobsDirectory(dataDirectory);
  const directory = join(jobs, job.id);
  return {
    id: job.id,
    directory,
    store,
    catalogue,
    async run(trainer, signal = new AbortController().signal) {
      const claimed = await store.claim(job.id, thisProcess());
      if (claimed === null) throw new Error(`${job.id} is not to be had`);
      await runJob(
        {
          store,
          results: stageResults(database),
          catalogue,
          families: new Map([[family.name, family]]),
          trainer: () => trainer,
          jobsDirectory: jobs,
          threads: 2,
          limits: { ...loadConfiguration({ environment: {} }).limits, ...limits },
          signal,
        },
        claimed,
      );
      return store.get(job.id);
    },
    processes: () => processesOf(markOf(directory)),
    close: () => catalogue.close(),
  };
}
