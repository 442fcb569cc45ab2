// The short way and the long one answer alike, are bounded alike and counted alike.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { createServer } from "./server.ts";
import {
  dial,
  exchange,
  figure,
  type RawAnswer,
  startTestServer,
  type TestServer,
  untilFigure,
} from "./testServer.ts";

const path = "/v1/families/test.tiny/resolve";
const request = (body: string, headers = "Content-Type: application/json\r\n", target = path) =>
  `POST ${target} HTTP/1.1\r\nHost: localhost\r\n${headers}Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`;
/** The same request, written so that it goes the long way. */
const long = (body: string, target = path) =>
  request(body, "Content-Type: application/json; charset=utf-8\r\n", target);

describe("resolve on the short way", () => {
  let server: TestServer;
  let short = 0;
  let gate: Promise<void> | undefined;
  before(async () => {
    server = await startTestServer();
    const { memory } = server;
    await server.app.close();
    server.app = await createServer({
      driftline: memory,
      limits: { atWork: { request: 2, listing: 1, download: 1, upload: 1, events: 1 } },
      async resolveJson(family, asked) {
        const answer = await memory.resolve(family, asked);
        short++;
        await gate;
        return answer.found ? JSON.stringify(answer) : answer;
      },
    });
    server.url = await server.app.listen({ host: "127.0.0.1", port: 0 });
  });
  after(async () => {
    await server.app.close();
    await server.close();
  });

  /** Without the time of the answer. */
  const shown = ({ head, body }: RawAnswer) => [
    head
      .replace(/\r\ndate: [^\r]*/i, "")
      .toLowerCase()
      .split("\r\n")
      .sort(),
    body,
  ];

  it("answers hits, misses and all that is wrong as the long way does", async () => {
    const bodies = [
      "{}",
      '{"conditions":{"drift_velocity":"5.5 cm/us"}}',
      '{"conditions":{"drift_velocity":"5.53 cm/us"},"accept":"compatible"}',
      '{"conditions":{"drift_velocity":"6.2 cm/us"}}',
      '{"conditions":{"drift_velocity":"5.5 T"}}',
      '{"conditions":{"nonsense":1}}',
      '{"conditions":{"gas":[1]}}',
      '{"condition":{}}',
      '{"conditions":{"__proto__":1}}',
      '{"accept":"any"}',
      "[]",
      "null",
      "",
      '{"conditions":',
      `${"[".repeat(2000)}`,
      `{"conditions":{"gas":"${"x".repeat(20_000)}"}}`,
      '{"conditions":{"gas":"π"}}',
    ];
    for (const body of bodies) {
      const [a, b] = [await exchange(server.url, request(body)), await exchange(server.url, long(body))];
      assert.ok(a.status >= 200, body);
      assert.deepEqual(shown(a), shown(b), body);
    }
    const elsewhere = path.replace("tiny", "none");
    const [a, b] = [request("{}", undefined, elsewhere), long("{}", elsewhere)];
    assert.deepEqual(shown(await exchange(server.url, a)), shown(await exchange(server.url, b)));
  });

  it("takes a body in pieces", async () => {
    const text = request('{"conditions":{"gas":"Ar/CH4 90/10"}}');
    const socket = dial(server.url).setNoDelay(true);
    for (const at of [0, 10, text.length - 20, text.length - 5]) {
      const next = [10, text.length - 20, text.length - 5, text.length].find((end) => end > at);
      await new Promise((done) => socket.write(text.slice(at, next), done));
      // Each piece arrives by itself.
      await figure(server.app, "driftline_http_connections");
    }
    let answer = "";
    for await (const piece of socket) answer += piece;
    assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/);
  });

  it("is refused where the long way is: a foreign Origin, compression, no room; and is counted", async () => {
    const json = "Content-Type: application/json\r\n";
    const foreign = await exchange(server.url, request("{}", `${json}Origin: https://evil.example\r\n`));
    assert.equal(foreign.status, 403);
    assert.equal(
      (await exchange(server.url, request("{}", `${json}Content-Encoding: gzip\r\n`))).status,
      415,
    );
    const name =
      'driftline_http_requests_total{route="/v1/families/:family/resolve",method="POST",status="200"}';
    const counted = await figure(server.app, name);
    const before = short;
    const opened = Promise.withResolvers<void>();
    gate = opened.promise;
    const waiting = [exchange(server.url, request("{}")), exchange(server.url, request("{}"))];
    await untilFigure(server.app, 'driftline_http_at_work{kind="request"}', 2);
    const full = await exchange(server.url, request("{}"));
    assert.equal(full.status, 503);
    assert.equal(await figure(server.app, 'driftline_http_refused_total{kind="request"}'), 1);
    opened.resolve();
    gate = undefined;
    for (const answer of await Promise.all(waiting)) assert.equal(answer.status, 200);
    assert.equal(short - before, 2);
    await untilFigure(server.app, name, counted + 2);
    await untilFigure(server.app, 'driftline_http_at_work{kind="request"}', 0);
  });

  it("asks for the token", async () => {
    const guarded = await createServer({
      driftline: server.memory,
      token: "right",
      resolveJson: async () => "{}",
    });
    const url = await guarded.listen({ host: "127.0.0.1", port: 0 });
    const ask = (headers: string) =>
      exchange(url, request("{}", `Content-Type: application/json\r\n${headers}`));
    assert.equal((await ask("")).status, 401);
    assert.equal((await ask("Authorization: Bearer wrong\r\n")).status, 401);
    const { status, body } = await ask("Authorization: Bearer right\r\n");
    assert.deepEqual([status, body], [200, "{}"]);
    await guarded.close();
  });
});
