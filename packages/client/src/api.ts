// What a catalogue does for a user, whether in process, over HTTP, from a snapshot or under a lock.

import type {
  EnsureAnswer,
  EnsureRequest,
  FamilySummary,
  Job,
  JobEvent,
  Model,
  Resolution,
  ResolveRequest,
} from "./answers.ts";
import type { Campaigns } from "./campaigns.ts";

export * from "./answers.ts";

/** A bundle as one tar: bundle.json first, then the files that it lists, plain and uncompressed. */
export interface BundleTar {
  /** Called anew for each try: a server that is full asks to come back. */
  open(): AsyncIterable<Uint8Array>;
}
export interface PushOptions {
  /** Responses that the bundle is judged by in place of the simulator's; paths that the receiver can read. */
  data?: { files: string[] };
}
export type PushAnswer = { model: Model; job: null } | { model: null; job: Job };

/** What a catalogue does for a user, whether in process on a data directory or over HTTP. */
export interface Driftline {
  families(): Promise<FamilySummary[]>;
  resolve(family: string, request: ResolveRequest): Promise<Resolution>;
  ensure(family: string, request: EnsureRequest): Promise<EnsureAnswer>;
  /** Published models, newest first, read page by page as they are taken; `after` a digest, those that follow it. */
  models(filter?: { family?: string; after?: string }): AsyncIterable<Model>;
  /** By digest or unique prefix of at least 8 digits. */
  model(digest: string): Promise<Model>;
  /** Exact bytes of bundle.json. */
  manifest(digest: string): Promise<Uint8Array>;
  /** A file of a bundle; bytes are checked against the manifest by the caller. */
  file(digest: string, path: string): Promise<ReadableStream<Uint8Array>>;
  /** Newest first, read page by page as they are taken; `after` a job, those that follow it. */
  jobs(filter?: { after?: string }): AsyncIterable<Job>;
  job(id: string): Promise<Job>;
  /** Events after `after`, ending when the job has ended. */
  events(id: string, options?: { after?: number; signal?: AbortSignal }): AsyncIterable<JobEvent>;
  cancel(id: string): Promise<Job>;
  /** The validation report of a job as HTML. Throws `unknown_file` where there is none yet, or no longer. */
  report(id: string): Promise<Uint8Array>;
  /**
   * Publishes a bundle made elsewhere: the model where it is there already, else the job that judges it by the gates
   * that hold here. Throws `invalid_bundle`, `too_large`, `unknown_family`, `refused`.
   */
  push(tar: BundleTar, options?: PushOptions): Promise<PushAnswer>;
  readonly campaigns: Campaigns;
  close(): Promise<void>;
}
