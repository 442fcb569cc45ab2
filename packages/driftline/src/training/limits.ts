// Watches a running trainer: seconds, seconds without an event, memory of all its processes, space in its directory.

import { lstat, readdir, statfs } from "node:fs/promises";
import { join } from "node:path";
import { type DriftlineError, fail } from "../errors/registry.ts";
import { memoryOf, processesOf } from "./processes.ts";

export interface RunLimits {
  trainingSeconds: number;
  silentSeconds: number;
  memoryMiB: number;
  directoryMiB: number;
}

export interface WatchedRun {
  /** For messages: what runs. */
  what: string;
  mark: string;
  directory: string | null;
  /** When the last event came, by `performance.now()`. */
  lastEvent(): number;
}

const pollMs = 500;
/** Every file costs at least a block, and time to look at. */
const bytesPerEntry = 4096;
const mib = 2 ** 20;
/** Looking takes one part of so many of the time, and less. */
const longestShare = 20;
/** A trainer that takes more than it leaves is ended before the disk is full: the catalogue lies there too. */
const reserveBytes = 256 * mib;

/** Calls `over` once with what was exceeded. Returns a function that ends the watch. */
export function watchLimits(
  run: WatchedRun,
  limits: RunLimits,
  over: (error: DriftlineError) => void,
): () => void {
  const started = performance.now();
  let lookAtSpaceFrom = started;
  let looking = false;
  const members = membersOf(run.mark);
  const found = (error: DriftlineError | null) => {
    if (error === null) return;
    clearInterval(timer);
    over(error);
  };
  const check = () => {
    const now = performance.now();
    found(
      timeError(run, limits, now - started, now - run.lastEvent()) ??
        memoryError(run.what, members(), limits),
    );
    if (run.directory === null || looking || now < lookAtSpaceFrom) return;
    looking = true;
    void spaceError(run.directory, run.what, limits)
      .then(found, () => {})
      .finally(() => {
        looking = false;
        // A directory of many files takes long to look at.
        lookAtSpaceFrom = performance.now() + longestShare * (performance.now() - now);
      });
  };
  const timer = setInterval(check, pollMs);
  return () => clearInterval(timer);
}

function timeError(
  { what }: WatchedRun,
  { trainingSeconds, silentSeconds }: RunLimits,
  ranMs: number,
  silentMs: number,
): DriftlineError | null {
  if (ranMs > trainingSeconds * 1000) {
    return fail("trainer_failed", `${what}: it was ended after ${trainingSeconds} seconds.`, {
      field: "limits.trainingSeconds",
      remedy: "Raise limits.trainingSeconds, or lower the trainer's steps or the rows.",
    });
  }
  if (silentMs > silentSeconds * 1000) {
    return fail("trainer_failed", `${what}: it was ended after ${silentSeconds} seconds without an event.`, {
      field: "limits.silentSeconds",
      remedy:
        "A trainer says what it does, one JSON object a line; if it is only slow, raise limits.silentSeconds.",
    });
  }
  return null;
}

/** The processes of a mark. On a machine with thousands of others, finding them is not done at every look. */
function membersOf(mark: string): () => number[] {
  let found: number[] = [];
  let findFrom = 0;
  return () => {
    const now = performance.now();
    if (now >= findFrom) {
      found = processesOf(mark);
      findFrom = now + longestShare * (performance.now() - now);
    }
    return found;
  };
}

function memoryError(what: string, pids: number[], { memoryMiB }: RunLimits): DriftlineError | null {
  const bytes = memoryOf(pids, memoryMiB * mib);
  if (bytes <= memoryMiB * mib) return null;
  return fail(
    "trainer_failed",
    `${what}: it was ended because it held ${Math.round(bytes / mib)} MiB of memory, of ${memoryMiB} allowed.`,
    {
      field: "limits.memoryMiB",
      remedy: "Lower batch, width or rows, or raise limits.memoryMiB on a machine with more memory.",
    },
  );
}

async function spaceError(
  directory: string,
  what: string,
  { directoryMiB }: RunLimits,
): Promise<DriftlineError | null> {
  const limit = directoryMiB * mib;
  const used = await spaceOf(directory, limit);
  if (used > limit) {
    return fail("trainer_failed", `${what}: it was ended because it filled more than ${directoryMiB} MiB.`, {
      field: "limits.directoryMiB",
      remedy: `It may write ${directoryMiB} MiB to its directory; raise limits.directoryMiB if it needs more.`,
    });
  }
  const { bavail, bsize } = await statfs(directory);
  const free = bavail * bsize;
  if (free < reserveBytes && used > free) {
    const cause = Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
    return fail(
      "trainer_failed",
      `${what}: it was ended because it filled the disk: ${Math.round(used / mib)} MiB in ${directory}, ${Math.round(free / mib)} MiB free.`,
      { remedy: "Make room on the disk of the data directory.", cause },
    );
  }
  return null;
}

/** Bytes on disk below a directory, links not followed; it stops looking when there are more than `limit`. */
async function spaceOf(directory: string, limit: number): Promise<number> {
  let bytes = 0;
  const pending = [directory];
  for (let folder = pending.pop(); folder !== undefined && bytes <= limit; folder = pending.pop()) {
    for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) pending.push(path);
      const state = await lstat(path).catch(() => null);
      bytes += Math.max(bytesPerEntry, (state?.blocks ?? 0) * 512);
      if (bytes > limit) break;
    }
  }
  return bytes;
}
