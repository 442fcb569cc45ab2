// Runs jobs in worker processes of this host, a few at a time; jobs left behind by dead workers are taken up again.

import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Configuration } from "../../config/configuration.ts";
import { workerUrl } from "../../config/workerUrl.ts";
import { trimLog } from "../../training/outputLog.ts";
import { endProcesses } from "../../training/processes.ts";
import type { JobStore } from "../jobs/jobStore.ts";
import { jobsDirectory, markOf, removeAbandoned, removeAttempts } from "./attempts.ts";
import type { WorkerOrder } from "./worker.ts";

export interface Executor {
  /** Looks for work now rather than at the next tick. */
  kick(): void;
  /** Stops the workers; their jobs are given back and go on with the next executor. */
  close(): Promise<void>;
}

interface Running {
  child: ChildProcess;
  /** Since when its job is to be cancelled, or its lease has run out. */
  cancelSeen: number | null;
  expiredSeen: number | null;
  ended: Promise<void>;
}

const pollMs = 1_000;
const watchMs = 250;
const graceMs = 8_000;
/** A worker that is too busy to notice that its job is cancelled is ended after this time. */
const cancelMs = 1_500;
/** So has one that stalls: its lease runs out first. After a sleep of the machine it has time to renew it. */
const stalledMs = 5_000;
const cleanMs = 24 * 3600 * 1000;
/** What cannot be written down is tried again after this time. */
const troubleMs = 2_000;

/** Runs claimable jobs, or only the one that `only` names, with at most `config.workers` at a time. */
export function startExecutor(config: Configuration, store: JobStore, only?: string): Executor {
  const workers = new Map<string, Running>();
  let closing = false;
  let looking: Promise<void> | null = null;
  let watching: Promise<void> | null = null;

  function clean(): void {
    jobsDirectory(config.dataDirectory)
      .then((jobs) => removeAbandoned(jobs, store, config.limits.jobDays))
      // What could not be removed is removed another time.
      .catch(() => {});
  }

  async function look(): Promise<void> {
    if (closing) return;
    const free = config.workers - workers.size;
    if (free <= 0) return;
    const jobs = await jobsDirectory(config.dataDirectory);
    const ids = (await store.claimable()).filter(
      (id) => !workers.has(id) && (only === undefined || id === only),
    );
    for (const id of ids.slice(0, free)) if (!closing) start(id, join(jobs, id));
  }

  /** Ends workers that do not notice themselves that they should. */
  async function endStuck(): Promise<void> {
    if (workers.size === 0) return;
    const now = performance.now();
    for (const { id, pid, isExpired, cancelRequested } of await store.watched([...workers.keys()])) {
      const worker = workers.get(id);
      if (!worker || worker.child.pid !== pid) continue;
      worker.cancelSeen = cancelRequested ? (worker.cancelSeen ?? now) : null;
      worker.expiredSeen = isExpired ? (worker.expiredSeen ?? now) : null;
      const since = (seen: number | null) => (seen === null ? 0 : now - seen);
      if (since(worker.cancelSeen) > cancelMs || since(worker.expiredSeen) > stalledMs) {
        worker.child.kill("SIGKILL");
      }
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
    workers.set(id, { child, cancelSeen: null, expiredSeen: null, ended });
  }

  /** A worker that ends well has written down what became of its job; for one that died it is done here. */
  async function afterDeath(
    id: string,
    child: ChildProcess,
    how: string,
    jobDirectory: string,
  ): Promise<void> {
    const [left] = await store.watched([id]);
    // Its own attempt's processes: those of another worker, who has taken the job over, are none of its business.
    const isOwn = left !== undefined && left.pid === child.pid;
    if (isOwn) await endProcesses(markOf(jobDirectory, left.attempt));
    const worker = { host: hostname(), pid: child.pid ?? 0 };
    const hasEnded = await store
      .workerEnded(id, worker, `the worker process ${how}`, !closing)
      .catch(async (error: unknown) => {
        // A disk that is full takes no record, and this may be what fills it.
        if (isOwn) await removeAttempts(jobDirectory);
        throw error;
      });
    if (hasEnded) await removeAttempts(jobDirectory);
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

  function watch(): void {
    watching ??= endStuck()
      .catch(() => {})
      .finally(() => {
        watching = null;
      });
  }

  const timers = [setInterval(kick, pollMs), setInterval(watch, watchMs), setInterval(clean, cleanMs)];
  clean();
  kick();
  return {
    kick,
    async close() {
      closing = true;
      for (const timer of timers) clearInterval(timer);
      await Promise.all([looking, watching]);
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
