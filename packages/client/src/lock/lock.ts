// A lock, driftline-lock/1: from (family, run) to the one bundle that a campaign uses.

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import canonicalize from "canonicalize";
import { z } from "zod";
import { DriftlineError } from "../error.ts";
import { rangeOf, runNumber } from "./runTable.ts";

export const lockFormat = "driftline-lock/1";

const digest = z.string().regex(/^[0-9a-f]{64}$/, "64 hexadecimal digits");
const texts = z.record(z.string(), z.string());

export const lockedRange = z.object({
  firstRun: runNumber,
  lastRun: runNumber,
  family: z.string(),
  familyVersion: z.int(),
  /** Canonical, all of the family's. */
  conditions: texts,
  software: texts,
  key: z.string(),
  bundle: digest,
  match: z.enum(["exact", "compatible"]),
  /** A decimal text: all numbers in a lock are integers, so that its canonical JSON is easily written. */
  distance: z.string(),
});
export type LockedRange = z.infer<typeof lockedRange>;

export const lock = z.object({
  format: z.literal(lockFormat),
  tag: z.string(),
  createdAt: z.string(),
  /** SHA-256 of the table of runs. */
  runs: digest,
  accept: z.enum(["exact", "compatible"]),
  /** By family, then by first run; without overlaps in a family. */
  ranges: z.array(lockedRange),
  digest,
});
export type Lock = z.infer<typeof lock>;

/** Completes a lock with its digest. */
export function sealLock(unsealed: Omit<Lock, "digest">): Lock {
  return { ...unsealed, digest: digestOf(unsealed) };
}

/** Reads and checks a lock file. Throws `usage` where there is none, `damaged`. */
export async function readLock(path: string): Promise<Lock> {
  const bytes = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
    const why = cause.code === "ENOENT" ? "there is no such file" : cause.message;
    throw new DriftlineError("usage", `Reading the lock ${path}: ${why}.`, {
      field: "lock",
      remedy: "Name the file that `driftline lock --out` wrote.",
      cause,
    });
  });
  return parseLock(bytes, `the lock ${path}`);
}

/** Checks the bytes of a lock; `what` is for messages. Throws `damaged`. */
export function parseLock(bytes: Uint8Array, what: string): Lock {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw damagedLock(what, `it is not JSON in UTF-8: ${(cause as Error).message}`, cause);
  }
  const parsed = lock.safeParse(json);
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0];
    throw damagedLock(what, `${path.join(".") || "its top level"}: ${message}`, parsed.error);
  }
  // Of what was in the file, members included that this version does not know.
  const { digest: stated, ...rest } = json as Lock;
  const found = digestOf(rest);
  if (found !== stated) throw damagedLock(what, `its content has digest ${found}, it states ${stated}`);
  return parsed.data;
}

/** What a lock says about a run. Throws `no_model` where it has no range for it. */
export function lockedRun(of: Lock, family: string, run: number): LockedRange {
  const ranges = of.ranges.filter((range) => range.family === family);
  const found = rangeOf(ranges, run);
  if (found) return found;
  const known = ranges.length === 0 ? `no range of ${family}` : `no range of ${family} with run ${run}`;
  throw new DriftlineError("no_model", `Lock ${of.digest.slice(0, 12)} of tag ${of.tag} has ${known}.`, {
    field: ranges.length === 0 ? "family" : "run",
    remedy: `It has ${describeRanges(of)}. Make another lock with \`driftline lock\`.`,
  });
}

function describeRanges({ ranges }: Lock): string {
  if (ranges.length === 0) return "nothing";
  const shown = ranges.slice(0, 4).map(({ family, firstRun, lastRun }) => `${family} ${firstRun}-${lastRun}`);
  return shown.join(", ") + (ranges.length > 4 ? ` and ${ranges.length - 4} more ranges` : "");
}

function digestOf(unsealed: object): string {
  return createHash("sha256").update(canonicalize(unsealed)!).digest("hex");
}

function damagedLock(what: string, found: string, cause?: unknown): DriftlineError {
  return new DriftlineError("damaged", `Reading ${what}: ${found}.`, {
    field: "lock",
    remedy: "Copy it again from where it was made.",
    cause,
  });
}
