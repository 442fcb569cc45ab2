// Bytes over HTTP and HTTPS: closed ranges, several at once, asked for again where the server or the network fails.

import { setTimeout as sleep } from "node:timers/promises";
import { RootError } from "../errors.ts";
import { type ByteRange, type ByteSource, checkInside } from "./source.ts";

export interface HttpOptions {
  /** Sent as a bearer token; not to other hosts that the server redirects to. */
  token?: string;
  /** For how long to ask again before giving up, by default 30 s. */
  retrySeconds?: number;
}

/** Requests under way at a time. */
const parallelRequests = 6;
/** A request that has not ended by then is taken for lost. */
const requestSeconds = 60;
const firstDelayMs = 100;
const largestDelayMs = 5000;

/** Something that may pass: worth asking again. */
class PassingFailure extends Error {
  readonly delayMs: number;

  constructor(message: string, delayMs = 0) {
    super(message);
    this.delayMs = delayMs;
  }
}

/** What identifies the content: the validators of HTTP, which a server may or may not give, and the size. */
interface Version {
  size: number;
  tag: string | null;
}

/**
 * Opens a file on a web server that answers ranges. Throws `unreadable` where it does not, now or later; also where
 * the file has become another one since.
 */
export async function httpSource(url: string, options: HttpOptions = {}): Promise<ByteSource> {
  const name = url;
  const { token, retrySeconds = 30 } = options;
  const authorization: Record<string, string> =
    token === undefined ? {} : { authorization: `Bearer ${token}` };
  const closed = new AbortController();
  const failed = (what: string, cause?: unknown) => new RootError("unreadable", { file: name }, what, cause);

  /** One range once. `null` for the version accepts any, to learn it. */
  const ask = async ({ position, length }: ByteRange, known: Version | null) => {
    const signal = AbortSignal.any([closed.signal, AbortSignal.timeout(requestSeconds * 1000)]);
    const range = `bytes=${position}-${position + length - 1}`;
    const response = await fetch(url, { headers: { ...authorization, range }, signal });
    if (response.status !== 206) {
      await response.body?.cancel();
      throw refusal(response, failed);
    }
    const version = versionOf(response, position, length);
    if (!version) {
      await response.body?.cancel();
      throw failed(`the server answers ${response.headers.get("content-range")} when asked for ${range}`);
    }
    if (known && (known.size !== version.size || known.tag !== version.tag)) {
      await response.body?.cancel();
      throw failed("has changed on the server since it was opened; open it again");
    }
    return { version, bytes: await readBody(response, length) };
  };

  const askAgain = async (range: ByteRange, known: Version | null) => {
    const giveUp = Date.now() + retrySeconds * 1000;
    for (let delay = firstDelayMs; ; delay = Math.min(2 * delay, largestDelayMs)) {
      try {
        return await ask(range, known);
      } catch (error) {
        if (error instanceof RootError) throw error;
        if (closed.signal.aborted) throw failed("was closed while being read");
        // Half of the delay by chance, so that many readers do not return all at once.
        const wait = Math.max(
          delay * (0.5 + Math.random() / 2),
          error instanceof PassingFailure ? error.delayMs : 0,
        );
        if (Date.now() + wait > giveUp) throw failed(`cannot be read: ${reasonOf(error)}`, error);
        await sleep(wait);
      }
    }
  };

  const { version } = await askAgain({ position: 0, length: 1 }, null);
  const limit = limiter(parallelRequests);
  return {
    name,
    size: version.size,
    identity: `${url} ${version.size} ${version.tag ?? ""}`,
    read: async (ranges) => {
      for (const range of ranges) checkInside(range, { name, size: version.size });
      return Promise.all(
        ranges.map(async (range) => {
          if (range.length === 0) return new Uint8Array(0);
          return limit(async () => (await askAgain(range, version)).bytes);
        }),
      );
    },
    close: async () => closed.abort(),
  };
}

function refusal(response: Response, failed: (what: string) => RootError): Error {
  const { status, statusText } = response;
  const said = `the server answers ${status} ${statusText}`.trim();
  if (status === 408 || status === 429 || status >= 500) {
    const seconds = Number(response.headers.get("retry-after") ?? 0);
    return new PassingFailure(said, Number.isFinite(seconds) ? seconds * 1000 : 0);
  }
  if (status === 200) return failed("the server does not answer ranges of bytes; copy the file");
  if (status === 401 || status === 403) return failed(`${said}; a token may be missing or expired`);
  return failed(said);
}

/** Size and validator, where the answer is to the range that was asked for. */
function versionOf(response: Response, position: number, length: number): Version | null {
  const match = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(response.headers.get("content-range") ?? "");
  if (!match || Number(match[1]) !== position || Number(match[2]) !== position + length - 1) return null;
  return {
    size: Number(match[3]),
    tag: response.headers.get("etag") ?? response.headers.get("last-modified"),
  };
}

async function readBody(response: Response, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let at = 0;
  for await (const part of response.body ?? []) {
    if (at + part.length > length) throw new PassingFailure("the server sent more than was asked for");
    bytes.set(part, at);
    at += part.length;
  }
  if (at < length) throw new PassingFailure(`the connection ended after ${at} of ${length} bytes`);
  return bytes;
}

/** What fetch hides in causes: "fetch failed" says nothing, "connect ECONNREFUSED" does. */
function reasonOf(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error && cause.message !== "" ? cause.message : message;
}

/** Runs no more than so many at a time. */
function limiter(most: number): <T>(work: () => Promise<T>) => Promise<T> {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (running >= most) await new Promise<void>((resolve) => waiting.push(resolve));
    else running++;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running--;
    }
  };
}
