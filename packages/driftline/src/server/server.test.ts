// The HTTP interface: problems in plain words, files and ranges, events, tokens, figures.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { get as httpGet, type IncomingMessage } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Job, Problem } from "@driftline/client/api";
import { rejection } from "@driftline/client/testing/contract";
import fastify, { type FastifyInstance, type LightMyRequestResponse } from "fastify";
import tar from "tar-stream";
import { createServer, listen } from "./server.ts";
import { type MemoryDriftline, memoryDriftline } from "./testing.ts";

describe("the server", () => {
  let directory: string;
  let memory: MemoryDriftline;
  let app: FastifyInstance;
  let url: string;
  const logged: string[] = [];
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "driftline-server-"));
    memory = await memoryDriftline(directory);
    const stream = new Writable({
      write(line, _, done) {
        logged.push(String(line));
        done();
      },
    });
    const logger = fastify({ logger: { level: "warn", stream } }).log;
    app = await createServer({ driftline: memory, heartbeatMs: 40, logger });
    url = await app.listen({ host: "127.0.0.1", port: 0 });
  });
  after(async () => {
    await app.close();
    await rm(directory, { recursive: true });
  });

  async function problemOf(answer: LightMyRequestResponse | Promise<LightMyRequestResponse>, status: number) {
    const response = await answer;
    assert.equal(response.statusCode, status, response.body);
    assert.match(String(response.headers["content-type"]), /^application\/problem\+json/);
    const problem = response.json<Problem>();
    assert.equal(problem.status, status);
    assert.equal(problem.type, `urn:driftline:error:${problem.code}`);
    assert.doesNotMatch(response.body, /node_modules|\.ts:|at Object|"stack"/);
    return problem;
  }
  const post = (path: string, payload: unknown, headers = {}) =>
    app.inject({
      method: "POST",
      url: path,
      headers: { "content-type": "application/json", ...headers },
      payload: typeof payload === "string" ? payload : JSON.stringify(payload),
    });
  const resolve = "/v1/families/test.tiny/resolve";
  const ensure = "/v1/families/test.tiny/ensure";

  describe("says in plain words what is wrong with a request", () => {
    const cases: [string, string, unknown, string, RegExp, RegExp][] = [
      [
        "an unknown member",
        resolve,
        { condition: {} },
        "condition",
        /unknown member "condition"/,
        /Did you mean conditions\? Members here: conditions, software, accept\./,
      ],
      [
        "a list where a value belongs",
        resolve,
        { conditions: { drift_velocity: [5] } },
        "conditions.drift_velocity",
        /conditions\.drift_velocity in the body must be text or a number; it is a list\./,
        /openapi/,
      ],
      [
        "a wrong word",
        resolve,
        { accept: "any" },
        "accept",
        /must be "exact" or "compatible"; it is "any"/,
        /openapi/,
      ],
      ["no object", resolve, [1], "body", /The body must be an object; it is a list/, /openapi/],
      ["null for nothing", resolve, "null", "body", /must be an object; it is null/, /openapi/],
      [
        "too few rows",
        ensure,
        { rows: 3 },
        "rows",
        /rows in the body must be at least 100; it is 3\./,
        /openapi/,
      ],
      ["half a row", ensure, { rows: 1000.5 }, "rows", /must be a whole number; it is 1000\.5/, /openapi/],
      [
        "an unknown member deep inside",
        ensure,
        { data: { files: ["a"], file: "b" } },
        "data.file",
        /unknown member "file"/,
        /Did you mean files\?/,
      ],
      ["no files", ensure, { data: { files: [] } }, "data.files", /must have at least 1 entries/, /openapi/],
      [
        "text for a switch",
        ensure,
        { retry: "yes" },
        "retry",
        /must be true or false; it is "yes"/,
        /openapi/,
      ],
    ];
    for (const [name, path, body, field, detail, remedy] of cases) {
      it(name, async () => {
        const problem = await problemOf(post(path, body), 400);
        assert.equal(problem.code, "usage");
        assert.equal(problem.field, field);
        assert.match(problem.detail, detail);
        assert.match(problem.remedy ?? "", remedy);
      });
    }

    it("broken JSON, no body, no JSON, too much", async () => {
      assert.match((await problemOf(post(resolve, '{"conditions":'), 400)).detail, /not valid JSON/);
      assert.match((await problemOf(post(resolve, '{"__proto__": {}}'), 400)).detail, /not valid JSON/);
      assert.match((await problemOf(post(resolve, ""), 400)).detail, /body/);
      assert.match(
        (await problemOf(app.inject({ method: "POST", url: resolve }), 400)).detail,
        /missing|null/,
      );
      const form = post(resolve, "a=b", { "content-type": "application/x-www-form-urlencoded" });
      assert.equal((await problemOf(form, 415)).code, "unsupported_media_type");
      const large = post(resolve, { conditions: { gas: "x".repeat(2 ** 20) } });
      assert.equal((await problemOf(large, 413)).code, "too_large");
    });

    it("what the platform refuses keeps code, field and remedy", async () => {
      const body = { conditions: { drift_velocity: "5.5 T" } };
      const problem = await problemOf(post(resolve, body), 400);
      assert.equal(problem.code, "wrong_unit");
      assert.match(problem.field ?? "", /drift_velocity/);
      assert.ok(problem.remedy);
      assert.equal((await problemOf(post("/v1/families/x/resolve", {}), 404)).code, "unknown_family");
    });

    it("a name that means something to JavaScript is a name like any other", async () => {
      for (const name of ["__proto__", "constructor", "toString"]) {
        const problem = await problemOf(app.inject(`${resolve}?at=${name}=1`), 400);
        assert.equal(problem.code, "unknown_condition", name);
      }
    });

    it("unknown routes and wrong methods", async () => {
      assert.equal((await problemOf(app.inject("/v1/nothing"), 404)).code, "unknown_route");
      assert.equal((await problemOf(app.inject("/"), 404)).code, "unknown_route");
      assert.equal((await problemOf(app.inject("/v1/%zz"), 400)).code, "usage");
      const wrong = await app.inject({ method: "DELETE", url: "/v1/models/00000000" });
      assert.equal((await problemOf(wrong, 405)).code, "wrong_method");
      assert.equal(wrong.headers.allow, "GET, HEAD");
      const put = await app.inject({ method: "PUT", url: `${resolve}?x` });
      assert.equal(put.headers.allow, "GET, HEAD, POST");
    });

    it("what is no HTTP request, or has too large headers", async () => {
      const raw = async (text: string) => {
        const socket = connect(Number(new URL(url).port), "127.0.0.1");
        socket.write(text);
        const answer = await buffer(socket);
        return answer.toString();
      };
      const garbage = await raw("no http at all\r\n\r\n");
      assert.match(garbage, /^HTTP\/1\.1 400 Bad Request\r\nContent-Type: application\/problem\+json/);
      assert.equal(JSON.parse(garbage.split("\r\n\r\n")[1]).code, "usage");
      const flood = await raw(`GET / HTTP/1.1\r\nHost: a\r\n${"X-Flood: aaaaaaaa\r\n".repeat(2000)}\r\n`);
      assert.match(flood, /^HTTP\/1\.1 413 /);
    });

    it("a digest that is none", async () => {
      for (const digest of ["xyz", "0123456", "..%2f..%2fetc", "A".repeat(64)]) {
        const problem = await problemOf(app.inject(`/v1/models/${digest}`), 400);
        assert.equal(problem.field, "digest");
      }
    });
  });

  it("keeps faults to itself and logs them with the number that the client gets", async () => {
    memory.failure = new TypeError("secret detail of /srv/catalogue.sqlite");
    const response = await app.inject("/v1/families");
    const ready = await app.inject("/readyz");
    memory.failure = undefined;
    const problem = await problemOf(response, 500);
    assert.equal(problem.code, "internal");
    assert.doesNotMatch(response.body, /secret|TypeError/);
    const line = logged.find((each) => each.includes(String(problem.id)));
    assert.match(line ?? "", /secret detail/);
    assert.equal((await problemOf(ready, 503)).code, "busy");
    assert.equal((await app.inject("/readyz")).statusCode, 200);
    assert.equal((await app.inject("/healthz")).json().status, "ok");
  });

  it("answers a question in a URL as it does one in a body", async () => {
    const inUrl = await app.inject(
      `${resolve}?at=drift_velocity=54.8mm/us&at=gas=Ar/CH4%2090/10&software=simulator=tiny/1&accept=compatible`,
    );
    const conditions = { drift_velocity: "54.8 mm/us", gas: "Ar/CH4 90/10" };
    const software = { simulator: "tiny/1" };
    const inBody = await post(resolve, { conditions, software, accept: "compatible" });
    assert.equal(inUrl.statusCode, 200);
    assert.deepEqual(inUrl.json(), inBody.json());
    assert.equal(inUrl.json().question.conditions.drift_velocity, "5.48");
    const twice = await problemOf(app.inject(`${resolve}?at=gas=a&at=gas=b`), 400);
    assert.match(twice.detail, /second time/);
    assert.match((await problemOf(app.inject(`${resolve}?at=gas`), 400)).detail, /not name=value/);
    assert.match(
      (await problemOf(app.inject(`${resolve}?att=gas=a`), 400)).remedy ?? "",
      /Did you mean at\?/,
    );
  });

  it("answers a miss as a problem with what is nearest", async () => {
    const problem = await problemOf(app.inject(`${resolve}?at=drift_velocity=6.2cm/us`), 404);
    assert.equal(problem.code, "no_model");
    assert.equal(problem.found, false);
    const [near] = problem.nearest as { model: { bundle: string }; differences: { reason: string }[] }[];
    assert.equal(near.model.bundle, memory.bundle);
    assert.match(near.differences[0].reason, /outside/);
  });

  it("answers ensure with the model, a job and where it is, or the verdict", async () => {
    assert.equal((await post(ensure, {})).statusCode, 200);
    const made = await post(ensure, { conditions: { drift_velocity: "6.1 cm/us" } });
    assert.equal(made.statusCode, 202);
    assert.equal(made.headers.location, `/v1/jobs/${made.json<Job>().id}`);
    const refused = await problemOf(post(ensure, { conditions: { drift_velocity: "4 cm/us" } }), 409);
    assert.equal(refused.code, "refused");
    assert.equal((refused.verdict as { passed: boolean }).passed, false);
  });

  describe("files of a bundle", () => {
    let content: Buffer;
    let path: string;
    const part = (range: string, headers = {}) => app.inject({ url: path, headers: { range, ...headers } });
    before(async () => {
      content = await readFile(join(directory, "published", "model.onnx"));
      path = `/v1/models/${memory.bundle}/files/model.onnx`;
    });

    it("whole, with their digest as ETag, to be kept for ever", async () => {
      const response = await app.inject(path);
      assert.equal(response.statusCode, 200);
      assert.deepEqual(response.rawPayload, content);
      const digest = createHash("sha256").update(content).digest("hex");
      assert.equal(response.headers.etag, `"${digest}"`);
      assert.equal(response.headers["content-length"], String(content.length));
      assert.match(String(response.headers["cache-control"]), /immutable/);
      const known = await app.inject({ url: path, headers: { "if-none-match": `"x", W/"${digest}"` } });
      assert.equal(known.statusCode, 304);
      assert.equal(known.body, "");
      const prefix = await app.inject(`/v1/models/${memory.bundle.slice(0, 9)}/files/model.onnx`);
      assert.equal(prefix.headers["cache-control"], "no-cache");
    });

    it("by HEAD without content", async () => {
      const response = await app.inject({ method: "HEAD", url: path });
      assert.equal(response.statusCode, 200);
      assert.equal(response.headers["content-length"], String(content.length));
      assert.equal(response.headers["accept-ranges"], "bytes");
      assert.equal(response.body, "");
    });

    it("in ranges", async () => {
      const size = content.length;
      for (const [range, first, end] of [
        ["bytes=0-0", 0, 1],
        ["bytes=100-299", 100, 300],
        [`bytes=${size - 1}-`, size - 1, size],
        ["bytes=-5", size - 5, size],
        ["bytes=10-999999999", 10, size],
        ["bytes=-999999999", 0, size],
      ] as const) {
        const response = await part(range);
        assert.equal(response.statusCode, 206, range);
        assert.equal(response.headers["content-range"], `bytes ${first}-${end - 1}/${size}`);
        assert.equal(response.headers["content-length"], String(end - first));
        assert.deepEqual(response.rawPayload, content.subarray(first, end), range);
      }
      for (const ignored of ["bytes=5-4", "bytes=0-1,3-4", "lines=1-2", "bytes=-", "bytes=a-b"]) {
        assert.equal((await part(ignored)).statusCode, 200, ignored);
      }
      for (const outside of [`bytes=${size}-`, "bytes=-0"]) {
        const response = await part(outside);
        assert.equal((await problemOf(response, 416)).code, "invalid_range");
        assert.equal(response.headers["content-range"], `bytes */${size}`);
        assert.equal(response.headers.etag, undefined);
      }
      const etag = String((await app.inject(path)).headers.etag);
      assert.equal((await part("bytes=0-3", { "if-range": etag })).statusCode, 206);
      assert.equal((await part("bytes=0-3", { "if-range": '"other"' })).statusCode, 200);
    });

    it("bundle.json with its exact bytes; the manifest as JSON", async () => {
      const response = await app.inject(`/v1/models/${memory.bundle}/files/bundle.json`);
      assert.equal(createHash("sha256").update(response.rawPayload).digest("hex"), memory.bundle);
      assert.equal(response.headers.etag, `"${memory.bundle}"`);
      const manifest = await app.inject(`/v1/models/${memory.bundle.slice(0, 8)}/manifest`);
      assert.deepEqual(manifest.json(), response.json());
    });

    it("and nothing else", async () => {
      const base = `/v1/models/${memory.bundle}/files/`;
      for (const outside of ["..%2f..%2fsecret", "%2fetc%2fpasswd", "model.onnx%00", "nothing", ""]) {
        const problem = await problemOf(app.inject(base + outside), 404);
        assert.equal(problem.code, "unknown_file", outside);
        assert.match(problem.remedy ?? "", /bundle\.json, model\.onnx/);
      }
    });

    it("all in one tar, the same each time", async () => {
      const path = `/v1/models/${memory.bundle.slice(0, 10)}/bundle.tar`;
      const response = await app.inject(path);
      assert.equal(response.headers["content-type"], "application/x-tar");
      assert.match(String(response.headers["content-disposition"]), /test\.tiny-[0-9a-f]{12}\.tar/);
      assert.deepEqual((await app.inject(path)).rawPayload, response.rawPayload);
      const extract = tar.extract();
      extract.end(response.rawPayload);
      const found: Record<string, Buffer> = {};
      for await (const entry of extract) found[entry.header.name] = await buffer(entry);
      assert.equal(Object.keys(found)[0], "bundle.json");
      for (const [name, bytes] of Object.entries(found)) {
        assert.deepEqual(bytes, await readFile(join(directory, "published", name)), name);
      }
      assert.equal(Object.keys(found).length, 5);
    });

    it("that cannot be read are a problem, not half an answer", async () => {
      const original = memory.file;
      memory.file = async () =>
        new ReadableStream({ pull: (controller) => controller.error(new Error("disk gone")) });
      const response = await app.inject(path);
      memory.file = original;
      assert.equal((await problemOf(response, 500)).code, "internal");
      assert.equal(response.headers["cache-control"], undefined);
      assert.equal(response.headers.etag, undefined);
    });
  });

  describe("events", () => {
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
      assert.match((await app.inject("/metrics")).body, /driftline_event_streams [01]\n/);
      await sleep(50);
      assert.match((await app.inject("/metrics")).body, /driftline_event_streams 0\n/);
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

  it("asks for its token", async () => {
    const guarded = await createServer({ driftline: memory, token: "right" });
    const ask = (authorization?: string, path = "/v1/families") =>
      guarded.inject({ url: path, headers: authorization === undefined ? {} : { authorization } });
    const refused = await ask();
    assert.equal((await problemOf(refused, 401)).code, "unauthorized");
    assert.equal(refused.headers["www-authenticate"], "Bearer");
    await problemOf(ask("Bearer wrong"), 401);
    await problemOf(ask("Basic right"), 401);
    await problemOf(ask("Bearer"), 401);
    await problemOf(ask(undefined, "/v1/nothing"), 401);
    await problemOf(ask(undefined, "/metrics"), 401);
    assert.equal((await ask("Bearer right")).statusCode, 200);
    assert.equal((await ask("bearer right")).statusCode, 200);
    assert.equal((await ask(undefined, "/healthz")).statusCode, 200);
    assert.equal((await ask(undefined, "/readyz")).statusCode, 200);
    await guarded.close();
  });

  it("does not serve other machines without a token", async () => {
    for (const host of ["0.0.0.0", "::", "192.0.2.1"]) {
      const error = await rejection(listen({ driftline: memory, host, port: 0 }));
      assert.equal(error.code, "usage");
      assert.match(error.remedy ?? "", /DRIFTLINE_SERVER_TOKEN/);
    }
    const guarded = await listen({ driftline: memory, host: "0.0.0.0", port: 0, token: "t" });
    await guarded.close();
  });

  it("says when a port is taken", async () => {
    const { port } = new URL(url);
    const error = await rejection(listen({ driftline: memory, host: "127.0.0.1", port: Number(port) }));
    assert.match(error.message, /another program listens there/);
    assert.equal(error.field, "http-port");
  });

  it("counts requests by route and status, and jobs by state", async () => {
    const fresh = await createServer({ driftline: memory });
    await fresh.inject("/v1/models/00000000");
    await fresh.inject("/v1/models/11111111");
    await fresh.inject("/nowhere/at/all");
    const { body, headers } = await fresh.inject("/metrics");
    assert.match(String(headers["content-type"]), /^text\/plain; version=0\.0\.4/);
    const route = 'route="/v1/models/:digest",method="GET"';
    assert.ok(body.includes(`driftline_http_requests_total{${route},status="404"} 2\n`), body);
    assert.ok(body.includes(`driftline_http_request_duration_seconds_bucket{${route},le="+Inf"} 2\n`));
    assert.ok(body.includes('driftline_http_requests_total{route="unknown",method="GET",status="404"} 1\n'));
    const running = (await memory.jobs()).filter((job) => job.state === "running").length;
    assert.ok(running > 0 && body.includes(`driftline_jobs{state="running"} ${running}\n`));
    for (const line of body.trimEnd().split("\n")) {
      assert.match(line, /^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{[^{}]*\})? [-+.e\d]+)$/);
    }
    await fresh.close();
  });
});
