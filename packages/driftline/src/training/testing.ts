// Small trainers for tests: Python scripts that speak the protocol, or abuse it, in the place of driftline_trainer.

import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { DriftlineError } from "../errors/registry.ts";
import type { TrainerEnvironment } from "./environment.ts";
import { processesOf } from "./processes.ts";
import type { TrainerJob } from "./trainer.ts";

/** A directory that is gone when the test has ended. */
export async function scratchDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "driftline-training-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/**
 * An environment whose trainer is this script. It runs in the job directory and finds `say(event, **fields)` and
 * `finish(**changes)`, which writes the files of a model and a result.json with the changes.
 */
export async function scriptedTrainer(t: TestContext, script: string): Promise<TrainerEnvironment> {
  const sources = await scratchDirectory(t);
  await mkdir(join(sources, "driftline_trainer"));
  await writeFile(join(sources, "driftline_trainer", "__main__.py"), `${prelude}\n${script}\n`);
  return { python: "python3", sources, digest: "0".repeat(64) };
}

const prelude = `
import hashlib, json, os, signal, subprocess, sys, time

def say(event, **fields):
    print(json.dumps({"event": event, **fields}), flush=True)

def finish(model=b"model", reference=b"reference", names="reference.safetensors", **changes):
    for name, content in (("model.onnx", model), ("reference.safetensors", reference)):
        with open(name, "wb") as file:
            file.write(content)
    digest = lambda content: hashlib.sha256(content).hexdigest()
    result = {
        "protocol": "driftline-trainer/1",
        "status": "done",
        "model": {"file": "model.onnx", "sha256": digest(model)},
        "reference": {"file": names, "sha256": digest(reference)},
        "signature": {
            "inputs": [
                {"name": "features", "dtype": "float32", "shape": ["batch", 6], "unit": ""},
                {"name": "latent", "dtype": "float32", "shape": ["batch", 4], "unit": "1"},
            ],
            "outputs": [{"name": "response", "dtype": "float32", "shape": ["batch", 8, 16], "unit": "ADC"}],
        },
        "parity": {"passed": True},
        "steps": 1,
        "seconds": 0.1,
        **changes,
    }
    with open("result.json", "w") as file:
        json.dump(result, file)
`;

export const job: TrainerJob = {
  protocol: "driftline-trainer/1",
  dataset: "dataset",
  model: "energy-score",
  hyperparameters: {},
  seed: 1,
  threads: 1,
  inputs: [{ name: "x", unit: "1", low: 0, high: 1, integer: false }],
  output: { name: "response", unit: "ADC", axes: [] as never, threshold: 1, noise: 0, saturation: null },
  opset: 18,
};

export async function failureOf(promise: Promise<unknown>): Promise<DriftlineError> {
  const error: unknown = await promise.then(
    () => assert.fail("it should have failed"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof DriftlineError, String(error));
  return error;
}

/** Waits until no process carries the mark any more. */
export async function assertNoneLeft(mark: string): Promise<void> {
  for (let i = 0; i < 100 && processesOf(mark).length > 0; i++) await sleep(20);
  assert.deepEqual(processesOf(mark), []);
}
