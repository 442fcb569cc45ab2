// Problem documents (RFC 9457) from errors, with the status that the registry gives each code.

import type { Problem } from "@driftline/client/api";
import { DriftlineError, type ErrorCode, errorRegistry } from "./registry.ts";

/** The problem document of any error; one that is not Driftline's own becomes `internal`. */
export function toProblem(error: unknown): Problem {
  if (!(error instanceof DriftlineError)) {
    return toProblem(
      new DriftlineError("internal", error instanceof Error ? error.message : String(error), {
        cause: error,
      }),
    );
  }
  const known = isKnown(error.code) ? error.code : "internal";
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
  return isKnown(code) ? errorRegistry[code].exit : 1;
}

/** False for a code of a newer server, and for a name that every object has, such as `constructor`. */
function isKnown(code: string): code is ErrorCode {
  return Object.hasOwn(errorRegistry, code);
}
