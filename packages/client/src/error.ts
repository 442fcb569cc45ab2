// The one error class of Driftline: what was being done, to what, what was wrong, what to do, and a stable code.

export interface ErrorDetails {
  /** The field, condition, file or option that was wrong. */
  field?: string;
  /** What the user can do about it. */
  remedy?: string;
  /** Further members for the problem document, such as the nearest models of a miss. */
  data?: Record<string, unknown>;
  cause?: unknown;
}

/** An error with a code from the registry (`packages/driftline/src/errors/registry.ts`). */
export class DriftlineError extends Error {
  readonly code: string;
  readonly field: string | undefined;
  readonly remedy: string | undefined;
  readonly data: Record<string, unknown> | undefined;

  constructor(code: string, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = "DriftlineError";
    this.code = code;
    this.field = details.field;
    this.remedy = details.remedy;
    this.data = details.data;
  }
}
