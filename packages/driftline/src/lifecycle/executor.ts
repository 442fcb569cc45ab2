// Runs jobs in worker processes of this host, a few at a time; jobs left behind by dead workers are taken up again.

import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Configuration } from "../config/configuration.ts";
import { workerUrl } from "../config/workerUrl.ts";
import type { JobStore } from "./jobStore.ts";
import type { WorkerOrder } from "./worker.ts";

export interface Executor {
  /** Looks for work now rather than at the next tick. */
  kick(): void;
  /** Stops the workers; their jobs are given back and go on with the next executor. */
  close(): Promise<void>;
}

const pollMs = 1_000;
const graceMs = 8_000;

/** Runs claimable jobs, or only the one that `only` names, with at most `config.workers` at a time. */
export function startExecutor(config: Configuration, store: JobStore, only?: string): Executor {
  const workers = new Map<string, ChildProcess>();
  let closing = false;
  let looking: Promise<void> | null = null;

  async function look(): Promise<void> {
    const free = config.workers - workers.size;
    if (closing || free <= 0) return;
    const ids = (await store.claimable()).filter(
      (id) => !workers.has(id) && (only === undefined || id === only),
    );
    for (const id of ids.slice(0, free)) if (!closing) start(id);
  }

  function start(id: string): void {
    const order: WorkerOrder = { config, job: id };
    const directory = join(config.dataDirectory, "jobs", id);
    mkdirSync(directory, { recursive: true });
    const log = openSync(join(directory, "worker.log"), "a");
    const child = spawn(
      process.execPath,
      ["--disable-warning=ExperimentalWarning", fileURLToPath(workerUrl(import.meta.url, "./worker.ts"))],
      { stdio: ["pipe", log, log] },
    );
    closeSync(log);
    // Not on the command line, which everyone can read; and the worker ends when this pipe closes.
    child.stdin?.on("error", () => {}).write(`${JSON.stringify(order)}\n`);
    workers.set(id, child);
    child.on("error", () => workers.delete(id));
    child.on("exit", () => {
      workers.delete(id);
      kick();
    });
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

function stop(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    const timer = setTimeout(() => child.kill("SIGKILL"), graceMs);
    child.once("exit", () => {
      clearTimeout(timer);
      resolve();
    });
    child.kill("SIGTERM");
  });
}
