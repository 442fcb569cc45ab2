// What tests of the server share: an app over a Driftline in memory, listening, and the check of problem documents.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { Problem } from "@driftline/client/api";
import fastify, { type FastifyInstance, type LightMyRequestResponse } from "fastify";
import { createServer, type ServerOptions } from "./server.ts";
import { type MemoryDriftline, memoryDriftline } from "./testing.ts";

export interface TestServer {
  app: FastifyInstance;
  url: string;
  memory: MemoryDriftline;
  /** Holds the bundle under `published`. */
  directory: string;
  /** Lines of the log. */
  logged: string[];
  close(): Promise<void>;
}

export async function startTestServer(options: Partial<ServerOptions> = {}): Promise<TestServer> {
  const directory = await mkdtemp(join(tmpdir(), "driftline-server-"));
  const memory = await memoryDriftline(directory);
  const logged: string[] = [];
  const stream = new Writable({
    write(line, _, done) {
      logged.push(String(line));
      done();
    },
  });
  const logger = fastify({ logger: { level: "warn", stream } }).log;
  const app = await createServer({ driftline: memory, heartbeatMs: 40, logger, ...options });
  const url = await app.listen({ host: "127.0.0.1", port: 0 });
  return {
    ...{ app, url, memory, directory, logged },
    async close() {
      await app.close();
      await rm(directory, { recursive: true });
    },
  };
}

/** A connection on which anything can be sent; what is not asked for is not read. */
export function dial(url: string): Socket {
  const { hostname, port } = new URL(url);
  // Being cut off is what many tests are about.
  return connect(Number(port), hostname).on("error", () => {});
}

/** All that the server answers until it closes the connection. */
export async function exchange(url: string, text: string | Buffer): Promise<RawAnswer> {
  const socket = dial(url);
  socket.write(text);
  return readAnswer(socket);
}

export interface RawAnswer {
  /** 0 where nothing came. */
  status: number;
  head: string;
  body: string;
}

export async function readAnswer(socket: Socket): Promise<RawAnswer> {
  let text = "";
  socket.setEncoding("utf8").on("data", (piece) => {
    text += piece;
  });
  socket.resume();
  await new Promise((resolve) => socket.once("close", resolve));
  const [head, ...rest] = text.split("\r\n\r\n");
  return { status: Number(head.split(" ")[1] ?? 0), head, body: rest.join("\r\n\r\n") };
}

/** A figure of /metrics, such as `driftline_http_at_work{kind="events"}`. */
export async function figure(app: FastifyInstance, name: string): Promise<number> {
  const { body } = await app.inject("/metrics");
  const line = body.split("\n").find((each) => each.startsWith(`${name} `));
  assert.ok(line, `/metrics has no ${name}`);
  return Number(line.slice(name.length + 1));
}

/** Waits until a figure has a value; a test's own time-out ends the waiting. */
export async function untilFigure(app: FastifyInstance, name: string, value: number): Promise<void> {
  while ((await figure(app, name)) !== value) await sleep(5);
}

/** The problem document of an answer, checked as every one of them must be. */
export async function problemOf(
  answer: LightMyRequestResponse | Promise<LightMyRequestResponse>,
  status: number,
): Promise<Problem> {
  const response = await answer;
  assert.equal(response.statusCode, status, response.body);
  assert.match(String(response.headers["content-type"]), /^application\/problem\+json/);
  const problem = response.json<Problem>();
  assert.equal(problem.status, status);
  assert.equal(problem.type, `urn:driftline:error:${problem.code}`);
  assert.doesNotMatch(response.body, /node_modules|\.ts:|at Object|"stack"/);
  return problem;
}
