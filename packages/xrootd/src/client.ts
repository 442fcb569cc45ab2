// The client: opens, describes, lists and sums up remote files over connections that it shares among them.

import {
  type Checksum,
  type Entry,
  parseChecksum,
  parseList,
  parsePlaces,
  parseStat,
  type Stat,
} from "./answers.ts";
import type { TokenSource } from "./credentials.ts";
import { openRemoteFile, type RemoteFile } from "./file.ts";
import { type Operation, perform } from "./operation.ts";
import { connectionPool } from "./pool.ts";
import { checksumRequest, listRequest, locateRequest, statRequest } from "./requests.ts";
import { joinOpaque, parseUrl, type XrootdUrl } from "./url.ts";

export interface XrootdOptions {
  /** Bearer token, or what gives one at each login; without it BEARER_TOKEN and the other places of WLCG's discovery. */
  token?: TokenSource;
  /** Certificates (PEM) of authorities to trust besides Node's and those of X509_CERT_DIR and X509_CERT_FILE. */
  ca?: string | string[];
  /** A connection must stand within this time; 10 s. */
  connectTimeoutMs?: number;
  /** A server that is asked must say something within this time; 30 s. */
  timeoutMs?: number;
  /** How often a lost connection is tried again, after 0.25, 0.5, 1, … 8 s; 6 (16 to 24 s in all). */
  retries?: number;
  /** How long in all servers may ask to wait for one operation; 10 min. */
  waitLimitMs?: number;
}

export interface CallOptions {
  signal?: AbortSignal;
}

/** All throw XrootdError, and the signal's reason where that ended them. */
export interface XrootdClient {
  open(url: string, options?: CallOptions): Promise<RemoteFile>;
  stat(url: string, options?: CallOptions): Promise<Stat>;
  /** What a folder holds, by name; of a cluster what the folders of all its servers hold. */
  list(url: string, options?: CallOptions): Promise<Entry[]>;
  /** The file's checksum as the server knows it; without an algorithm the one that it prefers. */
  checksum(url: string, options?: CallOptions & { algorithm?: string }): Promise<Checksum>;
  /** Closes the connections; open files can't be read any more. */
  close(): void;
}

/** Managers below managers. */
const deepestCluster = 4;

export function createClient({
  token,
  ca = [],
  connectTimeoutMs = 10_000,
  timeoutMs = 30_000,
  retries = 6,
  waitLimitMs = 600_000,
}: XrootdOptions = {}): XrootdClient {
  const pool = connectionPool({ token, ca: [ca].flat(), connectTimeoutMs, timeoutMs });
  const patience = { retries, waitLimitMs };
  const ask = async <T>(operation: Operation<T>) => (await perform(pool, patience, operation)).result;

  /** A manager sends a request to one of its servers, which knows its own files only; so each server is asked. */
  async function list(url: XrootdUrl, signal: AbortSignal | undefined, depth: number): Promise<Entry[]> {
    const name = "list";
    const { result: places, connection } = await perform(pool, patience, {
      name,
      url,
      request: locateRequest,
      parse: parsePlaces,
      signal,
    });
    if (!connection.flags.isManager || places.length === 0 || depth === deepestCluster)
      return ask({ name, url, request: listRequest, parse: parseList, signal });
    const lists = await Promise.all(
      places.map(({ host, port, isManager }) => {
        const at = { ...url, host, port };
        return isManager
          ? list(at, signal, depth + 1)
          : ask({ name, url: at, request: listRequest, parse: parseList, signal });
      }),
    );
    return [...new Map(lists.flat().map((entry) => [entry.name, entry])).values()];
  }
  return {
    async open(url, { signal } = {}) {
      return openRemoteFile(pool, patience, parseUrl(url), signal);
    },
    async stat(url, { signal } = {}) {
      const parse = (body: Buffer, server: string) => parseStat(body.toString("utf8"), server);
      return ask({ name: "stat", url: parseUrl(url), request: statRequest, parse, signal });
    },
    async list(url, { signal } = {}) {
      const entries = await list(parseUrl(url), signal, 0);
      return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    },
    async checksum(url, { signal, algorithm } = {}) {
      const parsed = parseUrl(url);
      const opaque = joinOpaque(parsed.opaque, algorithm === undefined ? "" : `cks.type=${algorithm}`);
      return ask({
        name: "checksum",
        url: { ...parsed, opaque },
        request: checksumRequest,
        parse: parseChecksum,
        signal,
      });
    },
    close: () => pool.close(),
  };
}
