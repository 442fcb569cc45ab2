// Problem documents (RFC 9457) from errors, with the status that the registry gives each code.

import type { Problem } from "@driftline/client/api";
import { DriftlineError, errorRegistry } from "./registry.ts";

/** The problem document of any error; one that is not Driftline's own becomes `internal`. */
export function toProblem(error: unknown): Problem {
  if (!(error instanceof DriftlineError)) {
    return toProblem(
      new DriftlineError("internal", error instanceof Error ? error.message : String(error), {
        cause: error,
      }),
    );
  }
  const known = error.code in errorRegistry ? (error.code as keyof typeof errorRegistry) : "internal";
  return {
    type: `urn:driftline:error:${error.code}`,
    title: errorRegistry[known].title,
    status: errorRegistry[known].http,
    detail: error.message,
    code: error.code,
    ...(error.field !== undefined && { field: error.field }),
    ...(error.remedy !== undefined && { remedy: error.remedy }),
    ...error.data,
  };
}

export function exitCode(code: string): number {
  return code in errorRegistry ? errorRegistry[code as keyof typeof errorRegistry].exit : 1;
}
