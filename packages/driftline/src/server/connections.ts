// The listening server, plain or TLS, and its connections: how many, how much work, how long; who breaks a bound is cut off.

import http, {
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from "node:http";
import https from "node:https";
import type { Socket } from "node:net";
import { type DriftlineError, fail } from "../errors/registry.ts";
import { type Limits, maxHeaderBytes, type RouteWork, type Work } from "./limits.ts";
import { refuseConnection } from "./problems.ts";
import type { TlsPair } from "./tls.ts";

/** Why the server ended a connection. */
export const endings = [
  "limit",
  "malformed",
  "large_headers",
  "slow_request",
  "stalled_reader",
  "shutdown",
] as const;
export type Ending = (typeof endings)[number];

export interface ConnectionFigures {
  open: number;
  atWork: Record<Work, number>;
  /** Requests answered 503 because their kind was full, or the connections. */
  refused: Record<Work | "connections", number>;
  ended: Record<Ending, number>;
}

export type Connections = ReturnType<typeof trackConnections>;

interface Connection {
  /** It was one too many when it came. */
  surplus: boolean;
  /** Answers that have not ended, each with the work that was let in for it. */
  answers: Map<ServerResponse, Work | null>;
  /** When the newest request began. */
  since: number;
}

export function trackConnections(limits: Limits, tls: TlsPair | null = null) {
  const none = { request: 0, listing: 0, download: 0, upload: 0, events: 0 };
  const atWork: Record<Work, number> = { ...none };
  const refused: ConnectionFigures["refused"] = { ...none, connections: 0 };
  const ended = Object.fromEntries(endings.map((ending) => [ending, 0])) as Record<Ending, number>;
  /** Connections that can carry requests; under TLS those whose handshake is done. */
  const open = new Map<Socket, Connection>();
  /** What was accepted; under TLS the connections below it. */
  const accepted = new Set<Socket>();

  function end(socket: Socket, ending: Ending): void {
    ended[ending]++;
    socket.destroy();
  }

  /** A server that is not yet listening. */
  function serve(handler: RequestListener): Server {
    const options: http.ServerOptions = {
      headersTimeout: limits.headersMs,
      // The longest of any; that of most requests is kept below.
      requestTimeout: Math.max(limits.requestMs, limits.uploadMs),
      keepAliveTimeout: limits.idleMs,
      connectionsCheckingInterval: Math.min(1_000, limits.headersMs / 4),
      maxHeaderSize: maxHeaderBytes,
      // Node would answer without a problem document; the guard asks for it.
      requireHostHeader: false,
    };
    const listener: RequestListener = (request, response) => {
      begin(request, response);
      handler(request, response);
    };
    const server = (
      tls === null
        ? http.createServer(options, listener)
        : https.createServer({ ...options, ...tls, handshakeTimeout: limits.headersMs }, listener)
    ) as Server;
    server.maxConnections = Math.ceil(limits.connections * 1.25);
    server.timeout = limits.stallMs;
    const watch = setInterval(endSlowRequests, Math.min(1_000, limits.requestMs / 4)).unref();
    server.on("close", () => clearInterval(watch));
    server.on("drop", () => ended.limit++);
    server.on("timeout", onTimeout);
    server.on("connection", (socket) => {
      accepted.add(socket);
      socket.once("close", () => accepted.delete(socket));
    });
    server.on(tls === null ? "connection" : "secureConnection", (socket: Socket) => {
      const surplus = open.size >= limits.connections;
      const connection: Connection = { surplus, answers: new Map(), since: 0 };
      open.set(socket, connection);
      socket.once("close", () => forget(socket, connection));
      if (surplus) server.closeIdleConnections();
    });
    return server;
  }

  function begin(request: IncomingMessage, response: ServerResponse): void {
    const connection = open.get(request.socket);
    if (connection === undefined) return;
    const { answers } = connection;
    connection.since = performance.now();
    answers.set(response, null);
    response.once("close", () => {
      const work = answers.get(response);
      if (work) atWork[work]--;
      answers.delete(response);
    });
  }

  /** Also for answers that wait behind another on the connection: Node does not tell them that it closed. */
  function forget(socket: Socket, { answers }: Connection): void {
    open.delete(socket);
    for (const work of answers.values()) if (work) atWork[work]--;
    answers.clear();
  }

  /** Ends requests whose body takes too long to come; uploads have longer, which the server itself looks after. */
  function endSlowRequests(): void {
    const oldest = performance.now() - limits.requestMs;
    for (const [socket, { answers, since }] of open) {
      if (answers.size === 0 || since > oldest) continue;
      // Requests come one after another: those before the newest are whole.
      const [response, work] = [...answers].at(-1)!;
      if (work !== "upload" && !response.req.complete) onClientError(tooSlow(), socket);
    }
  }

  /** Nothing moved for a while: an idle connection, a reader that stands still, or an answer that takes its time. */
  function onTimeout(socket: Socket): void {
    if (socket.writableLength > 0) end(socket, "stalled_reader");
    else if (!open.get(socket)?.answers.size) socket.destroy();
    else if (isStalledUpload(socket)) onClientError(tooSlow(), socket);
  }

  function isStalledUpload(socket: Socket): boolean {
    const answers = [...(open.get(socket)?.answers ?? [])];
    return answers.some(([{ req }, work]) => work === "upload" && !req.complete);
  }

  /** Lets a request in until its answer ends, or says why not. */
  function admit(
    request: IncomingMessage,
    response: ServerResponse,
    work: RouteWork,
  ): DriftlineError | undefined {
    const connection = open.get(request.socket);
    // Without a connection it comes from `app.inject`.
    if (work === "watching" || connection === undefined) return undefined;
    // It was let in on the short way, and goes on here.
    if (connection.answers.get(response)) return undefined;
    if (connection.surplus && open.size > limits.connections) {
      refused.connections++;
      response.setHeader("connection", "close");
      return busy(`${limits.connections} connections are open, as many as this server takes.`);
    }
    if (atWork[work] >= limits.atWork[work]) {
      refused[work]++;
      return busy(`${atWork[work]} ${names[work]}, as many as this server takes at a time.`);
    }
    atWork[work]++;
    connection.answers.set(response, work);
    return undefined;
  }

  /** Whether `admit` would let a request in. */
  function hasRoom({ socket }: IncomingMessage, work: Work): boolean {
    return atWork[work] < limits.atWork[work] && open.get(socket)?.surplus === false;
  }

  /** What came was no request, or came too slowly. */
  function onClientError(error: NodeJS.ErrnoException, socket: Socket): void {
    if (!socket.writable) return;
    const answers = [...(open.get(socket)?.answers.keys() ?? [])];
    ended[endingOf(error)]++;
    // Into an answer that has begun nothing can be written.
    if (answers.some(({ headersSent }) => headersSent)) socket.destroy();
    else refuseConnection(error, socket);
  }

  /** Ends what is idle or half sent at once, and whatever is left after `closeMs`; call the result to stop waiting. */
  function shutDown(): () => void {
    for (const [socket, { answers }] of open) if (answers.size === 0) end(socket, "shutdown");
    const timer = setTimeout(() => {
      for (const socket of accepted) end(socket, "shutdown");
    }, limits.closeMs);
    return () => clearTimeout(timer);
  }

  return {
    serve,
    admit,
    hasRoom,
    onClientError,
    shutDown,
    figures: (): ConnectionFigures => ({ open: accepted.size, atWork, refused, ended }),
  };
}

const names: Record<Work, string> = {
  request: "requests are being answered",
  listing: "lists are being made",
  download: "downloads are going on",
  upload: "uploads are going on",
  events: "streams of events are open",
};

function busy(detail: string): DriftlineError {
  return fail("busy", detail, { remedy: "Ask again after the time that Retry-After gives." });
}

/** As Node says it of its own time-outs. */
function tooSlow(): NodeJS.ErrnoException {
  return Object.assign(new Error("request timeout"), { code: "ERR_HTTP_REQUEST_TIMEOUT" });
}

function endingOf({ code }: NodeJS.ErrnoException): Ending {
  if (code === "HPE_HEADER_OVERFLOW") return "large_headers";
  return code === "ERR_HTTP_REQUEST_TIMEOUT" ? "slow_request" : "malformed";
}
