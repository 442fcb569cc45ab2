// Who holds a lease: a process, named so that others on the host can tell whether it still lives.

import { readFileSync } from "node:fs";
import { hostname } from "node:os";

export interface Holder {
  host: string;
  /** Changes with every boot of the host. */
  boot: string;
  pid: number;
  /** Start time of the process, so that a reused pid is not taken for it. */
  start: string;
}

export function thisProcess(): Holder {
  return { host: hostname(), boot: bootId(), pid: process.pid, start: startTime(process.pid) ?? "" };
}

/** Whether the holder is surely dead: it ran on this host, and that process is gone. */
export function isDead(holder: Holder): boolean {
  if (holder.host !== hostname()) return false;
  if (holder.boot !== bootId()) return true;
  const start = startTime(holder.pid);
  if (start !== null) return start !== holder.start;
  return !exists(holder.pid);
}

function bootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return "";
  }
}

/** Field 22 of /proc/PID/stat (proc(5)); the command in field 2 may hold blanks and brackets. Null where there is none. */
function startTime(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const state = fields[0];
    return state === "Z" || state === "X" ? "dead" : fields[19];
  } catch {
    return null;
  }
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
