// Runs jobs in worker processes of this host, a few at a time; jobs left behind by dead workers are taken up again.

import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Configuration } from "../config/configuration.ts";
import { workerUrl } from "../config/workerUrl.ts";
import { trimLog } from "../training/outputLog.ts";
import { endProcesses } from "../training/processes.ts";
import { jobsDirectory, markOf, removeAbandoned } from "./attempts.ts";
import type { JobStore } from "./jobStore.ts";
import type { WorkerOrder } from "./worker.ts";

export interface Executor {
  /** Looks for work now rather than at the next tick. */
  kick(): void;
  /** Stops the workers; their jobs are given back and go on with the next executor. */
  close(): Promise<void>;
}

interface Running {
  child: ChildProcess;
  /** When it was seen that the job is to be cancelled. */
  cancelSeen: number | null;
  ended: Promise<void>;
}

const pollMs = 500;
const graceMs = 8_000;
/** A worker that is too busy to notice that its job is cancelled is ended after this time. */
const cancelMs = 1_300;
/** What cannot be written down is tried again after this time. */
const troubleMs = 2_000;

/** Runs claimable jobs, or only the one that `only` names, with at most `config.workers` at a time. */
export function startExecutor(config: Configuration, store: JobStore, only?: string): Executor {
  const workers = new Map<string, Running>();
  let closing = false;
  let looking: Promise<void> | null = null;
  const directory = jobsDirectory(config.dataDirectory);
  directory
    .then((jobs) => removeAbandoned(jobs, store, config.limits.jobDays))
    // What could not be removed is removed another time.
    .catch(() => {});

  async function look(): Promise<void> {
    if (closing) return;
    if (workers.size > 0) await endCancelled();
    const free = config.workers - workers.size;
    if (free <= 0) return;
    const jobs = await directory;
    const ids = (await store.claimable()).filter(
      (id) => !workers.has(id) && (only === undefined || id === only),
    );
    for (const id of ids.slice(0, free)) if (!closing) start(id, join(jobs, id));
  }

  async function endCancelled(): Promise<void> {
    const now = performance.now();
    for (const id of await store.cancelRequested([...workers.keys()])) {
      const worker = workers.get(id);
      if (!worker) continue;
      worker.cancelSeen ??= now;
      if (now - worker.cancelSeen > cancelMs) worker.child.kill("SIGKILL");
    }
  }

  function start(id: string, jobDirectory: string): void {
    const order: WorkerOrder = { config, job: id };
    mkdirSync(jobDirectory, { recursive: true });
    const logPath = join(jobDirectory, "worker.log");
    trimLog(logPath, config.limits.logMiB * 2 ** 20);
    const log = openSync(logPath, "a");
    const child = spawn(
      process.execPath,
      ["--disable-warning=ExperimentalWarning", fileURLToPath(workerUrl(import.meta.url, "./worker.ts"))],
      { stdio: ["pipe", log, log] },
    );
    closeSync(log);
    // Not on the command line, which everyone can read; and the worker ends when this pipe closes.
    child.stdin?.on("error", () => {}).write(`${JSON.stringify(order)}\n`);
    const ended = endOf(child)
      .then((how) => (how === null ? undefined : afterDeath(id, child, how, jobDirectory)))
      .catch(() => new Promise<void>((resolve) => setTimeout(resolve, closing ? 0 : troubleMs)))
      .then(() => {
        workers.delete(id);
        kick();
      });
    workers.set(id, { child, cancelSeen: null, ended });
  }

  /** A worker that ends well has written down what became of its job; for one that died it is done here. */
  async function afterDeath(
    id: string,
    child: ChildProcess,
    how: string,
    jobDirectory: string,
  ): Promise<void> {
    await endProcesses(markOf(jobDirectory));
    const worker = { host: hostname(), pid: child.pid ?? 0 };
    await store.workerEnded(id, worker, `the worker process ${how}`, !closing);
  }

  function kick(): void {
    if (closing) return;
    looking ??= look()
      // A busy database is asked again at the next tick.
      .catch(() => {})
      .finally(() => {
        looking = null;
      });
  }

  const timer = setInterval(kick, pollMs);
  kick();
  return {
    kick,
    async close() {
      closing = true;
      clearInterval(timer);
      await looking;
      await Promise.all([...workers.values()].map(stop));
    },
  };
}

/** How a worker died, in words; null for one that ended well. */
function endOf(child: ChildProcess): Promise<string | null> {
  return new Promise((resolve) => {
    child.once("error", (error) => resolve(`could not be started: ${error.message}`));
    child.once("exit", (code, signal) => {
      if (signal === "SIGKILL") resolve("was ended by SIGKILL, mostly a sign that memory ran out");
      else if (signal === "SIGABRT") resolve("ended itself (SIGABRT), mostly a sign that its heap was full");
      else resolve(code === 0 ? null : `ended with ${signal ?? `status ${code}`}`);
    });
  });
}

async function stop({ child, ended }: Running): Promise<void> {
  const timer = setTimeout(() => child.kill("SIGKILL"), graceMs);
  child.kill("SIGTERM");
  await ended;
  clearTimeout(timer);
}
