// Failures of reading data as the one error of the platform: which file, what was wrong, what was tried, what to do.

import { RootError } from "@driftline/rootio";
import { XrootdError } from "@driftline/xrootd";
import { type DriftlineError, fail } from "../../errors/registry.ts";
import { hostOf, withoutSecrets } from "./address.ts";

const remedies: Record<RootError["kind"], string> = {
  unreadable: "Give the path or address of a file that exists and can be read.",
  not_root: "Give a ROOT file with a TTree or an RNTuple, or a file of another format that is read.",
  damaged: "Copy the file again from where it came from, or leave it out.",
  missing: "Name a tree or branch that the file has, or give files that have it.",
  unsupported: "Write a TTree or an RNTuple with numbers or lists of numbers.",
  too_large: "Write baskets or pages of fewer entries, or leave the file out.",
};
const remoteRemedy =
  "Check the address, that the server runs and that you may read the file; or copy it and name the copy.";

/** `invalid_data`: reading a location failed for this reason. */
export function unusable(
  location: string,
  problem: string,
  remedy: string,
  more: { field?: string; cause?: unknown } = {},
): DriftlineError {
  const { field = "data.files", cause } = more;
  return fail("invalid_data", `cannot read ${shown(location)}: ${problem}`, { field, remedy, cause });
}

/** A location in a message: secrets and control characters are left out, what is too long is cut. */
export function shown(location: string): string {
  const plain = withoutSecrets(location).replace(/\p{Cc}+/gu, "?");
  return plain.length > 300 ? `${plain.slice(0, 300)}…` : plain;
}

/** Runs work on a file; what its libraries throw becomes `invalid_data`, an abort stays an abort. */
export async function reading<T>(
  location: string,
  work: () => T | Promise<T>,
  signal?: AbortSignal,
  field?: string,
): Promise<T> {
  try {
    signal?.throwIfAborted();
    return await work();
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    throw translated(location, error, field);
  }
}

/** The error as `invalid_data` where a library of files threw it; others as they are. */
export function translated(location: string, error: unknown, field?: string): unknown {
  if (error instanceof RootError) {
    const host = hostOf(location);
    if (error.kind === "unreadable" && host !== null)
      return unusable(
        location,
        `${error.problem} (asked ${host}, several times where that could help)`,
        remoteRemedy,
        {
          field,
          cause: error,
        },
      );
    return unusable(location, error.problem, remedies[error.kind], { field, cause: error });
  }
  if (error instanceof XrootdError) {
    const at = error.server ?? hostOf(location);
    const problem = `${error.problem} (asked ${at}, again where a connection was lost)`;
    return unusable(location, problem, error.remedy ?? remoteRemedy, { field, cause: error });
  }
  return error;
}
