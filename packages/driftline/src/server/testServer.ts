// What tests of the server share: an app over a Driftline in memory, listening, and the check of problem documents.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import type { Problem } from "@driftline/client/api";
import fastify, { type FastifyInstance, type LightMyRequestResponse } from "fastify";
import { createServer } from "./server.ts";
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

export async function startTestServer(): Promise<TestServer> {
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
  const app = await createServer({ driftline: memory, heartbeatMs: 40, logger });
  const url = await app.listen({ host: "127.0.0.1", port: 0 });
  return {
    ...{ app, url, memory, directory, logged },
    async close() {
      await app.close();
      await rm(directory, { recursive: true });
    },
  };
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
