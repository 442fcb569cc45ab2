// Finds the trainer's Python environment and names it by a digest, so that a recipe says what trained the model.

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { promisify } from "node:util";
import { fail } from "../errors/registry.ts";

export interface TrainerEnvironment {
  /** The Python program. */
  python: string;
  /** Directory that holds the package driftline_trainer. */
  sources: string;
  /** SHA-256 over the lock file and the trainer's sources. */
  digest: string;
}

/**
 * The environment under `trainerDirectory` (requirements.lock, src/, .venv/), or with `python` in place of its own.
 * Throws `python_missing` where there is no such program.
 */
export function trainerEnvironment(trainerDirectory: string, python?: string | null): TrainerEnvironment {
  const program = python ?? join(trainerDirectory, ".venv", "bin", "python");
  if (!existsSync(program)) {
    throw fail("python_missing", `Preparing to train: there is no Python at ${program}.`, {
      field: python ? "python" : "trainer",
      remedy: python
        ? "Set `python` in driftline.yaml (or DRIFTLINE_PYTHON) to a Python 3.11 that has the trainer's requirements."
        : "Run `npm run setup` (needs Python 3.11 or later with venv), or set DRIFTLINE_PYTHON.",
    });
  }
  const sources = join(trainerDirectory, "src");
  const hash = createHash("sha256");
  for (const path of [join(trainerDirectory, "requirements.lock"), ...pythonFiles(sources)]) {
    hash
      .update(`${relative(trainerDirectory, path)}\0`)
      .update(readFileSync(path))
      .update("\0");
  }
  return { python: program, sources, digest: hash.digest("hex") };
}

function pythonFiles(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".py"))
    .sort()
    .map((path) => join(directory, path));
}

/** Versions of Python and of the packages that training rests on, in one line. Throws `python_missing`. */
export async function trainerVersions({ python }: TrainerEnvironment): Promise<string> {
  const script = [
    "import sys, importlib.metadata as m",
    "print('Python', sys.version.split()[0], *(f'{n} {m.version(n)}' for n in ('jax', 'jax2onnx', 'onnxruntime', 'scikit-learn')))",
  ].join("\n");
  try {
    const { stdout } = await promisify(execFile)(python, ["-c", script], { timeout: 60_000 });
    return stdout.trim();
  } catch (cause) {
    throw fail("python_missing", `${python} lacks what the trainer needs.`, {
      field: "python",
      remedy:
        "Run `npm run setup`, or set DRIFTLINE_PYTHON to a Python with the packages of trainer/requirements.lock.",
      cause,
    });
  }
}
