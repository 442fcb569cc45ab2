// Every error code with its HTTP status, gRPC status and exit code; docs/errors.md lists the same and a test compares.

import { DriftlineError, type ErrorDetails } from "@driftline/client/error";

export { DriftlineError };

interface ErrorClass {
  /** What the code means, in one line for docs and problem documents. */
  title: string;
  http: number;
  grpc:
    | "INVALID_ARGUMENT"
    | "NOT_FOUND"
    | "FAILED_PRECONDITION"
    | "DATA_LOSS"
    | "INTERNAL"
    | "UNAUTHENTICATED"
    | "PERMISSION_DENIED"
    | "DEADLINE_EXCEEDED"
    | "UNAVAILABLE"
    | "UNIMPLEMENTED"
    | "CANCELLED"
    | "ABORTED"
    | "RESOURCE_EXHAUSTED";
  exit: 1 | 2 | 3 | 4 | 5;
}

const usage = { http: 400, grpc: "INVALID_ARGUMENT", exit: 2 } as const;
const missing = { http: 404, grpc: "NOT_FOUND", exit: 2 } as const;
const damaged = { http: 500, grpc: "DATA_LOSS", exit: 5 } as const;
const internal = { http: 500, grpc: "INTERNAL", exit: 1 } as const;

export const errorRegistry = {
  usage: { title: "The command or request is malformed", ...usage },
  invalid_configuration: { title: "A setting is unknown or has a wrong value", ...usage },
  unknown_family: { title: "No such family", ...missing },
  invalid_family: { title: "A family.yaml does not follow the schema", ...usage },
  unknown_condition: { title: "The family has no such condition", ...usage },
  missing_condition: { title: "A condition without a nominal value was not given", ...usage },
  invalid_quantity: { title: "A value is not a number with a unit", ...usage },
  wrong_unit: { title: "A unit does not measure this quantity", ...usage },
  out_of_range: { title: "A value is outside the range that the family allows", ...usage },
  invalid_label: { title: "A label is not among the values that the family allows", ...usage },
  invalid_software: { title: "A software name or version is missing, unknown or malformed", ...usage },
  no_model: { title: "No published model fits the conditions", http: 404, grpc: "NOT_FOUND", exit: 4 },
  unknown_model: { title: "No such model", ...missing },
  unknown_file: { title: "The model has no such file", ...missing },
  unknown_job: { title: "No such job", ...missing },
  refused: { title: "The model did not pass validation", http: 409, grpc: "FAILED_PRECONDITION", exit: 3 },
  damaged: { title: "Stored content does not match its digest or its reference", ...damaged },
  invalid_bundle: {
    title: "A bundle does not follow the format",
    http: 400,
    grpc: "INVALID_ARGUMENT",
    exit: 5,
  },
  unknown_tag: { title: "No such tag", ...missing },
  unknown_run: { title: "The tag has no range with this run", ...missing },
  frozen_tag: {
    title: "The tag is frozen: its table of runs does not change",
    http: 409,
    grpc: "FAILED_PRECONDITION",
    exit: 2,
  },
  invalid_specification: { title: "The specification of a dataset is not what it should be", ...usage },
  invalid_data: { title: "A data file cannot be used", ...usage },
  invalid_expression: {
    title: "An expression for a column or a cut is malformed or does not fit the data",
    ...usage,
  },
  invalid_data_directory: {
    title: "A directory cannot hold the embedded catalogue, or a newer version wrote it",
    http: 500,
    grpc: "FAILED_PRECONDITION",
    exit: 2,
  },
  simulator_failed: { title: "The base simulator failed", ...internal },
  invalid_training: {
    title: "The trainer cannot do what was asked: a model, hyperparameter or dataset",
    ...usage,
  },
  trainer_failed: { title: "The trainer failed", ...internal },
  machine_failed: {
    title: "The machine gave out: memory, disk, or processes that were killed",
    ...internal,
  },
  python_missing: { title: "No usable Python environment for the trainer", ...internal },
  unsupported_operator: {
    title: "A model cannot be compiled: it uses an operator in a way that is not covered",
    http: 422,
    grpc: "UNIMPLEMENTED",
    exit: 2,
  },
  compiler_failed: { title: "There is no C compiler, or it failed", ...internal },
  export_failed: {
    title: "A compiled export does not give the reference outputs of its bundle",
    http: 500,
    grpc: "INTERNAL",
    exit: 5,
  },
  cancelled: { title: "The job was cancelled", http: 409, grpc: "CANCELLED", exit: 1 },
  lease_lost: { title: "Another worker took over the job", http: 409, grpc: "ABORTED", exit: 1 },
  read_only: {
    title: "A snapshot or a lock allows only reading",
    http: 409,
    grpc: "FAILED_PRECONDITION",
    exit: 2,
  },
  unauthorized: {
    title: "The server asks for a token",
    http: 401,
    grpc: "UNAUTHENTICATED",
    exit: 2,
  },
  forbidden: {
    title: "The server does not allow this",
    http: 403,
    grpc: "PERMISSION_DENIED",
    exit: 2,
  },
  unknown_route: { title: "The server has no such route", http: 404, grpc: "UNIMPLEMENTED", exit: 2 },
  wrong_method: { title: "The route has no such method", http: 405, grpc: "UNIMPLEMENTED", exit: 2 },
  too_large: { title: "A request is too large", http: 413, grpc: "RESOURCE_EXHAUSTED", exit: 2 },
  large_headers: {
    title: "The headers of a request are too large",
    http: 431,
    grpc: "RESOURCE_EXHAUSTED",
    exit: 2,
  },
  too_slow: { title: "A request did not come in time", http: 408, grpc: "DEADLINE_EXCEEDED", exit: 1 },
  unsupported_media_type: {
    title: "The body of a request is not of the plain type that its route takes",
    http: 415,
    grpc: "INVALID_ARGUMENT",
    exit: 2,
  },
  invalid_range: {
    title: "A range of bytes lies outside the file",
    http: 416,
    grpc: "INVALID_ARGUMENT",
    exit: 2,
  },
  busy: { title: "The catalogue or its server is busy", http: 503, grpc: "UNAVAILABLE", exit: 1 },
  unreachable: { title: "The server does not answer", http: 503, grpc: "UNAVAILABLE", exit: 1 },
  internal: { title: "A fault in Driftline", ...internal },
} as const satisfies Record<string, ErrorClass>;

export type ErrorCode = keyof typeof errorRegistry;

/** Makes an error with a code that the registry knows. */
export function fail(code: ErrorCode, message: string, details?: ErrorDetails): DriftlineError {
  return new DriftlineError(code, message, details);
}
