// The boosted two-sample tests, run by scikit-learn in the trainer's environment over a directory of samples.

import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { writeSafetensors } from "@driftline/client/safetensors";
import { z } from "zod";
import { fail } from "../errors/registry.ts";
import type { ColumnSet, Table } from "./columns.ts";

/** Runs the trainer's Python with these arguments; rejects with a DriftlineError. */
export type RunPython = (
  args: string[],
  options?: { signal?: AbortSignal; onEvent?: (event: Record<string, unknown>) => void },
) => Promise<void>;

/** One classifier: trained to tell two samples apart, tested on two others. Samples are named. */
export interface TwoSampleTest {
  name: string;
  columns: ColumnSet;
  train: [string, string];
  test: [string, string];
  /** Events in the two test samples; row r belongs to event r mod events. */
  events: [number, number];
  /** Whether both test samples are made at the same inputs, so that the bootstrap keeps an event's rows together. */
  paired: boolean;
}

const protocol = "driftline-two-sample/1";
/** What the thresholds of AUCs belong to. */
export const classifierRounds = 150;

const results = z.object({
  protocol: z.literal(protocol),
  tests: z.array(
    z.object({
      name: z.string(),
      columns: z.enum(["moments", "pixels", "all"]),
      auc: z.number().min(0).max(1),
      interval: z.tuple([z.number(), z.number()]),
    }),
  ),
  seconds: z.number(),
});
export type TwoSampleResults = z.infer<typeof results>;

/** Makes `directory` and writes samples and job.json there. */
export async function writeTwoSampleJob(
  directory: string,
  job: {
    samples: Record<string, Table>;
    /** The columns of each set in a row of a sample. */
    columns: Record<ColumnSet, number[]>;
    tests: TwoSampleTest[];
    /** Fewer have a higher learning rate each, so that they get as far. */
    rounds: number;
    resamplings: number;
    seed: number;
  },
): Promise<void> {
  await mkdir(directory, { recursive: true });
  const tensors = Object.entries(job.samples).map(([name, { rows, width, values }]) => [
    name,
    { dtype: "F32" as const, shape: [rows, width], data: values },
  ]);
  await writeSafetensors(join(directory, "samples.safetensors"), Object.fromEntries(tensors));
  const { columns, tests, rounds, resamplings, seed } = job;
  const content = { protocol, columns, tests, rounds, resamplings, seed };
  await writeFile(join(directory, "job.json"), `${JSON.stringify(content, null, 2)}\n`);
}

/**
 * Runs the tests that `writeTwoSampleJob` wrote and removes the directory. Throws what `runPython` rejects with, and
 * `trainer_failed` where no complete result comes back.
 */
export async function runTwoSampleTests(
  directory: string,
  runPython: RunPython,
  options: { signal?: AbortSignal; onProgress?: (done: number, of: number) => void } = {},
): Promise<TwoSampleResults> {
  try {
    await runPython(["-m", "driftline_trainer.two_sample", directory], {
      signal: options.signal,
      onEvent: (event) => {
        if (event.event === "progress") options.onProgress?.(Number(event.done), Number(event.of));
      },
    });
    return await readResults(join(directory, "result.json"));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function readResults(path: string): Promise<TwoSampleResults> {
  try {
    return results.parse(JSON.parse(await readFile(path, "utf8")));
  } catch (cause) {
    throw fail("trainer_failed", `Reading the two-sample tests' result: ${(cause as Error).message}`, {
      field: "result.json",
      remedy: "driftline_trainer.two_sample must be of the same version as the platform.",
      cause,
    });
  }
}
