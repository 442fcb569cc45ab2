// Runs a Python module of the trainer: events as JSON lines on its standard output, ended by closing its input.

import { spawn } from "node:child_process";
import { fail } from "../errors/registry.ts";
import type { TrainerEnvironment } from "./environment.ts";

export type TrainerEvent = Record<string, unknown> & { event: string };

export interface PythonOptions {
  cwd?: string;
  signal?: AbortSignal;
  onEvent?: (event: TrainerEvent) => void;
  /** Seconds between SIGTERM and SIGKILL on abort. */
  graceSeconds?: number;
  /** Threads for numerical libraries. */
  threads?: number;
}

const maxLineBytes = 1 << 20;
const keptErrorBytes = 8192;

/**
 * Runs `python ...args` until it ends. The child sees its standard input closed when this process dies, and ends then.
 * Rejects with `trainer_failed` (last lines of standard error, or the trainer's own error event) or `cancelled`.
 */
export function runPython(
  environment: TrainerEnvironment,
  args: string[],
  options: PythonOptions = {},
): Promise<void> {
  const { signal, onEvent } = options;
  const what = args.join(" ");
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(fail("cancelled", `${what}: cancelled before it began.`));
      return;
    }
    const threads = String(options.threads ?? 2);
    const child = spawn(environment.python, args, {
      cwd: options.cwd,
      stdio: ["pipe", "pipe", "pipe"],
      env: {
        ...process.env,
        // The first start leaves compiled modules in the environment; without them each start takes seconds longer.
        PYTHONDONTWRITEBYTECODE: "",
        PYTHONPATH: environment.sources,
        PYTHONUNBUFFERED: "1",
        OMP_NUM_THREADS: threads,
        OPENBLAS_NUM_THREADS: threads,
        // Waiting threads sleep: spinning ones would take the cores from what shares the machine.
        OMP_WAIT_POLICY: "PASSIVE",
      },
    });
    let errorTail = "";
    let reported: TrainerEvent | undefined;
    let killTimer: NodeJS.Timeout | undefined;
    const stop = () => {
      child.kill("SIGTERM");
      killTimer = setTimeout(() => child.kill("SIGKILL"), (options.graceSeconds ?? 5) * 1000);
    };
    signal?.addEventListener("abort", stop, { once: true });
    child.stdin.on("error", () => {});
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      errorTail = (errorTail + text).slice(-keptErrorBytes);
    });
    readEvents(child.stdout, (event) => {
      if (event.event === "error") reported = event;
      onEvent?.(event);
    });
    const finish = (error?: Error) => {
      clearTimeout(killTimer);
      signal?.removeEventListener("abort", stop);
      if (error) reject(error);
      else resolve();
    };
    child.on("error", (cause) =>
      finish(
        fail("python_missing", `${what}: ${environment.python} cannot be started: ${cause.message}.`, {
          field: "python",
          remedy:
            "Run `npm run setup`, or set DRIFTLINE_PYTHON to a Python 3.11 with the trainer's requirements.",
          cause,
        }),
      ),
    );
    child.on("close", (code, killedBy) => {
      if (signal?.aborted) finish(fail("cancelled", `${what}: cancelled.`));
      else if (code === 0) finish();
      else finish(failure(what, code, killedBy, reported, errorTail));
    });
  });
}

/** Splits a stream into JSON lines; a line that is no JSON object, or is too long, becomes a log event. */
function readEvents(stream: NodeJS.ReadableStream, onEvent: (event: TrainerEvent) => void): void {
  let buffered = "";
  stream.setEncoding("utf8");
  const handle = (line: string) => {
    if (line.trim() !== "") onEvent(parseEvent(line));
  };
  stream.on("data", (text: string) => {
    buffered += text;
    for (let end = buffered.indexOf("\n"); end >= 0; end = buffered.indexOf("\n")) {
      handle(buffered.slice(0, end));
      buffered = buffered.slice(end + 1);
    }
    if (buffered.length > maxLineBytes) {
      handle(`${buffered.slice(0, 200)}… (line cut)`);
      buffered = "";
    }
  });
  stream.on("end", () => handle(buffered));
}

function parseEvent(line: string): TrainerEvent {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === "object" && value !== null && "event" in value && typeof value.event === "string") {
      return value as TrainerEvent;
    }
  } catch {
    // Not JSON: kept as text below.
  }
  return { event: "log", message: line.slice(0, 2000) };
}

function failure(
  what: string,
  code: number | null,
  killedBy: NodeJS.Signals | null,
  reported: TrainerEvent | undefined,
  errorTail: string,
): Error {
  const how = killedBy ? `was ended by ${killedBy}` : `ended with status ${code}`;
  if (reported) {
    return fail("trainer_failed", `${what} ${how}: ${String(reported.message)}`, {
      field: typeof reported.field === "string" ? reported.field : undefined,
      remedy: typeof reported.remedy === "string" ? reported.remedy : undefined,
    });
  }
  const lines = errorTail.trimEnd().split("\n").slice(-6).join("\n");
  return fail("trainer_failed", `${what} ${how}.${lines ? ` Its last words:\n${lines}` : ""}`, {
    remedy: "Look at the attempt's log for the whole output; `driftline doctor` checks the environment.",
  });
}
