// Carries one request to the server that can answer it: along redirects, through waits, again after lost connections.

import { setTimeout as delay } from "node:timers/promises";
import { placed, serverCode, serverError, violation, XrootdError } from "./errors.ts";
import type { Connection } from "./login.ts";
import type { Pool } from "./pool.ts";
import { bufferSink } from "./sinks.ts";
import { type Endpoint, hostPort, joinOpaque, type XrootdUrl } from "./url.ts";
import type { Answer } from "./wire.ts";

export interface Patience {
  /** How often a lost or refused connection is tried again, after 0.25, 0.5, 1, … s. */
  retries: number;
  /** How long in all servers may ask to wait, as for a file that comes from tape. */
  waitLimitMs: number;
}

export interface Operation<T> {
  name: string;
  url: XrootdUrl;
  /** The request for a path with its opaque data; `refresh` makes a manager look again where the file is. */
  request(path: string, refresh: boolean): Buffer;
  parse(body: Buffer, server: string): T;
  signal?: AbortSignal;
}

/** The same as in the reference client. */
const mostRedirects = 16;
/** Of a server that was never reached: its name is more likely wrong than that it is just starting. */
const retriesOfStranger = 2;
const largestAnswer = 64 * 1024 * 1024;

/** Where the request goes next. */
interface Step {
  endpoint: Endpoint;
  path: string;
  opaque: string;
  token: string;
}

/** Errors of one data server that another may not have, and how managers want to be told of them. */
const elsewhere = new Map([
  [serverCode.notFound, "enoent"],
  [serverCode.ioError, "ioerr"],
  [serverCode.fsError, "fserr"],
  [serverCode.serverError, "srverr"],
]);

/** Asks, and says who answered. Throws XrootdError, and the signal's reason. */
export async function perform<T>(
  pool: Pool,
  { retries, waitLimitMs }: Patience,
  { name, url, request, parse, signal }: Operation<T>,
): Promise<{ result: T; connection: Connection }> {
  const origin: Step = { endpoint: url, path: url.path, opaque: url.opaque, token: "" };
  let step = origin;
  let redirects: string[] = [];
  let attempts = 0;
  let waitedMs = 0;
  /** Servers that failed and why: managers send elsewhere then. */
  const tried = new Map<string, string>();
  let lost: XrootdError | undefined;
  let refused: XrootdError | undefined;

  /** Begins again where the caller pointed, with word of the servers that failed. */
  function startOver() {
    redirects = [];
    const words = [...tried];
    const opaque =
      words.length === 0
        ? ""
        : `tried=${words.map(([host]) => host).join(",")}&triedrc=${words.map(([, why]) => why).join(",")}`;
    step = { ...origin, opaque: joinOpaque(origin.opaque, opaque) };
  }

  try {
    for (;;) {
      let connection: Connection;
      let answer: Answer;
      const server = hostPort(step.endpoint);
      const sink = bufferSink(server, largestAnswer);
      try {
        connection = await pool.get(step.endpoint, step.token, signal);
        const path = step.opaque === "" ? step.path : `${step.path}?${step.opaque}`;
        answer = await connection.request(request(path, tried.size > 0), sink, signal);
      } catch (error) {
        if (!isLoss(error)) throw error;
        if (attempts >= (pool.hasReached(url) ? retries : Math.min(retries, retriesOfStranger))) throw error;
        if (redirects.length > 0) {
          lost = error;
          tried.set(step.endpoint.host, "ioerr");
        }
        startOver();
        await backOff(attempts++, signal);
        continue;
      }
      switch (answer.kind) {
        case "data":
          return { result: parse(sink.body(), server), connection };
        case "more":
          throw violation(server, "more credentials were asked for after login");
        case "wait":
          waitedMs = await obey(answer, waitedMs, waitLimitMs, server, signal);
          continue;
        case "redirect": {
          const { host, port, tls, user, path, opaque, token } = answer.redirect;
          redirects.push(hostPort({ host, port }));
          if (redirects.length > mostRedirects)
            throw new XrootdError({
              kind: "redirects",
              server,
              problem: `sent on ${mostRedirects} times, last to ${redirects.slice(-4).join(", ")}`,
            });
          step = {
            // What was asked for encrypted stays so: tokens may be in the opaque data.
            endpoint: {
              host,
              port,
              user: user ?? step.endpoint.user,
              tls: url.tls || (tls ?? step.endpoint.tls),
            },
            path: path ?? step.path,
            opaque: joinOpaque(step.opaque, opaque),
            token,
          };
          continue;
        }
        case "error": {
          const error = serverError(answer.code, answer.message, server);
          const why = elsewhere.get(answer.code);
          const { host } = step.endpoint;
          if (redirects.length > 0) {
            if (why === undefined) throw error;
            refused ??= error;
            if (tried.has(host) || tried.size === mostRedirects) throw refused;
            tried.set(host, why);
            startOver();
            continue;
          }
          if (tried.size === 0) throw error;
          // The manager knows nobody else. Whom it sent us to may only be starting again.
          if (!lost || attempts >= retries) throw refused ?? lost ?? error;
          tried.clear();
          startOver();
          await backOff(attempts++, signal);
          continue;
        }
      }
    }
  } catch (error) {
    const after = attempts > 0 && isLoss(error) ? ` (tried ${attempts + 1} times)` : "";
    throw placed(after === "" ? error : again(error as XrootdError, after), {
      url: url.url,
      operation: name,
    });
  }
}

/** The connection is gone or was never there; the server may come back. */
export function isLoss(error: unknown): error is XrootdError {
  return error instanceof XrootdError && (error.kind === "unreachable" || error.kind === "timeout");
}

function again(error: XrootdError, after: string): XrootdError {
  const { kind, operation, server, problem, remedy, cause } = error;
  return new XrootdError({
    kind,
    operation,
    server,
    problem: problem + after,
    remedy,
    cause: cause ?? error,
  });
}

/** Waits as the server asks, at least a tenth of a second, and returns how long that is in all. */
export async function obey(
  { seconds, message }: { seconds: number; message: string },
  waitedMs: number,
  limitMs: number,
  server: string,
  signal?: AbortSignal,
): Promise<number> {
  const ms = Math.max(100, seconds * 1000);
  if (waitedMs + ms <= limitMs) {
    await pause(ms, signal);
    return waitedMs + ms;
  }
  const words = message.replace(/[\p{Cc}]+/gu, " ").trim();
  throw new XrootdError({
    kind: "timeout",
    server,
    problem: `the server asks for another ${seconds} s${words ? ` (${words})` : ""}, more than ${limitMs / 1000} s in all`,
    remedy: "Try again later; for files on tape raise waitLimitMs.",
  });
}

/** Waits 0.25, 0.5, 1, … 8 s, and up to half as long again so that many clients do not return at once. */
export function backOff(attempt: number, signal?: AbortSignal): Promise<void> {
  return pause(Math.min(8000, 250 * 2 ** attempt) * (1 + Math.random() / 2), signal);
}

/** Waits; rejects with the signal's reason. */
async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, { signal });
  } catch (error) {
    throw signal?.aborted ? signal.reason : error;
  }
}
