// Host and Origin at loopback, and requests packed to do harm, over real connections.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Problem } from "@driftline/client/api";
import { createServer, listen } from "./server.ts";
import { exchange, startTestServer, type TestServer } from "./testServer.ts";

describe("a server at loopback", () => {
  let server: TestServer;
  let port: string;
  before(async () => {
    server = await startTestServer({ allowedHosts: ["driftline.example.org"] });
    ({ port } = new URL(server.url));
  });
  after(() => server.close());

  const get = (headers: string, target = "/v1/families", version = "1.1") =>
    exchange(server.url, `GET ${target} HTTP/${version}\r\n${headers}Connection: close\r\n\r\n`);

  it("answers to loopback's names, with any port, and to those that it is told", async () => {
    const own = ["127.0.0.1", "localhost", "LOCALHOST", "localhost.", "127.9.9.9", "[::1]"];
    for (const host of [...own, "driftline.example.org"]) {
      for (const name of [host, `${host}:${port}`, `${host}:9000`]) {
        assert.equal((await get(`Host: ${name}\r\n`)).status, 200, name);
      }
    }
  });

  it("refuses other names, so that DNS rebinding gives a page nothing", async () => {
    const names = [
      "evil.example",
      `evil.example:${port}`,
      "localhost.evil.example",
      "127.0.0.1.evil.example",
    ];
    for (const host of [...names, "0.0.0.0", "[::2]", "x@127.0.0.1", "127.0.0.1:99:1", "", " "]) {
      for (const path of ["/v1/families", "/healthz", "/v1/nothing"]) {
        const { status, body } = await get(`Host: ${host}\r\n`, path);
        assert.equal(status, 403, host);
        const problem = JSON.parse(body) as Problem;
        assert.equal(problem.code, "forbidden");
        assert.equal(problem.field, "host");
        assert.match(problem.remedy ?? "", /server\.allowedHosts/);
      }
    }
    assert.equal((await get("")).status, 400, "no Host at all");
    assert.equal((await get("", "/healthz", "1.0")).status, 403, "no Host in HTTP/1.0");
  });

  it("takes the host of a whole URL in the request line for what it is", async () => {
    const host = `Host: 127.0.0.1:${port}\r\n`;
    assert.equal((await get(host, `http://127.0.0.1:${port}/healthz`)).status, 200);
    assert.equal((await get(host, "http://evil.example/healthz")).status, 403);
    assert.equal((await get(host, "ftp://127.0.0.1/healthz")).status, 403);
  });

  it("refuses requests that a page from elsewhere made the browser send", async () => {
    const host = `Host: 127.0.0.1:${port}\r\n`;
    const own = [
      `http://127.0.0.1:${port}`,
      "https://driftline.example.org",
      "https://driftline.example.org:444",
    ];
    for (const origin of own) assert.equal((await get(`${host}Origin: ${origin}\r\n`)).status, 200, origin);
    const foreign = [
      "https://evil.example",
      "null",
      "http://127.0.0.1:1",
      `http://127.0.0.1:${port}.evil.example`,
    ];
    for (const origin of [...foreign, `http://localhost:${port}`, "file://", "http://"]) {
      const { status, body } = await get(`${host}Origin: ${origin}\r\n`);
      assert.equal(status, 403, origin);
      assert.equal((JSON.parse(body) as Problem).field, "origin");
    }
    // What a page can send without asking: the job must not be made.
    const body = '{"conditions":{"drift_velocity":"6.6 cm/us"}}';
    const posted = await exchange(
      server.url,
      `POST /v1/families/test.tiny/ensure HTTP/1.1\r\n${host}Origin: https://evil.example\r\nContent-Type: ` +
        `application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
    );
    assert.equal(posted.status, 403);
    assert.deepEqual(await Array.fromAsync(server.memory.jobs()), []);
  });

  it("beyond loopback leaves that to the token", async () => {
    const open = await listen({ driftline: server.memory, host: "0.0.0.0", port: 0, token: "right" });
    const ask = (headers: string) =>
      exchange(open.url, `GET /v1/families HTTP/1.1\r\n${headers}Connection: close\r\n\r\n`);
    assert.equal((await ask("Host: any.example\r\n")).status, 401);
    assert.equal((await ask("Host: any.example\r\nAuthorization: Bearer right\r\n")).status, 200);
    await open.close();
  });

  it("refuses compressed bodies before it reads them", async () => {
    const { status, body } = await exchange(
      server.url,
      "POST /v1/families/test.tiny/resolve HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" +
        "Content-Encoding: gzip\r\nContent-Length: 20\r\nConnection: close\r\n\r\n",
    );
    assert.equal(status, 415);
    assert.equal((JSON.parse(body) as Problem).field, "content-encoding");
  });

  it("refuses many headers, however small", async () => {
    const count = (n: number) => get(`Host: localhost\r\n${"a:b\r\n".repeat(n)}`);
    assert.equal((await count(98)).status, 200);
    const { status, body } = await count(99);
    assert.equal(status, 431);
    assert.equal((JSON.parse(body) as Problem).code, "large_headers");
  });

  it("refuses JSON nested without end, quickly, and lives", async () => {
    const app = await createServer({ driftline: server.memory });
    const deep = 100_000;
    const bodies = [
      "[".repeat(deep),
      "[".repeat(deep) + "]".repeat(deep),
      `{"conditions":{"gas":${'{"a":'.repeat(deep)}1${"}".repeat(deep)}}}`,
      `{"hyperparameters":{"a":${"[".repeat(deep)}${"]".repeat(deep)}}}`,
    ];
    for (const payload of bodies) {
      const started = performance.now();
      const headers = { "content-type": "application/json" };
      const answer = await app.inject({
        method: "POST",
        url: "/v1/families/test.tiny/ensure",
        headers,
        payload,
      });
      assert.equal(answer.statusCode, 400);
      assert.match(answer.json<Problem>().detail, /nested more than 32 levels/);
      assert.ok(performance.now() - started < 1_000);
    }
    await app.close();
  });

  it("never leaves its routes, however a path is written", async () => {
    const { bundle } = server.memory;
    const ups = [
      "../../../etc/passwd",
      "..%2f..%2f..%2fetc%2fpasswd",
      "%2e%2e/%2e%2e/etc/passwd",
      "..%5c..%5cetc",
    ];
    const odd = ["..%252f..%252fetc", "%00", "..;/", "%c0%ae%c0%ae/", "//etc/passwd", ".", "..", "%2f%2fetc"];
    for (const part of [...ups, ...odd]) {
      for (const path of [
        `/v1/models/${bundle}/files/${part}`,
        `/v1/models/${part}/files/model.onnx`,
        `/v1/models/${part}/manifest`,
        `/v1/models/${part}/bundle.tar`,
        `/v1/models/${part}`,
        `/v1/families/${part}`,
        `/v1/families/${part}/resolve`,
        `/v1/jobs/${part}`,
        `/v1/jobs/${part}/events`,
        `/${part}`,
      ]) {
        const { status, body, head } = await get("Host: localhost\r\n", path);
        assert.ok(status === 400 || status === 404, `${path}: ${head}`);
        assert.match(head, /application\/problem\+json/, path);
        assert.doesNotMatch(body, /root:|node_modules|\.ts/, path);
      }
    }
  });

  it("answers HEAD, OPTIONS and methods that nobody uses", async () => {
    const ask = (method: string, target: string) =>
      exchange(server.url, `${method} ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    const head = await ask("HEAD", "/v1/families");
    assert.equal(head.status, 200);
    assert.match(head.head, /content-length: [1-9]/i);
    assert.equal(head.body, "");
    const options = await ask("OPTIONS", "/v1/families/test.tiny/resolve");
    assert.equal(options.status, 204);
    assert.match(options.head, /allow: GET, HEAD, OPTIONS, POST/i);
    assert.equal((await ask("OPTIONS", "*")).status, 204);
    assert.equal((await ask("OPTIONS", "/v1/nothing")).status, 404);
    for (const method of ["TRACE", "PROPFIND", "DELETE", "PUT", "PATCH"]) {
      const { status, body } = await ask(method, "/v1/families");
      assert.equal(status, 405, method);
      assert.equal((JSON.parse(body) as Problem).code, "wrong_method");
    }
    assert.equal((await ask("BREW", "/v1/families")).status, 400);
    // No proxy: the connection is closed without a word.
    assert.equal((await ask("CONNECT", "127.0.0.1:22")).status, 0);
    assert.equal((await ask("GET", "/healthz")).status, 200);
  });
});
