// Which failures may pass if the work is tried again, how often that is done, and after how long.

import { DriftlineError, fail } from "../../errors/registry.ts";

/** Tries after the first; a finished stage begins to count anew. */
export const maximumRetries = 3;
const delaysSeconds = [2, 8, 32];
/** The longest delay, with its jitter. */
export const longestDelayMs = 40_000;

/** Codes of system errors that are the machine's doing: errno(3). */
const passingErrors = new Map<string, string>([
  ["ENOSPC", "no space was left on the disk"],
  ["EDQUOT", "the disk quota was used up"],
  ["EIO", "the disk failed"],
  ["ENOMEM", "memory ran out"],
  ["EAGAIN", "the machine had no process or memory to spare"],
  ["EMFILE", "too many files were open"],
  ["ENFILE", "too many files were open on the machine"],
]);

/** Primary result codes of SQLite (sqlite.org/rescode.html). */
const passingSqlite = new Map<number, string>([
  [5, "the database was busy"],
  [7, "memory ran out"],
  [10, "the disk failed"],
  [13, "no space was left on the disk"],
]);

const deepestCause = 8;

/** Why a failure may pass, in words; null for one that will be the same next time. */
export function passingReason(error: unknown): string | null {
  let cause: unknown = error;
  for (let depth = 0; depth < deepestCause && cause instanceof Error; depth++, cause = cause.cause) {
    const { code, errcode } = cause as { code?: unknown; errcode?: unknown };
    if (cause instanceof DriftlineError) {
      if (cause.code === "busy") return "the database was busy";
      const { signal, temporary } = (cause.data ?? {}) as { signal?: unknown; temporary?: unknown };
      if (typeof signal === "string") return `a process was ended by ${signal}`;
      if (temporary === true) return "the machine gave out";
    }
    const found =
      (typeof code === "string" ? passingErrors.get(code) : undefined) ??
      (typeof errcode === "number" ? passingSqlite.get(errcode & 0xff) : undefined);
    if (found !== undefined) return found;
  }
  return null;
}

/** Milliseconds before try number `retry` (1 for the first after a failure): 2, 8, 32 s, a quarter more or less. */
export function retryDelayMs(retry: number, random: () => number = Math.random): number {
  const seconds = delaysSeconds[Math.min(retry, delaysSeconds.length) - 1];
  return Math.round(seconds * 1000 * (0.75 + 0.5 * random()));
}

/** What a job ends with that failed too often. */
export function givenUp(id: string, reason: string): DriftlineError {
  return fail(
    "machine_failed",
    `Job ${id}: ${reason}, ${maximumRetries + 1} times in a row; it is not tried again.`,
    {
      remedy:
        "Look at its worker.log and at the memory and disk of the machine; asking again begins a new job, and stages that are done stay done.",
    },
  );
}
