// Bounds on connections, work and time against real clients that break them; and the end of a server that they hold.

import assert from "node:assert/strict";
import { once } from "node:events";
import type { Socket } from "node:net";
import { describe, it, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Problem } from "@driftline/client/api";
import { defaultLimits, type Limits } from "./limits.ts";
import { dial, exchange, figure, readAnswer, startTestServer, untilFigure } from "./testServer.ts";

const atWork = (kind: string) => `driftline_http_at_work{kind="${kind}"}`;
const refused = (kind: string) => `driftline_http_refused_total{kind="${kind}"}`;
const ended = (why: string) => `driftline_http_connections_ended_total{why="${why}"}`;
const get = (path: string, headers = "") => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n`;
const last = "Connection: close\r\n";

async function serverWith(t: TestContext, limits: Partial<Limits>) {
  const server = await startTestServer({ limits });
  t.after(() => server.close());
  const sockets: Socket[] = [];
  t.after(() => {
    for (const socket of sockets) socket.destroy();
  });
  return {
    ...server,
    /** Sends and reads nothing. */
    say(text: string): Socket {
      const socket = dial(server.url).pause();
      sockets.push(socket);
      socket.write(text);
      return socket;
    },
  };
}

/** Gives the bundle a model of 500 MB, and tells how much of it was asked for and whether reading was given up. */
function largeModel({ memory }: Awaited<ReturnType<typeof serverWith>>) {
  const model = { taken: 0, given: Promise.withResolvers<void>() };
  const piece = new Uint8Array(256 * 1024);
  const original = memory.manifest;
  memory.manifest = async (digest) => {
    const manifest = JSON.parse(new TextDecoder().decode(await original(digest)));
    for (const file of manifest.files) if (file.path === "model.onnx") file.size = 2000 * piece.length;
    return new TextEncoder().encode(JSON.stringify(manifest));
  };
  const file = memory.file;
  memory.file = async (digest, path) => {
    if (path !== "model.onnx") return file(digest, path);
    return new ReadableStream<Uint8Array>({
      pull(controller) {
        model.taken += piece.length;
        controller.enqueue(piece);
      },
      cancel: () => model.given.resolve(),
    });
  };
  return model;
}

function problem(body: string): Problem {
  return JSON.parse(body) as Problem;
}

describe("time for a request", () => {
  it("ends for headers that come drop by drop", { timeout: 10_000 }, async (t) => {
    const { say, app } = await serverWith(t, { headersMs: 300 });
    const socket = say("GET /healthz HTTP/1.1\r\n");
    const drip = setInterval(() => socket.write("X: y\r\n"), 20);
    const { status, body } = await readAnswer(socket);
    clearInterval(drip);
    assert.equal(status, 408);
    assert.equal(problem(body).code, "too_slow");
    assert.equal(await figure(app, ended("slow_request")), 1);
  });

  it("ends for a connection that says nothing", { timeout: 10_000 }, async (t) => {
    const { say } = await serverWith(t, { headersMs: 300 });
    assert.equal((await readAnswer(say(""))).status, 408);
  });

  it("ends for a body that does not come", { timeout: 10_000 }, async (t) => {
    const { say, app } = await serverWith(t, { headersMs: 200, requestMs: 400 });
    const { status, body } = await readAnswer(
      say(
        "POST /v1/families/test.tiny/resolve HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" +
          'Content-Length: 100\r\n\r\n{"conditions"',
      ),
    );
    assert.equal(status, 408);
    assert.equal(problem(body).code, "too_slow");
    await untilFigure(app, atWork("request"), 0);
  });

  it("ends for a connection that is kept without a request", { timeout: 10_000 }, async (t) => {
    const { say } = await serverWith(t, { idleMs: 100 });
    const { status } = await readAnswer(say(get("/healthz")));
    assert.equal(status, 200);
  });

  it("is not counted while the server itself is at work", { timeout: 10_000 }, async (t) => {
    const { say, memory } = await serverWith(t, { stallMs: 100, idleMs: 100 });
    const families = memory.families;
    memory.families = async () => {
      await sleep(400);
      return families();
    };
    assert.equal((await readAnswer(say(get("/v1/families", last)))).status, 200);
  });
});

it("headers without end are answered 431, however many follow", async (t) => {
  const { url, app } = await serverWith(t, {});
  const flood = `GET / HTTP/1.1\r\nHost: localhost\r\n${"X-Flood: aaaaaaaa\r\n".repeat(100_000)}\r\n`;
  const { status, body } = await exchange(url, flood);
  assert.equal(status, 431);
  assert.equal(problem(body).code, "large_headers");
  assert.equal(await figure(app, ended("large_headers")), 1);
});

it("garbage behind a request whose answer has begun is not mixed into the answer", async (t) => {
  const server = await serverWith(t, {});
  largeModel(server);
  const { bundle } = server.memory;
  const socket = dial(server.url);
  socket.write(get(`/v1/models/${bundle}/files/model.onnx`));
  const [first] = await once(socket, "data");
  assert.match(String(first), /^HTTP\/1\.1 200/);
  socket.write("\0garbage\r\n\r\n");
  const { head, body } = await readAnswer(socket);
  assert.doesNotMatch(head + body, /400 Bad Request/);
});

describe("connections", () => {
  it("one too many is answered 503, more are not taken, and a free place is given", async (t) => {
    const { say, url, app } = await serverWith(t, { connections: 4 });
    const half = Array.from({ length: 4 }, () => say("GET "));
    await untilFigure(app, "driftline_http_connections", 4);
    const { status, head, body } = await exchange(url, get("/v1/families"));
    assert.equal(status, 503);
    assert.match(head, /retry-after: 1/i);
    assert.match(head, /connection: close/i);
    assert.equal(problem(body).code, "busy");
    assert.equal(await figure(app, refused("connections")), 1);
    const fifth = say("GET ");
    await untilFigure(app, "driftline_http_connections", 5);
    assert.equal((await exchange(url, get("/healthz"))).status, 0);
    assert.equal(await figure(app, ended("limit")), 1);
    fifth.destroy();
    half[0].destroy();
    await untilFigure(app, "driftline_http_connections", 3);
    assert.equal((await exchange(url, get("/healthz", last))).status, 200);
  });

  it("an idle one gives way", async (t) => {
    const { url, say, app } = await serverWith(t, { connections: 1 });
    const idle = say(get("/healthz"));
    await once(idle, "readable");
    assert.equal((await exchange(url, get("/healthz", last))).status, 200);
    await untilFigure(app, "driftline_http_connections", 0);
  });
});

describe("work", () => {
  it("beyond its bound is refused with the time to come again, each kind apart", async (t) => {
    const { url, say, app, memory } = await serverWith(t, {
      atWork: { ...defaultLimits.atWork, request: 2, listing: 1 },
    });
    const gate = Promise.withResolvers<void>();
    const families = memory.families;
    memory.families = async () => {
      await gate.promise;
      return families();
    };
    const waiting = [say(get("/v1/families", last)), say(get("/v1/families", last))];
    await untilFigure(app, atWork("request"), 2);
    const { status, head, body } = await exchange(url, get("/v1/families", last));
    assert.equal(status, 503);
    assert.match(head, /retry-after: 1/i);
    assert.equal(problem(body).code, "busy");
    assert.match(problem(body).detail, /2 requests are being answered/);
    assert.equal(await figure(app, refused("request")), 1);
    assert.equal((await exchange(url, get("/v1/models", last))).status, 200);
    assert.equal((await exchange(url, get("/healthz", last))).status, 200);
    gate.resolve();
    for (const socket of waiting) assert.equal((await readAnswer(socket)).status, 200);
    await untilFigure(app, atWork("request"), 0);
    assert.equal((await exchange(url, get("/v1/families", last))).status, 200);
  });

  it("for readers who left is not counted any more, nor for answers behind another", async (t) => {
    const { say, app, memory } = await serverWith(t, {});
    const gate = Promise.withResolvers<never>();
    memory.families = () => gate.promise;
    const socket = say(get("/v1/families").repeat(3));
    await untilFigure(app, atWork("request"), 3);
    socket.destroy();
    await untilFigure(app, atWork("request"), 0);
    gate.reject(new Error("too late"));
  });

  it("streams of events are bounded", async (t) => {
    const { url, say, app, memory } = await serverWith(t, {
      atWork: { ...defaultLimits.atWork, events: 1 },
    });
    const conditions = { drift_velocity: "7.1 cm/us" };
    const { job } = await memory.ensure("test.tiny", { conditions, hyperparameters: { endless: true } });
    const path = `/v1/jobs/${job!.id}/events`;
    const reader = say(get(path));
    await untilFigure(app, atWork("events"), 1);
    assert.equal((await exchange(url, get(path, last))).status, 503);
    assert.equal(await figure(app, refused("events")), 1);
    reader.destroy();
    await untilFigure(app, atWork("events"), 0);
  });
});

describe("a reader that stands still", () => {
  const socketsHold = 16 * 2 ** 20;

  for (const path of ["files/model.onnx", "bundle.tar"]) {
    it(`holds back ${path}, and is cut off`, { timeout: 10_000 }, async (t) => {
      const server = await serverWith(t, { stallMs: 300 });
      const model = largeModel(server);
      server.say(get(`/v1/models/${server.memory.bundle}/${path}`));
      await untilFigure(server.app, ended("stalled_reader"), 1);
      await model.given.promise;
      assert.ok(model.taken > 0 && model.taken < socketsHold, `${model.taken} bytes taken`);
      await untilFigure(server.app, atWork("download"), 0);
    });
  }

  it("holds back events, and is cut off", { timeout: 10_000 }, async (t) => {
    const { say, app, memory } = await serverWith(t, { stallMs: 300 });
    const conditions = { drift_velocity: "7.1 cm/us" };
    const { job } = await memory.ensure("test.tiny", { conditions, hyperparameters: { endless: true } });
    const event = (await memory.events(job!.id)[Symbol.asyncIterator]().next()).value!;
    let taken = 0;
    const done = Promise.withResolvers<void>();
    memory.events = async function* () {
      try {
        for (;;) yield { ...event, seq: ++taken, message: "x".repeat(10_000) };
      } finally {
        done.resolve();
      }
    };
    say(get(`/v1/jobs/${job!.id}/events`));
    await done.promise;
    assert.ok(taken * 10_000 < socketsHold, `${taken} events taken`);
    assert.equal(await figure(app, ended("stalled_reader")), 1);
  });

  it("gets no answers ahead of its reading, however many it asks for", { timeout: 10_000 }, async (t) => {
    const { say, app, memory } = await serverWith(t, { stallMs: 300 });
    const [family] = await memory.families();
    let asked = 0;
    memory.families = async () => {
      asked++;
      return [{ ...family, description: "x".repeat(500_000) }];
    };
    say(get("/v1/families").repeat(5_000));
    await untilFigure(app, ended("stalled_reader"), 1);
    assert.ok(asked > 1 && asked < 1_500, `${asked} answers made`);
    await untilFigure(app, atWork("request"), 0);
  });

  it("that reads slowly is served to the end", { timeout: 10_000 }, async (t) => {
    const { say, memory, app } = await serverWith(t, { stallMs: 200 });
    const [family] = await memory.families();
    memory.families = async () => [{ ...family, description: "x".repeat(8_000_000) }];
    const socket = say(get("/v1/families", last));
    let read = 0;
    await new Promise<void>((resolve) => {
      socket.once("end", resolve).once("close", () => resolve());
      const sip = setInterval(() => {
        // Some MB a second, in pauses shorter than the time that counts as standing still.
        read += (socket.read(200_000) ?? socket.read() ?? "").length;
      }, 20);
      t.after(() => clearInterval(sip));
    });
    assert.ok(read > 8_000_000, `${read} bytes read`);
    assert.equal(await figure(app, ended("stalled_reader")), 0);
  });
});

describe("closing", () => {
  it("ends at once what is idle or half sent, and lets answers go on for a while", {
    timeout: 10_000,
  }, async (t) => {
    const server = await startTestServer({ limits: { closeMs: 700 } });
    const say = (text: string) => {
      const socket = dial(server.url);
      t.after(() => socket.destroy());
      socket.write(text);
      return socket;
    };
    const gate = Promise.withResolvers<void>();
    const families = server.memory.families;
    server.memory.families = async () => {
      await gate.promise;
      return families();
    };
    const idle = once(say(get("/healthz")).resume(), "close");
    const half = once(say("GET /healthz HTT").resume(), "close");
    const finishing = readAnswer(say(get("/v1/families")));
    const stuck = say(
      "POST /v1/families/test.tiny/resolve HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" +
        "Content-Length: 9\r\n\r\n{",
    );
    await untilFigure(server.app, atWork("request"), 2);
    const started = performance.now();
    const closed = server.close();
    await Promise.all([idle, half]);
    assert.ok(performance.now() - started < 500);
    gate.resolve();
    assert.equal((await finishing).status, 200);
    stuck.resume();
    await closed;
    const took = performance.now() - started;
    assert.ok(took > 400 && took < 3_000, `${took} ms`);
  });
});
