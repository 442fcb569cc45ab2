// What one server holds at a time and how long it waits: the bounds that keep its memory steady whatever clients do.

/** Kinds of work that are bounded apart: many slow downloads must not keep a question from its answer. */
export type Work = "request" | "listing" | "download" | "upload" | "events";
/** What a route's requests count for; those that watch over the server must be answered when it is full, too. */
export type RouteWork = Work | "watching";

export interface Limits {
  /** Open connections. Requests on further ones are answered 503; a quarter beyond that they are not accepted. */
  connections: number;
  /** Requests of each kind that are being answered; a further one is answered 503. */
  atWork: Record<Work, number>;
  /** Time for the headers of a request, from its first byte or the start of the connection. */
  headersMs: number;
  /** Time for the whole of a request, its body included. */
  requestMs: number;
  /** The same for uploads. */
  uploadMs: number;
  /** How long a connection may stay open without a request. */
  idleMs: number;
  /** How long a reader may take nothing of what waits for it. */
  stallMs: number;
  /** How long answers that have begun may go on when the server is told to stop. */
  closeMs: number;
}

export const defaultLimits: Limits = {
  connections: 1024,
  atWork: {
    // Each can hold a body of 1 MiB.
    request: 512,
    // A list of 100,000 models is 69 MB of text, and takes several times that while it is made.
    listing: 2,
    // Each holds an open file and some 0.5 MB.
    download: 128,
    // Each writes to the disk, up to server.uploadMiB.
    upload: 4,
    // Each asks the database some times a second.
    events: 256,
  },
  headersMs: 10_000,
  requestMs: 30_000,
  uploadMs: 600_000,
  idleMs: 75_000,
  stallMs: 60_000,
  closeMs: 3_000,
};

export const maxHeaderBytes = 16 * 1024;
export const maxHeaders = 100;
export const maxBodyBytes = 1024 * 1024;
/** A table of some 100,000 ranges of runs. */
export const maxRunsBytes = 16 * 1024 * 1024;
/** The deepest request that has a meaning has 4 levels; hyperparameters may hold what they like. */
export const maxJsonDepth = 32;
