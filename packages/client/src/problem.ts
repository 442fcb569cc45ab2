// Problem documents (RFC 9457) of a server, made errors again.

import { problem } from "./api.ts";
import { DriftlineError } from "./error.ts";

/** The error that a problem document describes; undefined where the JSON is no problem document of Driftline. */
export function errorOf(json: unknown): DriftlineError | undefined {
  const parsed = problem.safeParse(json);
  if (!parsed.success) return undefined;
  const { type, title, status, detail, code, field, remedy, ...data } = parsed.data;
  return new DriftlineError(code, detail, { field, remedy, data });
}
