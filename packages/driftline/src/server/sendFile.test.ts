// Files of bundles over HTTP: digests as ETags, ranges, HEAD, one tar, and nothing outside the bundle.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import type { FastifyInstance } from "fastify";
import tar from "tar-stream";
import type { MemoryDriftline } from "./testing.ts";
import { problemOf, startTestServer, type TestServer } from "./testServer.ts";

describe("files of a bundle", () => {
  let server: TestServer;
  let app: FastifyInstance;
  let memory: MemoryDriftline;
  let directory: string;
  before(async () => {
    server = await startTestServer();
    ({ app, memory, directory } = server);
  });
  after(() => server.close());

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
