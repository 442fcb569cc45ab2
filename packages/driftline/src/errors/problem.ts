// Problem documents (RFC 9457) from errors, with the status that the registry gives each code.

import type { Problem } from "@driftline/client/api";
import { machineReason } from "./machine.ts";
import { DriftlineError, type ErrorCode, errorRegistry, fail } from "./registry.ts";

/** The problem document of any error; one that is neither Driftline's own nor the machine's becomes `internal`. */
export function toProblem(error: unknown): Problem {
  if (!(error instanceof DriftlineError)) return toProblem(foreign(error));
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

function foreign(error: unknown): DriftlineError {
  const message = error instanceof Error ? error.message : String(error);
  const reason = error instanceof Error ? machineReason(error) : null;
  if (reason === null) return new DriftlineError("internal", message, { cause: error });
  return fail("machine_failed", `${reason[0].toUpperCase()}${reason.slice(1)}: ${message}.`, {
    remedy: "Nothing that was acknowledged is lost. See to the machine's disk and memory, then try again.",
    cause: error,
  });
}

export function exitCode(code: string): number {
  return isKnown(code) ? errorRegistry[code].exit : 1;
}

/** False for a code of a newer server, and for a name that every object has, such as `constructor`. */
function isKnown(code: string): code is ErrorCode {
  return Object.hasOwn(errorRegistry, code);
}
