// One request and its answer: in order over HTTP, or as bytes on a socket of their own.

import { type Agent, request as httpRequest } from "node:http";
import { connect } from "node:net";
import type { Answer } from "./document.ts";

export interface HttpRequest {
  method: string;
  /** As it is written in the request line. */
  path: string;
  headers: [name: string, value: string][];
  body: string | null;
}

export const patienceMs = 5_000;

/** Sends a request and reads its answer; of a stream of events only what comes first. */
export function ask(
  port: number,
  agent: Agent,
  { method, path, headers, body }: HttpRequest,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const bytes = body === null ? null : Buffer.from(body);
    const all: [string, string][] = [["host", `127.0.0.1:${port}`], ...headers];
    if (bytes !== null) all.push(["content-length", String(bytes.length)]);
    const sent = httpRequest(
      {
        host: "127.0.0.1",
        port,
        method,
        path,
        agent,
        headers: all.flat() as never,
        signal: AbortSignal.timeout(patienceMs),
      },
      (response) => {
        const chunks: Buffer[] = [];
        const done = () =>
          resolve({
            status: response.statusCode!,
            headers: response.headers as Record<string, string>,
            body: Buffer.concat(chunks),
          });
        const stream = response.headers["content-type"]?.startsWith("text/event-stream");
        response.on("data", (chunk: Buffer) => {
          chunks.push(chunk);
          if (!stream) return;
          done();
          response.destroy();
        });
        response.on("end", done).on("error", reject);
      },
    );
    sent.on("error", reject);
    sent.end(bytes ?? undefined);
  });
}

/** Writes bytes and reads until the server hangs up. `ends` closes this side after them: the request may be cut short. */
export function exchangeBytes(port: number, bytes: Buffer, ends: boolean): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const received: Buffer[] = [];
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    const timer = setTimeout(() => {
      reject(
        new Error(
          `no end after ${patienceMs} ms; until then came ${Buffer.concat(received).subarray(0, 300)}`,
        ),
      );
      socket.destroy();
    }, patienceMs);
    socket
      .on("data", (chunk) => received.push(chunk))
      .on("end", () => socket.end())
      // A server that refuses what it is still being sent hangs up in the middle.
      .on("error", () => {})
      .on("close", () => {
        clearTimeout(timer);
        resolve(Buffer.concat(received));
      });
    if (ends) socket.end(bytes);
    else socket.write(bytes);
  });
}

/** The answers in what a server sent, one after another. Throws where it is not HTTP. */
export function answersIn(received: Buffer, head: boolean): Answer[] {
  const answers: Answer[] = [];
  for (let rest = received; rest.length > 0; ) {
    const end = rest.indexOf("\r\n\r\n");
    if (end < 0) throw new Error(`not HTTP: ${rest.subarray(0, 200)}`);
    const [line, ...fields] = rest.subarray(0, end).toString("latin1").split("\r\n");
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(line)?.[1]);
    if (!(status >= 100)) throw new Error(`not a status line: ${line}`);
    const headers = Object.fromEntries(
      fields.map((field) => {
        const colon = field.indexOf(":");
        return [field.slice(0, colon).toLowerCase(), field.slice(colon + 1).trim()];
      }),
    );
    rest = rest.subarray(end + 4);
    // Without its request's method the length of what follows is not known.
    if (head) return [...answers, { status, headers, body: Buffer.alloc(0) }];
    const read = bodyIn(rest, status, headers);
    answers.push({ status, headers, body: read.body });
    rest = rest.subarray(read.length);
  }
  return answers.filter(({ status }) => status >= 200);
}

function bodyIn(
  rest: Buffer,
  status: number,
  headers: Record<string, string>,
): { body: Buffer; length: number } {
  if (status < 200 || status === 304) return { body: Buffer.alloc(0), length: 0 };
  if (headers["transfer-encoding"] === "chunked") return chunksIn(rest);
  const length = headers["content-length"] === undefined ? rest.length : Number(headers["content-length"]);
  if (length > rest.length) throw new Error(`${rest.length} bytes of ${length} came`);
  return { body: rest.subarray(0, length), length };
}

function chunksIn(rest: Buffer): { body: Buffer; length: number } {
  const chunks: Buffer[] = [];
  for (let at = 0; ; ) {
    const end = rest.indexOf("\r\n", at);
    if (end < 0) throw new Error("a chunked body that does not end");
    const size = Number.parseInt(rest.subarray(at, end).toString(), 16);
    at = end + 2 + size + 2;
    if (size === 0) return { body: Buffer.concat(chunks), length: at };
    chunks.push(rest.subarray(end + 2, end + 2 + size));
  }
}
