// Bytes over HTTP against a real server that misbehaves in every way a server does.

import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { httpSource } from "./http.ts";

const content = Uint8Array.from({ length: 100_000 }, (_, i) => (i * 31) % 251);

async function serve(t: TestContext, handler: RequestListener): Promise<string> {
  const server = createServer(handler).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/f.root`;
}

function answer(request: IncomingMessage, response: ServerResponse, tag = '"1"'): void {
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "")!.map(Number);
  assert.ok(to < content.length, "a range is never beyond the file");
  response.writeHead(206, { etag: tag, "content-range": `bytes ${from}-${to}/${content.length}` });
  response.end(content.subarray(from, to + 1));
}

test("ranges come back in the order asked, few at a time, with the token", async (t) => {
  let under = 0;
  let most = 0;
  const url = await serve(t, (request, response) => {
    if (request.headers.authorization !== "Bearer secret") {
      response.writeHead(401).end();
      return;
    }
    most = Math.max(most, ++under);
    setImmediate(() => {
      under--;
      answer(request, response);
    });
  });
  await assert.rejects(httpSource(url), { kind: "unreadable", message: /answers 401 Unauthorized; a token/ });
  const source = await httpSource(url, { token: "secret" });
  assert.equal(source.size, content.length);
  assert.match(source.identity, /"1"/);
  const ranges = Array.from({ length: 40 }, (_, i) => ({ position: (i * 7919) % 90_000, length: i * 13 }));
  const parts = await source.read(ranges);
  parts.forEach((part, i) => {
    const { position, length } = ranges[i];
    assert.deepEqual(part, content.slice(position, position + length));
  });
  assert.ok(most > 1 && most <= 6, `${most} at a time`);
  await assert.rejects(source.read([{ position: 99_999, length: 2 }]), {
    kind: "damaged",
    message: /refers to 2 bytes at 99999, but has only 100000/,
  });
  await source.close();
});

test("an overloaded server, a broken connection and a short answer are asked again", async (t) => {
  let requests = 0;
  const url = await serve(t, (request, response) => {
    requests++;
    if (requests === 1) response.writeHead(503, { "retry-after": "0" }).end();
    else if (requests === 3) request.socket.destroy();
    else if (requests === 4) {
      response.writeHead(206, { etag: '"1"', "content-range": `bytes 5-24/${content.length}` });
      response.write(content.subarray(5, 10), () => request.socket.destroy());
    } else answer(request, response);
  });
  const source = await httpSource(url);
  assert.deepEqual(await source.read([{ position: 5, length: 20 }]), [content.slice(5, 25)]);
  assert.equal(requests, 5);
  await source.close();
});

test("a server that went away is an error that says why", async (t) => {
  let gone = false;
  const url = await serve(t, (request, response) => {
    if (gone) request.socket.destroy();
    else answer(request, response);
  });
  const source = await httpSource(url, { retrySeconds: 0.3 });
  gone = true;
  await assert.rejects(source.read([{ position: 0, length: 4 }]), {
    kind: "unreadable",
    message: /\/f\.root: cannot be read: .*(other side closed|ECONNRESET)/,
  });
});

test("a file that changes while it is read is an error, never mixed bytes", async (t) => {
  let tag = '"1"';
  const url = await serve(t, (request, response) => answer(request, response, tag));
  const source = await httpSource(url);
  assert.deepEqual(await source.read([{ position: 0, length: 4 }]), [content.slice(0, 4)]);
  tag = '"2"';
  await assert.rejects(source.read([{ position: 0, length: 4 }]), {
    kind: "unreadable",
    message: /has changed on the server since it was opened/,
  });
  await source.close();
});

test("a server without ranges, or with other ranges than asked, is refused", async (t) => {
  const whole = await serve(t, (_, response) => response.end(content));
  await assert.rejects(httpSource(whole), { kind: "unreadable", message: /does not answer ranges/ });
  const other = await serve(t, (_, response) => {
    response.writeHead(206, { "content-range": "bytes 7-7/100000" }).end("x");
  });
  await assert.rejects(httpSource(other), {
    kind: "unreadable",
    message: /answers bytes 7-7\/100000 when asked/,
  });
  const absent = await serve(t, (_, response) => response.writeHead(404).end());
  await assert.rejects(httpSource(absent), { kind: "unreadable", message: /answers 404 Not Found/ });
});
