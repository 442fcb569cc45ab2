// Runs an external simulator: a request file in, its output file read back, its process bounded and stopped with the caller.

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fail } from "../errors/registry.ts";
import type { ConditionValues, InputFeature, OutputImage, SimulatorSource } from "../family/family.ts";
import type { ResponseBatch } from "../family/responses.ts";

/** Contents of request.json, the only argument added to the command; docs/simulation.md describes it for users. */
export interface SimulationRequest {
  scheme: "driftline-simulation/1";
  simulator: { name: string; version: number };
  /** Decimal strings in the units that the family declares. */
  conditions: ConditionValues;
  software: Record<string, string>;
  seed: number;
  rows: number;
  /** A CSV file: a line of names (`event` first, then the inputs), then one line a row. */
  inputs: { file: string; columns: { name: string; unit: string }[] };
  /** What to write: one entry a row, in the order of the rows, with the branches that the family's data.files names. */
  output: { file: string; format: "root" | "parquet"; image: OutputImage };
}

export interface ExternalRun {
  simulator: SimulatorSource;
  conditions: ConditionValues;
  software?: Record<string, string>;
  inputs: InputFeature[];
  output: OutputImage;
  seed: number;
  /** rows × inputs. */
  features: Float32Array;
  ids: BigInt64Array;
  /** Reads the file that the program wrote, rows in the file's order. */
  readResponses?: (file: string) => Promise<ResponseBatch>;
  onProgress?: (fraction: number, message: string | null) => void;
  signal?: AbortSignal;
}

const KEPT_CHARACTERS = 8192;
const GRACE_MS = 1000;

/**
 * Responses [rows, axis 0, axis 1] of an external program at given inputs. The program runs in a folder of its own, which
 * is removed afterwards. Errors: `simulator_failed` (not found, exit code, output missing or of other rows), `cancelled`,
 * and what `readResponses` throws.
 */
export async function respondExternally(run: ExternalRun): Promise<Float32Array> {
  const { simulator, readResponses } = run;
  const rows = run.ids.length;
  const what = `Simulator ${simulator.name}`;
  if (
    simulator.command === null ||
    simulator.command.length === 0 ||
    simulator.format === null ||
    !readResponses
  ) {
    throw fail("invalid_family", `${what} has no command, no format or no mapping of its output file`, {
      field: "data.simulator",
      remedy: "Give data.simulator.command, data.simulator.format (root or parquet) and data.files",
    });
  }
  const folder = await mkdtemp(join(tmpdir(), "driftline-simulator-"));
  try {
    const outputFile = join(folder, `output.${simulator.format}`);
    const inputsFile = join(folder, "inputs.csv");
    await writeFile(inputsFile, csvOf(run));
    const request: SimulationRequest = {
      scheme: "driftline-simulation/1",
      simulator: { name: simulator.name, version: simulator.version },
      conditions: run.conditions,
      software: run.software ?? {},
      seed: run.seed,
      rows,
      inputs: { file: inputsFile, columns: run.inputs.map(({ name, unit }) => ({ name, unit })) },
      output: { file: outputFile, format: simulator.format, image: run.output },
    };
    const requestFile = join(folder, "request.json");
    await writeFile(requestFile, JSON.stringify(request, null, 1));
    await runProgram(what, [...simulator.command, requestFile], folder, run);
    if (!existsSync(outputFile)) {
      throw fail("simulator_failed", `${what} ended well but wrote no file ${outputFile}`, {
        remedy: "The program must write the file that output.file of the request names",
      });
    }
    const batch = await readResponses(outputFile);
    checkRows(what, run, batch);
    return batch.responses;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function csvOf(run: ExternalRun): string {
  const width = run.inputs.length;
  const lines = [["event", ...run.inputs.map(({ name }) => name)].join(",")];
  for (let row = 0; row < run.ids.length; row++) {
    // A float32 written as the float64 that it is: read back and rounded, it is the same number.
    lines.push([run.ids[row], ...run.features.subarray(row * width, (row + 1) * width)].join(","));
  }
  return `${lines.join("\n")}\n`;
}

function runProgram(what: string, command: string[], folder: string, run: ExternalRun): Promise<void> {
  const { signal, onProgress } = run;
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(fail("cancelled", `${what}: cancelled before it began`));
    // A process group of its own, so that what a script started ends with it; stdin closes when this process dies.
    const child = spawn(command[0], command.slice(1), { cwd: folder, stdio: "pipe", detached: true });
    let errorTail = "";
    let killTimer: NodeJS.Timeout | undefined;
    child.stdin.on("error", () => {});
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      errorTail = (errorTail + text).slice(-KEPT_CHARACTERS);
    });
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      onProgress?.(0, text.trim().split("\n").at(-1)?.slice(0, 200) ?? null);
    });
    const stop = () => {
      signalGroup(child, "SIGTERM");
      killTimer = setTimeout(() => signalGroup(child, "SIGKILL"), GRACE_MS);
    };
    signal?.addEventListener("abort", stop, { once: true });
    const finish = (error?: Error) => {
      clearTimeout(killTimer);
      signal?.removeEventListener("abort", stop);
      if (error) reject(error);
      else resolve();
    };
    child.on("error", (cause: NodeJS.ErrnoException) => {
      const reason = cause.code === "ENOENT" ? "there is no such program" : cause.message;
      finish(
        fail("simulator_failed", `${what}: ${command[0]} cannot be started: ${reason}`, {
          field: "data.simulator.command",
          remedy: "Give the program's full path, or one that is on the PATH, and make it executable",
          cause,
        }),
      );
    });
    child.on("close", (code, killedBy) => {
      if (signal?.aborted) return finish(fail("cancelled", `${what}: cancelled`));
      if (code === 0) return finish();
      const ending = code === null ? `was ended by ${killedBy}` : `ended with exit code ${code}`;
      const said = errorTail.trim().split("\n").slice(-8).join("\n");
      finish(
        fail(
          "simulator_failed",
          `${what} ${ending}${said ? `; the end of its standard error:\n${said}` : ""}`,
          {
            remedy: `Run it by hand with a request file: ${command.slice(0, -1).join(" ")} request.json`,
            data: killedBy === null ? undefined : { signal: killedBy },
          },
        ),
      );
    });
  });
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, signal);
  } catch {
    // It has ended already.
  }
}

/** The file's rows must be those that were asked for, in their order. */
function checkRows(what: string, run: ExternalRun, batch: ResponseBatch): void {
  const rows = run.ids.length;
  if (batch.rows !== rows) {
    throw fail("simulator_failed", `${what} wrote ${batch.rows} rows; ${rows} were asked for`, {
      remedy: "The program must write one entry for each row of inputs.csv, in its order",
    });
  }
  const width = run.inputs.length;
  for (let i = 0; i < rows * width; i++) {
    const [asked, got] = [run.features[i], batch.features[i]];
    if (!(Math.abs(asked - got) <= 1e-5 * Math.abs(asked) + 1e-9)) {
      const { name } = run.inputs[i % width];
      throw fail(
        "simulator_failed",
        `${what}: row ${Math.floor(i / width)} has ${name} ${got}; ${asked} was asked for`,
        {
          field: name,
          remedy: "The program must write its inputs unchanged, rows in the order of inputs.csv",
        },
      );
    }
  }
}
