// The processes of a run: found in /proc by a mark that all of them inherit, how much memory they hold, and their end.

import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * Environment variable that marks what a run starts. A process group would lose what makes a session of its own; the
 * environment is inherited by all. Its value is a path that ends with "/", so that `…/attempt-1/` is no prefix of
 * `…/attempt-12/`.
 */
export const markVariable = "DRIFTLINE_ATTEMPT";

/** A mark of one run's own; below a directory of the attempt, if there is one, so that the attempt's runs are found by it. */
export function newMark(attempt: string = tmpdir()): string {
  return `${attempt}/${randomUUID()}/`;
}

const passes = 200;

/** Living processes whose mark begins with `mark`, this one left out. None where there is no /proc. */
export function processesOf(mark: string): number[] {
  const wanted = Buffer.from(`\0${markVariable}=${mark}`);
  const found: number[] = [];
  for (const name of pidsOf()) {
    const pid = Number(name);
    if (pid === process.pid) continue;
    const environment = read(`/proc/${name}/environ`);
    if (environment === null) continue;
    const isMarked = environment.includes(wanted) || environment.indexOf(wanted.subarray(1)) === 0;
    if (isMarked) found.push(pid);
  }
  return found;
}

/** Ends every process that carries the mark, whatever it started meanwhile, and returns when none lives. */
export async function endProcesses(mark: string): Promise<void> {
  for (let pass = 0; pass < passes; pass++) {
    const found = processesOf(mark);
    if (found.length === 0) return;
    // Stopped first: what forks faster than it is killed would never end.
    for (const pid of found) send(pid, "SIGSTOP");
    for (const pid of found) send(pid, "SIGKILL");
    await sleep(Math.min(pass, 20));
  }
}

/** Sends a signal to a process, or with a negative number to a process group; one that is gone is no error. */
export function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended already.
  }
}

/** Asks the kernel to take this process, and what it starts, before others when memory runs out. */
export function offerToOomKiller(pid: number): void {
  try {
    writeFileSync(`/proc/${pid}/oom_score_adj`, "500");
  } catch {
    // Not Linux, or it has ended already.
  }
}

/**
 * Bytes of memory that the processes hold and that cannot be reclaimed: anonymous and shared pages, not those of mapped
 * files. Pages that several share are counted once where the plain sum is above `limit`.
 */
export function memoryOf(pids: number[], limit: number): number {
  const plain = sum(pids, (pid) => kibOf(`/proc/${pid}/status`, ["RssAnon", "RssShmem"]));
  return plain <= limit
    ? plain
    : sum(pids, (pid) => kibOf(`/proc/${pid}/smaps_rollup`, ["Pss_Anon", "Pss_Shmem"]));
}

function sum(pids: number[], kib: (pid: number) => number): number {
  return pids.reduce((total, pid) => total + kib(pid) * 1024, 0);
}

/** Sum of some fields of a /proc file, such as `RssAnon:     1234 kB`. */
function kibOf(path: string, fields: string[]): number {
  const text = read(path)?.toString("latin1") ?? "";
  return fields.reduce((total, field) => {
    const found = new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(text);
    return total + Number(found?.[1] ?? 0);
  }, 0);
}

function pidsOf(): string[] {
  try {
    return readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}

/** Null where the process is gone, or is another user's. */
function read(path: string): Buffer | null {
  try {
    return readFileSync(path);
  } catch {
    return null;
  }
}
