// An open remote file: reads many ranges at once, and goes on at a server that comes back if the file is still the same.

import { parseOpen, type Stat } from "./answers.ts";
import { placed, serverCode, serverError, violation, XrootdError } from "./errors.ts";
import type { Connection } from "./login.ts";
import { backOff, isLoss, obey, type Patience, perform } from "./operation.ts";
import { type ByteRange, type PlannedRead, planReads } from "./plan.ts";
import { abortable, type Pool } from "./pool.ts";
import { closeRequest, type FileHandle, openRequest, readRequest, readVectorRequest } from "./requests.ts";
import { bufferSink, readSink, vectorSink } from "./sinks.ts";
import type { XrootdUrl } from "./url.ts";

export interface RemoteFile {
  /** The address it was opened by. */
  readonly name: string;
  readonly size: number;
  /** Time of the last change when it was opened, whole seconds since 1970. */
  readonly mtime: number;
  /** host:port of the server that holds it. */
  readonly server: string;
  /**
   * The bytes of each range, in the order asked. All of them come from the file as it was opened: where the server was
   * lost and the file has another size or time afterwards, this and every later read throws `changed`.
   */
  read(ranges: ByteRange[], options?: { signal?: AbortSignal }): Promise<Uint8Array[]>;
  close(): Promise<void>;
}

interface Opened {
  connection: Connection;
  handle: FileHandle;
}

/** What may be on its way at once, for each file: more only fills queues. */
const mostBytesInFlight = 16 * 1024 * 1024;
const mostRequestsInFlight = 16;

export async function openRemoteFile(
  pool: Pool,
  patience: Patience,
  url: XrootdUrl,
  signal?: AbortSignal,
): Promise<RemoteFile> {
  const open = async (signal?: AbortSignal): Promise<Opened & { stat: Stat }> => {
    const { result, connection } = await perform(pool, patience, {
      name: "open",
      url,
      request: openRequest,
      parse: parseOpen,
      signal,
    });
    return { connection, ...result };
  };
  const { stat, ...first } = await open(signal);
  const { size, mtime } = stat;
  let current: Opened = first;
  let opening: Promise<Opened> | undefined;
  const closed = new AbortController();
  /** Why nothing more can be read. */
  let ended: XrootdError | undefined;

  async function openAgain(): Promise<Opened> {
    const { stat: now, ...next } = await open(closed.signal);
    if (now.size !== size || now.mtime !== mtime) {
      ended = new XrootdError({
        kind: "changed",
        operation: "read",
        url: url.url,
        server: next.connection.server,
        problem: `the file changed while it was read: ${described(stat)} before, ${described(now)} after the connection was lost`,
      });
      throw ended;
    }
    current = next;
    return next;
  }
  /** Opens again, once for all reads that lost their server. */
  function reopened(lost: Opened): Promise<Opened> {
    if (current !== lost) return Promise.resolve(current);
    opening ??= openAgain().finally(() => {
      opening = undefined;
    });
    return opening;
  }

  async function fetch(read: PlannedRead, into: Uint8Array[], signal?: AbortSignal): Promise<void> {
    let waitedMs = 0;
    let at = current;
    for (let attempt = 0; ; ) {
      if (ended) throw ended;
      const { connection, handle } = at;
      const single = read.ranges.length === 1;
      const sink = single
        ? readSink(connection.server, into[0])
        : vectorSink(connection.server, read.ranges, into);
      const bytes = single ? readRequest(handle, read.ranges[0]) : readVectorRequest(handle, read.ranges);
      let problem: XrootdError;
      const answer = await connection.request(bytes, sink, signal).catch((error: unknown) => {
        if (!isLoss(error)) throw error;
        return error;
      });
      if (answer instanceof XrootdError) problem = answer;
      else if (answer.kind === "data") {
        if (sink.missing() === 0) return;
        throw endedEarly(read, connection.server);
      } else if (answer.kind === "wait") {
        waitedMs = await obey(answer, waitedMs, patience.waitLimitMs, connection.server, signal);
        continue;
      } else if (answer.kind === "error") {
        problem = serverError(answer.code, answer.message, connection.server);
        if (answer.code !== serverCode.fileNotOpen) throw problem;
      } else if (answer.kind === "redirect") {
        problem = new XrootdError({
          kind: "redirects",
          server: connection.server,
          problem: "the server sends reads of the open file elsewhere",
        });
      } else throw violation(connection.server, "a read was answered by a wish for credentials");
      // A new connection to a server that forgot the file, or is to be had from another: open it again.
      if (attempt >= patience.retries) throw problem;
      if (attempt > 0) await backOff(attempt, signal);
      attempt++;
      at = await abortable(reopened(at), signal);
    }
  }

  const slots = limiter();
  return {
    name: url.url,
    size,
    mtime,
    get server() {
      return current.connection.server;
    },
    async read(ranges, { signal } = {}) {
      if (ended) throw ended;
      for (const { position, length } of ranges) {
        const inside =
          Number.isSafeInteger(position) && Number.isSafeInteger(length) && position >= 0 && length >= 0;
        if (!inside || position + length > size)
          throw new XrootdError({
            kind: "invalid",
            operation: "read",
            url: url.url,
            problem: `${length} bytes at ${position} were asked for, of a file that has ${size}`,
          });
      }
      const memories = ranges.map(({ length }) => new Uint8Array(length));
      // The first failure ends the other parts too, and none is left unheard.
      const stop = new AbortController();
      const both = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
      const parts = planReads(ranges).map((read) => {
        const into = read.targets.map(({ range, at }, i) =>
          memories[range].subarray(at, at + read.ranges[i].length),
        );
        return slots
          .run(read.bytes, both, () => fetch(read, into, both))
          .catch((error: unknown) => {
            stop.abort(error);
            throw error;
          });
      });
      const outcomes = await Promise.allSettled(parts);
      if (signal?.aborted) throw signal.reason;
      if (outcomes.some(({ status }) => status === "rejected"))
        throw placed(stop.signal.reason, { url: url.url, operation: "read" });
      return memories;
    },
    async close() {
      if (ended?.kind === "invalid") return;
      ended = new XrootdError({
        kind: "invalid",
        operation: "read",
        url: url.url,
        problem: "the file was closed",
        remedy: "Open it again.",
      });
      closed.abort(ended);
      const { connection, handle } = current;
      if (connection.failure()) return;
      // A server that is gone has closed the file.
      await connection.request(closeRequest(handle), bufferSink(connection.server, 1024)).catch(() => {});
    },
  };
}

function described({ size, mtime }: Stat): string {
  return `${size} bytes of ${new Date(mtime * 1000).toISOString().slice(0, 19)}Z`;
}

function endedEarly(read: PlannedRead, server: string): XrootdError {
  return new XrootdError({
    kind: "changed",
    server,
    problem: `the file ended within ${read.bytes} bytes from ${read.ranges[0].position} that it had when it was opened`,
  });
}

/** Lets so many bytes and requests be on their way at once, the rest in the order they came. */
function limiter() {
  let bytes = 0;
  let requests = 0;
  const queue: (() => void)[] = [];
  const admits = (more: number) =>
    requests === 0 || (requests < mostRequestsInFlight && bytes + more <= mostBytesInFlight);
  return {
    async run<T>(more: number, signal: AbortSignal, task: () => Promise<T>): Promise<T> {
      while (!admits(more)) await new Promise<void>((resolve) => queue.push(resolve));
      requests++;
      bytes += more;
      try {
        signal.throwIfAborted();
        return await task();
      } finally {
        requests--;
        bytes -= more;
        for (const wake of queue.splice(0)) wake();
      }
    },
  };
}
