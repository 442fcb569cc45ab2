// One connection: sends requests, each on a stream of its own, and gives each its answer, in whatever order they come.

import net from "node:net";
import tls from "node:tls";
import { parseRedirect, type Redirect } from "./answers.ts";
import { violation, XrootdError } from "./errors.ts";
import { type FrameReader, frameReader, status } from "./frames.ts";
import type { Sink } from "./sinks.ts";
import { hostPort } from "./url.ts";

/** How a server answered. Data have gone into the sink of the request. */
export type Answer =
  | { kind: "data" }
  | { kind: "redirect"; redirect: Redirect }
  | { kind: "wait"; seconds: number; message: string }
  | { kind: "error"; code: number; message: string }
  | { kind: "more"; body: Buffer };

export interface Wire {
  /** host:port */
  server: string;
  /**
   * Sends a request. Rejects with `unreachable` or `timeout` where the connection was lost, `protocol` where the peer
   * sent nonsense, and with the signal's reason.
   */
  request(bytes: Buffer, sink: Sink, signal?: AbortSignal): Promise<Answer>;
  /** Sends the first bytes of a connection; the answer comes as one on stream 0. */
  greet(bytes: Buffer, sink: Sink): Promise<Answer>;
  /** Encrypts all that follows. */
  encrypt(context: tls.SecureContext): Promise<void>;
  /** Why the connection is of no more use; undefined while it is. */
  failure(): XrootdError | undefined;
  /** Requests without an answer. */
  waiting(): number;
  /** What is still unanswered rejects with the reason. */
  close(reason?: XrootdError): void;
}

interface Pending {
  sink: Sink;
  resolve(answer: Answer): void;
  reject(reason: unknown): void;
  sentAt: number;
  /** The server asked to wait for a late answer until then. */
  until: number;
  /** The caller no longer waits; the stream's number stays taken until the answer has come. */
  abandoned: boolean;
}

/** Opens a connection. A host with several addresses is tried at each. */
export function openWire(
  { host, port }: { host: string; port: number },
  { connectTimeoutMs, timeoutMs }: { connectTimeoutMs: number; timeoutMs: number },
): Promise<Wire> {
  const server = hostPort({ host, port });
  return new Promise((resolve, reject) => {
    let reader: FrameReader | undefined;
    const socket = net.connect({
      host,
      port,
      onread: {
        // Node asks for memory before each read; the answers to reads go straight to where the caller wants them.
        buffer: () => reader?.room() ?? new Uint8Array(1),
        callback(length) {
          guard(() => reader!.filled(length));
          return true;
        },
      },
    });
    let guard = (take: () => void) => take();
    const lost = (problem: string, kind: "unreachable" | "timeout" = "unreachable", cause?: unknown) => {
      socket.destroy();
      reject(new XrootdError({ kind, operation: "connect", server, problem, cause }));
    };
    const onError = (cause: Error) => lost(reasonOf(cause), "unreachable", cause);
    const timer = setTimeout(
      () => lost(`no connection within ${connectTimeoutMs / 1000} s`, "timeout"),
      connectTimeoutMs,
    );
    socket.once("close", () => clearTimeout(timer));
    socket.once("error", onError);
    socket.once("connect", () => {
      clearTimeout(timer);
      socket.off("error", onError);
      socket.setNoDelay(true);
      const wire = wireOver(socket, { server, host, timeoutMs });
      reader = wire.reader;
      guard = wire.guard;
      resolve(wire);
    });
  });
}

