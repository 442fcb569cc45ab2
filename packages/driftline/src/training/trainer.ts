// The trainer protocol from the platform's side: writes job.json, follows the events, checks result.json.

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { fail } from "../errors/registry.ts";
import type { InputFeature, OutputImage } from "../family/family.ts";
import type { TrainerEnvironment } from "./environment.ts";
import { runPython, type TrainerEvent } from "./python.ts";

/** What job.json says; docs/training.md describes the protocol. */
export interface TrainerJob {
  protocol: "driftline-trainer/1";
  /** Directory with dataset.json and its shards. */
  dataset: string;
  model: string;
  hyperparameters: Record<string, unknown>;
  seed: number;
  threads: number;
  inputs: Pick<InputFeature, "name" | "unit" | "low" | "high" | "integer">[];
  output: Pick<OutputImage, "name" | "unit" | "axes"> & {
    threshold: number;
    noise: number;
    saturation: number | null;
  };
  opset: number;
}

const trainerResult = z.looseObject({
  protocol: z.literal("driftline-trainer/1"),
  status: z.literal("done"),
  model: z.looseObject({ file: z.string(), sha256: z.string() }),
  reference: z.looseObject({ file: z.string(), sha256: z.string() }),
  parity: z.looseObject({ passed: z.boolean() }),
  steps: z.number(),
  seconds: z.number(),
});
export type TrainerResult = z.infer<typeof trainerResult>;

/**
 * Runs the trainer in `directory` and returns its checked result; the files named there exist and match their digests.
 * Throws `trainer_failed`, `python_missing` or `cancelled`.
 */
export async function train(
  environment: TrainerEnvironment,
  directory: string,
  job: TrainerJob,
  options: { signal?: AbortSignal; onEvent?: (event: TrainerEvent) => void } = {},
): Promise<TrainerResult> {
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, "job.json"), `${JSON.stringify(job, null, 2)}\n`);
  await runPython(environment, ["-m", "driftline_trainer"], {
    cwd: directory,
    threads: job.threads,
    ...options,
  });
  const result = await readResult(join(directory, "result.json"));
  for (const part of [result.model, result.reference]) await checkFile(directory, part.file, part.sha256);
  if (!result.parity.passed) {
    throw fail("trainer_failed", "Checking the trained model: ONNX Runtime and the trainer disagree.", {
      field: "parity",
      remedy: "This is a fault of the export; try another seed with --seed, and report it.",
    });
  }
  return result;
}

async function readResult(path: string): Promise<TrainerResult> {
  const broken = (detail: string, cause?: unknown) =>
    fail("trainer_failed", `Reading the trainer's result: ${detail}.`, {
      field: "result.json",
      remedy:
        "A trainer must write a complete result.json before it ends with status 0; see docs/training.md.",
      cause,
    });
  let content: unknown;
  try {
    content = JSON.parse(await readFile(path, "utf8"));
  } catch (cause) {
    throw broken(`${path} is missing or not JSON`, cause);
  }
  const parsed = trainerResult.safeParse(content);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw broken(`${issue.path.join(".")}: ${issue.message}`);
  }
  return parsed.data;
}

async function checkFile(directory: string, name: string, sha256: string): Promise<void> {
  if (!/^[A-Za-z0-9_.-]+$/.test(name) || name.startsWith(".")) {
    throw fail(
      "trainer_failed",
      `Reading the trainer's result: ${JSON.stringify(name)} is no plain file name.`,
    );
  }
  const hash = createHash("sha256");
  try {
    for await (const chunk of createReadStream(join(directory, name))) hash.update(chunk as Uint8Array);
  } catch (cause) {
    throw fail("trainer_failed", `Reading the trainer's result: ${name} cannot be read.`, { cause });
  }
  if (hash.digest("hex") !== sha256) {
    throw fail("trainer_failed", `Reading the trainer's result: ${name} does not match its SHA-256.`);
  }
}
