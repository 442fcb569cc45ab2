// The client against servers that misbehave; what it does with a good one is tested beside the server.

import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, it } from "node:test";
import type { JobEvent } from "./api.ts";
import { connect } from "./connect.ts";
import { rejection } from "./testing/contract.ts";

const servers: { close(): void; closeAllConnections(): void }[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

function event(seq: number): JobEvent {
  const nothing = { stage: null, state: null, fraction: null, secondsLeft: null, message: null, figures: {} };
  return { seq, time: "2026-01-01T00:00:00Z", type: "progress", ...nothing };
}

const line = (seq: number) => `id: ${seq}\ndata: ${JSON.stringify(event(seq))}\n\n`;

describe("connect", () => {
  it("says which server does not answer, and what to check", async () => {
    const url = await serve(() => {});
    servers.pop()!.close();
    const error = await rejection(connect(url).families());
    assert.equal(error.code, "unreachable");
    assert.equal(
      error.message,
      `No usable answer from the Driftline server at ${url}/: the connection was refused`,
    );
    assert.equal(
      error.remedy,
      `Check the URL, and that \`driftline serve\` runs there (curl ${url}/healthz).`,
    );
  });

  it("refuses what is no URL of a server", () => {
    for (const url of ["", "localhost:8080", "ftp://host/", "file:///etc/passwd", "http://user:word@host/"]) {
      assert.throws(() => connect(url), { code: "usage", field: "url" }, url);
    }
  });

  it("does not take another server for Driftline", async () => {
    const page = connect(await serve((_, response) => response.end("<html>Welcome</html>")));
    assert.match((await rejection(page.families())).message, /answered 200 without JSON/);
    const other = connect(await serve((_, response) => answer(response, 200, { hello: 1 })));
    const error = await rejection(other.families());
    assert.equal(error.code, "unreachable");
    assert.match(error.message, /its answer is not as this client knows it: families: /);
    const missing = connect(await serve((_, response) => answer(response, 404, { error: "Not Found" })));
    assert.match(
      (await rejection(missing.resolve("a", {}))).message,
      /answered 404, not as a Driftline server/,
    );
    assert.equal((await rejection(missing.file("0", "x"))).code, "unreachable");
  });

  it("makes errors of problem documents, with further members as data", async () => {
    const problem = {
      type: "urn:driftline:error:refused",
      title: "t",
      status: 409,
      detail: "did not pass",
      code: "refused",
      field: "f",
      remedy: "r",
      verdict: { passed: false },
    };
    const driftline = connect(await serve((_, response) => answer(response, 409, problem)));
    const error = await rejection(driftline.ensure("a", {}));
    assert.deepEqual(
      [error.code, error.message, error.field, error.remedy, error.data],
      ["refused", "did not pass", "f", "r", { verdict: { passed: false } }],
    );
  });

  it("asks again where the server says when, and shows other errors at once", async () => {
    const busy = { type: "t", title: "t", status: 503, detail: "full", code: "busy" };
    let asked = 0;
    const url = await serve((_, response) => {
      asked++;
      if (asked > 2) return answer(response, 200, { families: [] });
      response.setHeader("retry-after", "0");
      answer(response, 503, busy);
    });
    assert.deepEqual(await connect(url).families(), []);
    assert.equal(asked, 3);
    const down = await serve((_, response) => answer(response, 503, busy));
    assert.equal((await rejection(connect(down).families())).code, "busy");
  });

  it("sends its token, keeps the path of the URL, and lets no name leave its place", async () => {
    const seen: string[] = [];
    const url = await serve((request, response) => {
      seen.push(`${request.method} ${request.url} ${request.headers.authorization}`);
      answer(response, 500, {});
    });
    const driftline = connect(`${url}/behind/proxy`, { token: "abc" });
    for (const name of ["mpd.tpc", "../../x", "..", "a?b#c"]) await rejection(driftline.resolve(name, {}));
    await rejection(driftline.file("00", "a/../b c.txt").then(() => null));
    const base = "/behind/proxy/v1";
    assert.deepEqual(
      seen.map((each) => each.replace(" Bearer abc", "")),
      [
        `POST ${base}/families/mpd.tpc/resolve`,
        `POST ${base}/families/..%2F..%2Fx/resolve`,
        `POST ${base}/families/..%20/resolve`,
        `POST ${base}/families/a%3Fb%23c/resolve`,
        `GET ${base}/models/00/files/b%20c.txt`,
      ],
    );
  });
});

describe("events over HTTP", () => {
  /** A server whose nth connection is answered by the nth of `turns`. */
  async function inTurns(...turns: ((request: IncomingMessage, response: ServerResponse) => void)[]) {
    const asked: (string | undefined)[] = [];
    const url = await serve((request, response) => {
      asked.push(request.headers["last-event-id"] as string | undefined);
      const turn = turns[Math.min(asked.length, turns.length) - 1];
      turn(request, response);
    });
    return { url, asked };
  }
  const stream = (response: ServerResponse) =>
    response.writeHead(200, { "content-type": "text/event-stream" });
  async function collect(url: string, options: Parameters<typeof connect>[1] = {}, after?: number) {
    const seen: number[] = [];
    for await (const { seq } of connect(url, options).events("7", { after })) seen.push(seq);
    return seen;
  }

  it("go on after the last one when the connection is lost", async () => {
    const { url, asked } = await inTurns(
      (_, response) => {
        stream(response).write(line(1) + line(2) + line(3).slice(0, 20));
        setTimeout(() => response.destroy(), 20);
      },
      (_, response) => response.destroy(),
      (_, response) =>
        answer(response, 503, { type: "t", title: "t", status: 503, detail: "d", code: "busy" }),
      // Ended well, but the job has not: someone between gave up.
      (_, response) => stream(response).end(line(2) + line(3)),
      (_, response) => stream(response).end(`${line(4)}event: end\ndata: {}\n\n`),
    );
    assert.deepEqual(await collect(url), [1, 2, 3, 4]);
    assert.deepEqual(asked, [undefined, "2", "2", "2", "3"]);
  });

  it("begin after the one that is named", async () => {
    const { url, asked } = await inTurns((_, response) => stream(response).end("event: end\ndata: {}\n\n"));
    assert.deepEqual(await collect(url, {}, 12), []);
    assert.deepEqual(asked, ["12"]);
  });

  it("wait for a server that is too busy at first", async () => {
    const { url, asked } = await inTurns(
      (_, response) =>
        answer(response, 503, { type: "t", title: "t", status: 503, detail: "d", code: "busy" }),
      (_, response) => stream(response).end(`${line(1)}event: end\ndata: {}\n\n`),
    );
    assert.deepEqual(await collect(url), [1]);
    assert.equal(asked.length, 2);
  });

  it("fail at once where there never was a connection, and for good where the job is unknown", async () => {
    const url = await serve(() => {});
    servers.pop()!.close();
    assert.equal((await rejection(collect(url))).code, "unreachable");
    const unknown = { type: "t", title: "t", status: 404, detail: "no job", code: "unknown_job" };
    const restarted = await inTurns(
      (_, response) => stream(response).end(line(1)),
      (_, response) => answer(response, 404, unknown),
    );
    assert.equal((await rejection(collect(restarted.url))).code, "unknown_job");
  });

  it("give up when patience is over", async () => {
    const { url, asked } = await inTurns(
      (_, response) => stream(response).end(line(1)),
      (_, response) => response.destroy(),
    );
    const started = Date.now();
    assert.equal((await rejection(collect(url, { patienceMs: 300 }))).code, "unreachable");
    assert.ok(asked.length > 2 && Date.now() - started < 3000, `${asked.length} tries`);
  });

  it("stop without an error when asked to", async () => {
    const { url } = await inTurns((_, response) => stream(response).write(line(1)));
    const stopping = new AbortController();
    const seen: number[] = [];
    for await (const { seq } of connect(url).events("7", { signal: stopping.signal })) {
      seen.push(seq);
      setTimeout(() => stopping.abort(), 20);
    }
    assert.deepEqual(seen, [1]);
  });

  it("report a problem that the server met on the way", async () => {
    const problem = { type: "t", title: "t", status: 500, detail: "d", code: "internal" };
    const { url } = await inTurns((_, response) =>
      stream(response).end(`event: problem\ndata: ${JSON.stringify(problem)}\n\n`),
    );
    assert.equal((await rejection(collect(url))).code, "internal");
  });
});