function wireOver(
  plain: net.Socket,
  { server, host, timeoutMs }: { server: string; host: string; timeoutMs: number },
): Wire & { reader: FrameReader; guard(take: () => void): void } {
  const pending = new Map<number, Pending>();
  let socket = plain;
  let failed: XrootdError | undefined;
  let lastStream = 0;
  /** When the answers last came a step further. */
  let progressAt = Date.now();

  function fail(error: XrootdError, isOurs = false) {
    if (failed) return;
    failed = error;
    clearInterval(watch);
    if (isOurs) {
      // A farewell for an encrypted connection; without it servers log an error.
      socket.end();
      setTimeout(() => plain.destroy(), 1000).unref();
    } else {
      socket.destroy();
      plain.destroy();
    }
    const all = [...pending.values()];
    pending.clear();
    for (const { reject } of all) reject(error);
  }
  function lose(problem: string, cause?: unknown) {
    fail(new XrootdError({ kind: "unreachable", server, problem, cause }));
  }
  function guard(take: () => void) {
    if (failed) return;
    try {
      take();
      if (reader.isReceiving()) progressAt = Date.now();
    } catch (error) {
      fail(
        error instanceof XrootdError ? error : violation(server, `its answer could not be read: ${error}`),
      );
    }
  }
  function asked(stream: number): Pending {
    const found = pending.get(stream);
    if (!found) throw violation(server, `an answer belongs to stream ${stream}, on which nothing was asked`);
    progressAt = Date.now();
    return found;
  }
  function settle(stream: number, answer: Answer) {
    const { resolve } = asked(stream);
    pending.delete(stream);
    if (pending.size === 0) socket.unref();
    resolve(answer);
  }

  function sinkOf(stream: number) {
    return asked(stream).sink;
  }
  function arrived(stream: number, isLast: boolean) {
    progressAt = Date.now();
    if (isLast) settle(stream, { kind: "data" });
  }
  function told(stream: number, code: number, body: Buffer) {
    const text = () => body.toString("utf8", 4).replace(/\0.*$/s, "");
    if (code === status.attention) return attention(body);
    if (code === status.authMore) return settle(stream, { kind: "more", body });
    if (body.length < 4) throw violation(server, `an answer of status ${code} has ${body.length} bytes`);
    const number = body.readInt32BE(0);
    if (code === status.error) settle(stream, { kind: "error", code: number, message: text() });
    else if (code === status.wait)
      settle(stream, { kind: "wait", seconds: Math.max(0, number), message: text() });
    else if (code === status.redirect)
      settle(stream, { kind: "redirect", redirect: parseRedirect(body, server) });
    else asked(stream).until = Date.now() + Math.max(0, number) * 1000;
  }
  /** A late answer comes inside a notice: number 5008, four bytes, header and body. Other notices are for people. */
  function attention(body: Buffer) {
    const lateAnswer = 5008;
    if (body.length < 4 || body.readInt32BE(0) !== lateAnswer) return;
    if (body.length < 16 || body.readInt32BE(12) !== body.length - 16)
      throw violation(server, "a late answer does not fill the notice that brings it");
    const [stream, code] = [body.readUInt16BE(8), body.readUInt16BE(10)];
    const inner = body.subarray(16);
    if (code === status.ok || code === status.okSoFar) {
      const sink = sinkOf(stream);
      sink.expect(inner.length);
      sink.write(inner);
      arrived(stream, code === status.ok);
    } else if (code === status.attention) throw violation(server, "a notice came inside a notice");
    else told(stream, code, inner);
  }

  const watch = setInterval(
    () => {
      const now = Date.now();
      for (const { until, sentAt, abandoned } of pending.values()) {
        if (abandoned || now - Math.max(progressAt, sentAt, until) <= timeoutMs) continue;
        return fail(
          new XrootdError({ kind: "timeout", server, problem: `no answer for ${timeoutMs / 1000} s` }),
        );
      }
    },
    Math.min(timeoutMs / 4, 5000),
  ).unref();

  const reader = frameReader(server, { sinkOf, arrived, told });
  function listen(to: net.Socket) {
    to.on("error", (cause) => lose(`the connection broke: ${reasonOf(cause)}`, cause));
    to.on("end", () => lose("the server closed the connection"));
    to.on("close", () => lose("the connection was closed"));
  }
  listen(plain);

  function send(stream: number, bytes: Buffer, sink: Sink, signal?: AbortSignal): Promise<Answer> {
    if (failed) return Promise.reject(failed);
    if (signal?.aborted) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      const entry: Pending = { sink, resolve, reject, sentAt: Date.now(), until: 0, abandoned: false };
      if (signal) {
        const abort = () => {
          entry.abandoned = true;
          reject(signal.reason);
        };
        signal.addEventListener("abort", abort, { once: true });
        entry.resolve = (answer) => {
          signal.removeEventListener("abort", abort);
          resolve(answer);
        };
        entry.reject = (reason) => {
          signal.removeEventListener("abort", abort);
          reject(reason);
        };
      }
      if (pending.size === 0) socket.ref();
      pending.set(stream, entry);
      socket.write(bytes);
    });
  }
  return {
    server,
    reader,
    guard,
    async request(bytes, sink, signal) {
      if (pending.size > 65_000)
        throw new XrootdError({ kind: "unreachable", server, problem: "65,000 requests wait for an answer" });
      do lastStream = (lastStream % 65_535) + 1;
      while (pending.has(lastStream));
      bytes.writeUInt16BE(lastStream, 0);
      return send(lastStream, bytes, sink, signal);
    },
    greet: (bytes, sink) => send(0, bytes, sink),
    encrypt(context) {
      return new Promise((resolve, reject) => {
        if (failed) return reject(failed);
        const safe = tls.connect({
          socket: plain,
          secureContext: context,
          host,
          ...(net.isIP(host) ? {} : { servername: host }),
        });
        const refused = (cause: Error) => {
          if (lossCodes.has((cause as NodeJS.ErrnoException).code ?? ""))
            return lose(`the connection broke: ${cause.message}`, cause);
          fail(
            new XrootdError({
              kind: "tls",
              server,
              problem: `no encrypted connection: ${cause.message.trim()}`,
              remedy:
                "Check that the server's certificate names this host and comes from an authority you trust: " +
                "set ca, X509_CERT_DIR or X509_CERT_FILE.",
              cause,
            }),
          );
        };
        safe.once("error", refused);
        safe.once("close", () => {
          lose("the connection was closed");
          reject(failed);
        });
        safe.once("secureConnect", () => {
          safe.off("error", refused);
          socket = safe;
          listen(safe);
          safe.on("data", (bytes: Buffer) => guard(() => reader.push(bytes)));
          resolve();
        });
      });
    },
    failure: () => failed,
    waiting: () => pending.size,
    close(
      reason = new XrootdError({ kind: "unreachable", server, problem: "this client closed the connection" }),
    ) {
      fail(reason, true);
    },
  };
}

const lossCodes = new Set(["ECONNRESET", "EPIPE", "ETIMEDOUT"]);

/** Node names the system's reason by a code; of several addresses each has its own. */
function reasonOf(cause: Error): string {
  if (cause instanceof AggregateError) return cause.errors.map((each: Error) => each.message).join("; ");
  return cause.message;
}
