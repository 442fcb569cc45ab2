// Runs a Python module of the trainer in a session of its own, within limits, and leaves no process of it behind.

import { type ChildProcess, spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { type DriftlineError, fail } from "../errors/registry.ts";
import type { TrainerEnvironment } from "./environment.ts";
import { eventReader, plainText, type TrainerEvent } from "./events.ts";
import { type RunLimits, watchLimits } from "./limits.ts";
import { endProcesses, markVariable, newMark, offerToOomKiller, send } from "./processes.ts";

export type { TrainerEvent } from "./events.ts";

export interface PythonOptions {
  /** For messages: what is being done. */
  what?: string;
  cwd?: string;
  signal?: AbortSignal;
  /** Seconds between SIGTERM and SIGKILL, asked when `signal` aborts; 1 if left out. */
  graceSeconds?: () => number;
  onEvent?: (event: TrainerEvent) => void;
  /** Gets all that the program writes, as it comes. */
  log?: (text: string) => void;
  /** Threads for numerical libraries. */
  threads?: number;
  limits?: RunLimits;
  /** A directory of the attempt: what is left of the run can be found by it, should this process die. */
  attempt?: string;
}

const keptErrorCharacters = 8192;
const pipeMs = 1000;
/** sysexits.h: the user is invited to try again. */
const temporaryFailure = 75;
const badInput = 2;

/**
 * Runs `python ...args` until it ends, and ends whatever it started. The child sees its standard input closed when this
 * process dies, and ends then. Rejects with `cancelled`, `invalid_training` (exit status 2: what was asked for cannot
 * be), or `trainer_failed` (the trainer's own error event, or the last lines of its standard error); `data.signal` or
 * `data.temporary` say that another try may help.
 */
export async function runPython(
  environment: TrainerEnvironment,
  args: string[],
  options: PythonOptions = {},
): Promise<void> {
  const { signal, limits } = options;
  const what = options.what ?? `python ${args.join(" ")}`;
  if (signal?.aborted) throw fail("cancelled", `${what}: cancelled before it began.`);
  const mark = newMark(options.attempt);
  const child = start(environment, args, mark, options);
  let lastEvent = performance.now();
  let reported: TrainerEvent | undefined;
  let errorTail = "";
  let exceeded: DriftlineError | undefined;
  let killTimer: NodeJS.Timeout | undefined;
  const reader = eventReader((event, isEvent) => {
    if (isEvent) lastEvent = performance.now();
    if (event.event === "error") reported = event;
    options.onEvent?.(event);
  });
  child.stdin?.on("error", () => {});
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    options.log?.(text);
    reader.take(text);
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    options.log?.(text);
    errorTail = (errorTail + text).slice(-keptErrorCharacters);
  });
  const killAll = () => {
    if (child.pid !== undefined) send(-child.pid, "SIGKILL");
    return endProcesses(mark);
  };
  const stop = () => {
    if (child.pid !== undefined) send(-child.pid, "SIGTERM");
    killTimer = setTimeout(() => void killAll(), (options.graceSeconds?.() ?? 1) * 1000);
  };
  const unwatch =
    limits &&
    watchLimits(
      { what, mark, directory: options.cwd ?? null, lastEvent: () => lastEvent },
      limits,
      (error) => {
        exceeded = error;
        void killAll();
      },
    );
  signal?.addEventListener("abort", stop, { once: true });
  try {
    const { code, killedBy } = await endOf(child, environment, what, killAll);
    reader.end();
    if (signal?.aborted) throw fail("cancelled", `${what}: cancelled.`);
    if (exceeded) throw exceeded;
    if (code !== 0) throw failure(what, code, killedBy, reported, errorTail);
  } finally {
    unwatch?.();
    clearTimeout(killTimer);
    signal?.removeEventListener("abort", stop);
  }
}

function start(
  environment: TrainerEnvironment,
  args: string[],
  mark: string,
  options: PythonOptions,
): ChildProcess {
  const threads = String(options.threads ?? 2);
  const child = spawn(environment.python, args, {
    cwd: options.cwd,
    stdio: ["pipe", "pipe", "pipe"],
    // A session and group of its own, so that what it starts can be signalled with it.
    detached: true,
    env: {
      ...process.env,
      [markVariable]: mark,
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
  if (child.pid !== undefined) offerToOomKiller(child.pid);
  return child;
}

/** Waits for the program, ends what it left running, and reads its pipes to their end. */
async function endOf(
  child: ChildProcess,
  { python }: TrainerEnvironment,
  what: string,
  killAll: () => Promise<void>,
): Promise<{ code: number | null; killedBy: NodeJS.Signals | null }> {
  const closed = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const ended = await new Promise<{ code: number | null; killedBy: NodeJS.Signals | null }>(
    (resolve, reject) => {
      child.once("exit", (code, killedBy) => resolve({ code, killedBy }));
      child.once("error", (cause) =>
        reject(
          fail("python_missing", `${what}: ${python} cannot be started: ${cause.message}.`, {
            field: "python",
            remedy:
              "Run `npm run setup`, or set DRIFTLINE_PYTHON to a Python 3.11 with the trainer's requirements.",
            cause,
          }),
        ),
      );
    },
  );
  await killAll();
  // What has lost both group and mark may hold the pipes open; it is not waited for.
  const patience = new AbortController();
  await Promise.race([closed, sleep(pipeMs, undefined, { signal: patience.signal }).catch(() => {})]);
  patience.abort();
  child.stdout?.destroy();
  child.stderr?.destroy();
  return ended;
}

function failure(
  what: string,
  code: number | null,
  killedBy: NodeJS.Signals | null,
  reported: TrainerEvent | undefined,
  errorTail: string,
): Error {
  const how = killedBy ? `was ended by ${killedBy}` : `ended with status ${code}`;
  const data = {
    ...(killedBy && { signal: killedBy }),
    ...(code === temporaryFailure && { temporary: true }),
  };
  if (reported) {
    const text = (value: unknown) => (typeof value === "string" ? plainText(value) : undefined);
    return fail(
      code === badInput ? "invalid_training" : "trainer_failed",
      code === badInput ? (text(reported.message) ?? what) : `${what} ${how}: ${text(reported.message)}`,
      { field: text(reported.field), remedy: text(reported.remedy), data },
    );
  }
  const lines = plainText(errorTail.trimEnd().split("\n").slice(-6).join("\n").slice(-2000));
  return fail("trainer_failed", `${what} ${how}.${lines ? ` Its last words:\n${lines}` : ""}`, {
    remedy:
      killedBy === "SIGKILL"
        ? "Nobody here sent that signal: mostly it means that memory ran out. The job's worker.log has the whole output."
        : "The job's worker.log has the whole output; `driftline doctor` checks the environment.",
    data,
  });
}
