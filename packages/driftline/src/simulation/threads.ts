// Simulation threads: kept for a while after their work, for validation asks many times for a few hundred rows.

import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { WorkerTask } from "./control.ts";

/** After so long without work a thread ends. One that starts anew costs 0.3 s. */
const IDLE_MS = 5000;

const idle = new Set<Worker>();

/** Works on a task in a thread until no rows are left or it is told to stop; rejects with an error of the thread. */
export async function runInThread(task: WorkerTask): Promise<void> {
  const worker = takeIdle() ?? startThread();
  // Of an idle thread the process does not wait for the end.
  worker.ref();
  const settled = new AbortController();
  const { signal } = settled;
  try {
    worker.postMessage(task);
    // `once` rejects with an error that the thread throws.
    await Promise.race([once(worker, "message", { signal }), endOf(worker, signal)]);
    keep(worker);
  } finally {
    settled.abort();
  }
}

function takeIdle(): Worker | undefined {
  const [worker] = idle;
  if (worker) idle.delete(worker);
  return worker;
}

function startThread(): Worker {
  const file = import.meta.url.endsWith(".ts") ? "./worker.ts" : "./worker.js";
  const worker = new Worker(new URL(file, import.meta.url));
  // Whoever waits for it gets the error; an idle one is nobody's loss.
  worker.on("error", () => idle.delete(worker));
  worker.on("exit", () => idle.delete(worker));
  return worker;
}

async function endOf(worker: Worker, signal: AbortSignal): Promise<never> {
  const [status] = (await once(worker, "exit", { signal })) as [number];
  throw new Error(`it ended with status ${status}`);
}

function keep(worker: Worker): void {
  idle.add(worker);
  worker.unref();
  setTimeout(() => {
    if (idle.delete(worker)) void worker.terminate();
  }, IDLE_MS).unref();
}
