// The trainer protocol from the platform's side: writes job.json, follows the events, checks result.json.

import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, lstat, mkdir, mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { DriftlineError, fail } from "../errors/registry.ts";
import type { InputFeature, OutputImage } from "../family/family.ts";
import type { TrainerEnvironment } from "./environment.ts";
import { type PythonOptions, runPython } from "./python.ts";

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
  /** Weights to start from; left out for random ones. */
  parent?: { weights: string; sha256: string };
}

const value = z.looseObject({
  name: z.string(),
  dtype: z.string(),
  shape: z.array(z.union([z.number(), z.string()])),
  unit: z.string(),
});
const file = z.looseObject({ file: z.string(), sha256: z.string() });
/** Names all that two networks must have in common for one to start from the other's weights. */
const architecture = z.string().regex(/^[0-9a-f]{64}$/, "64 hexadecimal digits");
const trainerResult = z.looseObject({
  protocol: z.literal("driftline-trainer/1"),
  status: z.literal("done"),
  model: file,
  reference: file,
  /** Missing where a trainer keeps none: no training can start from such a model. */
  weights: file.extend({ architecture }).optional(),
  signature: z.looseObject({ inputs: z.array(value), outputs: z.array(value) }),
  parity: z.looseObject({ passed: z.boolean() }),
  /** The weights that training started from. */
  parent: z.looseObject({ sha256: z.string() }).nullish(),
  steps: z.number(),
  seconds: z.number(),
});
export type TrainerResult = z.infer<typeof trainerResult>;

/** A sparse file may claim any size; what is larger is not read. */
const mib = 2 ** 20;
const largest = { result: mib, model: 256 * mib, reference: 64 * mib, weights: 256 * mib };
const checkSeconds = 20;

/**
 * Runs the trainer in `directory` and returns its checked result; the files named there are plain files of that
 * directory and match their digests. Throws `trainer_failed`, `invalid_training`, `python_missing` or `cancelled`.
 */
export async function train(
  environment: TrainerEnvironment,
  directory: string,
  job: TrainerJob,
  options: Omit<PythonOptions, "cwd" | "threads" | "what"> = {},
): Promise<TrainerResult> {
  await mkdir(directory, { recursive: true });
  // What an earlier attempt left of a result must not pass for this one's.
  await rm(join(directory, "result.json"), { recursive: true, force: true });
  await writeFile(join(directory, "job.json"), `${JSON.stringify(job, null, 2)}\n`);
  await runPython(environment, ["-m", "driftline_trainer"], {
    ...options,
    what: "The trainer",
    cwd: directory,
    threads: job.threads,
  });
  const result = await readResult(join(directory, "result.json"));
  await checkFile(directory, result.model, largest.model);
  await checkFile(directory, result.reference, largest.reference);
  if (result.weights) await checkFile(directory, result.weights, largest.weights);
  if (job.parent && result.parent?.sha256 !== job.parent.sha256) {
    throw fail(
      "trainer_failed",
      "Reading the trainer's result: it does not say that training started from the weights given.",
      {
        field: "parent",
        remedy: "Use a trainer that can, or leave `training.warmStart` out of family.yaml.",
      },
    );
  }
  if (!result.parity.passed) {
    throw fail("trainer_failed", "Checking the trained model: ONNX Runtime and the trainer disagree.", {
      field: "parity",
      remedy: "This is a fault of the export; try another seed with --seed, and report it.",
    });
  }
  return result;
}

/** Two checks run at once, the others wait: anyone may ask for any number of models. */
const lanes: Promise<unknown>[] = [Promise.resolve(), Promise.resolve()];
let asked = 0;

function inTurn<T>(work: () => Promise<T>): Promise<T> {
  const lane = asked++ % lanes.length;
  const done = lanes[lane].then(work);
  lanes[lane] = done.catch(() => {});
  return done;
}

/**
 * Asks the trainer whether it could do a job, without data and without training. Returns the architecture of the network
 * that it would train, null where it does not say. Throws `invalid_training` naming the field; where the trainer cannot
 * be asked, nothing is said: the job itself will find out.
 */
export function checkTraining(
  environment: TrainerEnvironment,
  job: Omit<TrainerJob, "dataset">,
): Promise<string | null> {
  return inTurn(() => check(environment, job));
}

async function check(
  environment: TrainerEnvironment,
  job: Omit<TrainerJob, "dataset">,
): Promise<string | null> {
  let said: unknown = null;
  const directory = await mkdtemp(join(tmpdir(), "driftline-check-"));
  try {
    await writeFile(join(directory, "job.json"), JSON.stringify({ ...job, dataset: directory }));
    await runPython(environment, ["-m", "driftline_trainer", "--check"], {
      what: "Checking the training",
      cwd: directory,
      threads: 1,
      signal: AbortSignal.timeout(checkSeconds * 1000),
      onEvent: (event) => {
        if (event.event === "check") said = event.architecture;
      },
    });
    return architecture.safeParse(said).data ?? null;
  } catch (error) {
    if (!(error instanceof DriftlineError && error.code === "invalid_training")) return null;
    const { code, field, remedy } = error;
    throw fail(code, error.message.replace(/^Reading job\.json/, "Planning the training"), { field, remedy });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
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
    content = JSON.parse((await readPlain(path, largest.result)).toString("utf8"));
  } catch (cause) {
    throw broken(`${path} is missing or not JSON (${(cause as Error).message})`, cause);
  }
  const parsed = trainerResult.safeParse(content);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw broken(`${issue.path.join(".")}: ${issue.message}`);
  }
  return parsed.data;
}

async function checkFile(
  directory: string,
  { file: name, sha256 }: { file: string; sha256: string },
  maximumBytes: number,
): Promise<void> {
  const wrong = (detail: string, cause?: unknown) =>
    fail("trainer_failed", `Reading the trainer's result: ${JSON.stringify(name.slice(0, 200))} ${detail}.`, {
      field: "result.json",
      remedy: "A trainer names plain files that it wrote to its own directory, with their SHA-256.",
      cause,
    });
  if (!/^[A-Za-z0-9_.-]+$/.test(name) || name.startsWith(".")) throw wrong("is no plain file name");
  const path = join(directory, name);
  const hash = createHash("sha256");
  try {
    const opened = await openPlain(path, maximumBytes);
    for await (const chunk of opened.createReadStream()) hash.update(chunk as Uint8Array);
  } catch (cause) {
    throw wrong(`cannot be used: ${(cause as Error).message}`, cause);
  }
  if (hash.digest("hex") !== sha256) throw wrong("does not match its SHA-256");
}

/** Opens a plain file of a bearable size; throws where there is something else: a link, a directory, a pipe. */
async function openPlain(path: string, maximumBytes: number): Promise<FileHandle> {
  const state = await lstat(path);
  if (!state.isFile()) throw new Error(state.isSymbolicLink() ? "it is a link" : "it is no plain file");
  if (state.size > maximumBytes) {
    throw new Error(`it has ${state.size} bytes; at most ${maximumBytes} are read`);
  }
  return open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
}

async function readPlain(path: string, maximumBytes: number): Promise<Buffer> {
  const opened = await openPlain(path, maximumBytes);
  try {
    return await opened.readFile();
  } finally {
    await opened.close();
  }
}
