// Which failures may pass if the work is tried again, how often that is done, and after how long.

import { machineReason } from "../../errors/machine.ts";
import { DriftlineError, fail } from "../../errors/registry.ts";

/** Tries after the first; a finished stage begins to count anew. */
export const maximumRetries = 3;
const delaysSeconds = [2, 8, 32];
/** The longest delay, with its jitter. */
export const longestDelayMs = 40_000;

const deepestCause = 8;

/** Why a failure may pass, in words; null for one that will be the same next time. */
export function passingReason(error: unknown): string | null {
  let cause: unknown = error;
  for (let depth = 0; depth < deepestCause && cause instanceof Error; depth++, cause = cause.cause) {
    if (cause instanceof DriftlineError) {
      if (cause.code === "busy") return "the database was busy";
      const { signal, temporary } = (cause.data ?? {}) as { signal?: unknown; temporary?: unknown };
      if (typeof signal === "string") return `a process was ended by ${signal}`;
      if (temporary === true) return "the machine gave out";
    }
    const found = machineReason(cause);
    if (found !== null) return found;
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
