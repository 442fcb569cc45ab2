// The HTTP interface: problems in plain words, questions in URLs and bodies, tokens, figures.

import assert from "node:assert/strict";
import { connect } from "node:net";
import { buffer } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import type { Job } from "@driftline/client/api";
import { rejection } from "@driftline/client/testing/contract";
import type { FastifyInstance, LightMyRequestResponse } from "fastify";
import { createServer, listen } from "./server.ts";
import type { MemoryDriftline } from "./testing.ts";
import { problemOf, startTestServer, type TestServer } from "./testServer.ts";

describe("the server", () => {
  let server: TestServer;
  let app: FastifyInstance;
  let memory: MemoryDriftline;
  let url: string;
  let logged: string[];
  before(async () => {
    server = await startTestServer();
    ({ app, memory, url, logged } = server);
  });
  after(() => server.close());
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
      assert.equal(wrong.headers.allow, "GET, HEAD, OPTIONS");
      const put = await app.inject({ method: "PUT", url: `${resolve}?x` });
      assert.equal(put.headers.allow, "GET, HEAD, OPTIONS, POST");
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
      assert.match(flood, /^HTTP\/1\.1 431 /);
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

  it("lists jobs and models in pages, each going on where the last one ended", async () => {
    for (const velocity of ["6.01", "6.02", "6.03"]) {
      const request = { conditions: { drift_velocity: velocity }, hyperparameters: { endless: true } };
      await memory.ensure("test.tiny", request);
    }
    const all = (await Array.fromAsync(memory.jobs())).map(({ id }) => id);
    assert.ok(all.length >= 3);
    type Page = { jobs: Job[]; next: string | null };
    const listed: string[] = [];
    for (let next: string | null = ""; next !== null; ) {
      const answer: LightMyRequestResponse = await app.inject(`/v1/jobs?limit=2${next && `&after=${next}`}`);
      const page: Page = answer.json();
      assert.ok(page.jobs.length === 2 || page.next === null, answer.body);
      listed.push(...page.jobs.map(({ id }) => id));
      next = page.next;
    }
    assert.deepEqual(listed, all);
    const exact = await app.inject(`/v1/jobs?limit=${all.length}`);
    assert.equal(exact.json<{ next: string | null }>().next, null, "a full page that nothing follows");
    assert.deepEqual((await app.inject(`/v1/models?after=${memory.bundle}`)).json(), {
      models: [],
      next: null,
    });
    for (const limit of ["0", "1001", "x"]) {
      assert.equal((await problemOf(app.inject(`/v1/models?limit=${limit}`), 400)).field, "limit");
    }
    await problemOf(app.inject("/v1/jobs?after=no-such-job"), 404);
    await problemOf(app.inject(`/v1/models?after=${"0".repeat(64)}`), 404);
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
    const running = (await Array.fromAsync(memory.jobs())).filter((job) => job.state === "running").length;
    assert.ok(running > 0 && body.includes(`driftline_jobs{state="running"} ${running}\n`));
    for (const line of body.trimEnd().split("\n")) {
      assert.match(line, /^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{[^{}]*\})? [-+.e\d]+)$/);
    }
    await fresh.close();
  });
});
