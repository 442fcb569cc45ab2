// Events of jobs over HTTP: ids, resuming, heartbeats, slow readers, and servers that close.

import assert from "node:assert/strict";
import { get as httpGet, type IncomingMessage } from "node:http";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { FastifyInstance } from "fastify";
import { listen } from "./server.ts";
import type { MemoryDriftline } from "./testing.ts";
import { problemOf, startTestServer, type TestServer } from "./testServer.ts";

describe("events", () => {
  let server: TestServer;
  let app: FastifyInstance;
  let memory: MemoryDriftline;
  let url: string;
  before(async () => {
    server = await startTestServer();
    ({ app, memory, url } = server);
  });
  after(() => server.close());

  async function endlessJob(velocity: string): Promise<string> {
    const conditions = { drift_velocity: velocity };
    const answer = await memory.ensure("test.tiny", { conditions, hyperparameters: { endless: true } });
    return answer.job!.id;
  }

  it("come with ids, and end with the job", async () => {
    const id = await endlessJob("7.1 cm/us");
    memory.emit(id, { message: "one\ntwo" });
    memory.emit(id, { type: "state", state: "published" });
    const response = await app.inject(`/v1/jobs/${id}/events`);
    assert.equal(response.headers["content-type"], "text/event-stream");
    const [hello, first, second, third, end, rest] = response.body.split("\n\n");
    assert.match(hello, /^retry: \d+\n: /);
    assert.match(first, /^id: 1\ndata: \{"seq":1,/);
    assert.deepEqual(JSON.parse(second.split("data: ")[1]).message, "one\ntwo");
    assert.match(third, /^id: 3\n/);
    assert.equal(end, 'event: end\ndata: {"state":"published"}');
    assert.equal(rest, "");
    const later = await app.inject({ url: `/v1/jobs/${id}/events`, headers: { "last-event-id": "2" } });
    assert.deepEqual(
      [...later.body.matchAll(/^id: (\d+)$/gm)].map(([, seq]) => seq),
      ["3"],
    );
    const queried = await app.inject(`/v1/jobs/${id}/events?after=2`);
    assert.equal(queried.body, later.body);
    await problemOf(app.inject({ url: `/v1/jobs/${id}/events`, headers: { "last-event-id": "x" } }), 400);
    assert.equal((await problemOf(app.inject("/v1/jobs/99/events"), 404)).code, "unknown_job");
  });

  it("are followed by heartbeats while nothing happens, and let go when the reader leaves", async () => {
    const id = await endlessJob("7.2 cm/us");
    const reading = new AbortController();
    const response = await fetch(`${url}/v1/jobs/${id}/events`, { signal: reading.signal });
    let text = "";
    for await (const piece of response.body!.pipeThrough(new TextDecoderStream())) {
      text += piece;
      if (text.split(": still here\n\n").length > 3) break;
    }
    reading.abort();
    assert.match((await app.inject("/metrics")).body, /driftline_http_at_work\{kind="events"\} [01]\n/);
    await sleep(50);
    assert.match((await app.inject("/metrics")).body, /driftline_http_at_work\{kind="events"\} 0\n/);
  });

  it("are held back for a slow reader", async () => {
    const id = await endlessJob("7.3 cm/us");
    for (let i = 0; i < 2000; i++) memory.emit(id, { message: "x".repeat(10_000) });
    const original = memory.events;
    let taken = 0;
    memory.events = async function* (job, options) {
      for await (const event of original(job, options)) {
        taken = event.seq;
        yield event;
      }
    };
    const response = await new Promise<IncomingMessage>((done) =>
      httpGet(`${url}/v1/jobs/${id}/events`, done),
    );
    response.once("readable", () => {});
    await sleep(300);
    memory.events = original;
    // 20 MB wait; what the sockets of a loopback connection hold is a few MB.
    assert.ok(taken > 1 && taken < 1500, `took ${taken} events`);
    response.destroy();
  });

  it("end when the server closes, so that it can", async () => {
    const own = await listen({ driftline: memory, host: "127.0.0.1", port: 0 });
    const id = await endlessJob("7.4 cm/us");
    const response = await fetch(`${own.url}/v1/jobs/${id}/events`);
    const text = response.text();
    const started = Date.now();
    await own.close();
    assert.ok(Date.now() - started < 2000);
    assert.doesNotMatch(await text, /event: end/);
  });
});
