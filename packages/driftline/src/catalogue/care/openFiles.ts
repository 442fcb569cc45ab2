// Which processes of this machine have a file open, as far as this user may see; from /proc, so on Linux alone.

import { readdirSync, readlinkSync, realpathSync } from "node:fs";

/** Ids of the processes that have the file at `path` open; empty where the system doesn't tell. */
export function processesWithOpen(path: string): number[] {
  const real = realpathSync(path);
  return list("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => list(`/proc/${pid}/fd`).some((file) => target(`/proc/${pid}/fd/${file}`) === real))
    .map(Number);
}

function list(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    // Another user's process, or one that has just ended.
    return [];
  }
}

function target(link: string): string | null {
  try {
    return readlinkSync(link);
  } catch {
    return null;
  }
}
