// POST /v1/models as a client meets it: what is no tar, too much, too slow, too many, or cut off.

import assert from "node:assert/strict";
import { once } from "node:events";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Driftline } from "@driftline/client/api";
import { connect } from "@driftline/client/connect";
import { tarOfDirectory } from "@driftline/client/tar";
import { rejection } from "@driftline/client/testing/contract";
import { openCatalogue } from "../catalogue/catalogue.ts";
import { dial, exchange, problemOf, startTestServer, type TestServer, untilFigure } from "./testServer.ts";

const bytes = 64 * 1024;
const tarType = { "content-type": "application/x-tar" };

describe("pushing to a server", { timeout: 60_000 }, () => {
  let server: TestServer;
  let driftline: Driftline;
  let close: () => Promise<void>;
  before(async () => {
    server = await startTestServer({
      limits: {
        atWork: { request: 8, listing: 1, download: 1, upload: 1, events: 1 },
        requestMs: 400,
        stallMs: 600,
      },
      dataDirectories: [],
    });
    const catalogue = await openCatalogue(join(server.directory, "catalogue"));
    // As the platform takes it, with a bound that is soon reached.
    server.memory.push = async (tar) => {
      const { digest } = await catalogue.receive(tar.open(), { bytes });
      return { model: await server.memory.model(digest), job: null };
    };
    driftline = connect(server.url, { patienceMs: 10_000 });
    close = () => catalogue.close();
  });
  after(async () => {
    await driftline.close();
    await server.close();
    await close();
  });

  const post = (headers: Record<string, string>, payload: string | Buffer) =>
    server.app.inject({ method: "POST", url: "/v1/models", headers, payload });

  it("takes a bundle as the client packs it", async () => {
    const { tar, digest } = await tarOfDirectory(join(server.directory, "published"));
    assert.equal((await driftline.push(tar)).model?.bundle, digest);
  });

  it("says what a body must be", async () => {
    for (const [headers, payload] of [
      [{ "content-type": "application/json" }, "{}"],
      [{ "content-type": "application/gzip" }, "x"],
      [{}, "x"],
    ] as const) {
      const problem = await problemOf(post(headers, payload), 415);
      assert.equal(problem.field, "content-type");
      assert.match(problem.remedy ?? "", /application\/x-tar/);
    }
    await problemOf(post({ ...tarType, "content-encoding": "gzip" }, "x"), 415);
    assert.match((await problemOf(post(tarType, ""), 400)).detail, /it is empty/);
    assert.match((await problemOf(post(tarType, "no tar".repeat(200)), 400)).detail, /no whole tar/);
    assert.equal(
      (await problemOf(server.app.inject({ method: "PUT", url: "/v1/models" }), 405)).code,
      "wrong_method",
    );
  });

  it("reads no files that clients may not name", async () => {
    const { tar } = await tarOfDirectory(join(server.directory, "published"));
    const { code } = await rejection(driftline.push(tar, { data: { files: ["/etc/passwd"] } }));
    assert.equal(code, "forbidden");
  });

  it("refuses what has no end, with an answer, and goes on", async () => {
    const { tar } = await tarOfDirectory(join(server.directory, "published"));
    async function* endless() {
      yield* tar.open();
      for (let i = 0; i < 4_000; i++) yield new Uint8Array(bytes);
    }
    const error = await rejection(driftline.push({ open: endless }));
    assert.equal(error.code, "too_large");
    assert.match(error.remedy ?? "", /server\.uploadMiB/);
    assert.ok((await driftline.push(tar)).model);
  });

  it("ends an upload that stands still, and lets one that goes on take its time", async () => {
    const { tar } = await tarOfDirectory(join(server.directory, "published"));
    async function* slow() {
      for await (const piece of tar.open()) {
        yield piece;
        await new Promise((resolve) => setTimeout(resolve, 80));
      }
    }
    const started = performance.now();
    assert.ok((await driftline.push({ open: slow })).model);
    assert.ok(performance.now() - started > 400, "longer than other requests may take");
    const head =
      "POST /v1/models HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-tar\r\nContent-Length: 9999";
    const { status } = await exchange(server.url, `${head}\r\n\r\nsome`);
    assert.equal(status, 408);
    const other =
      "POST /v1/families/test.tiny/ensure HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json";
    assert.equal((await exchange(server.url, `${other}\r\nContent-Length: 9999\r\n\r\n{`)).status, 408);
  });

  it("takes one at a time here, and has room again when a sender goes away", async () => {
    const figure = 'driftline_http_at_work{kind="upload"}';
    await untilFigure(server.app, figure, 0);
    const socket = dial(server.url);
    socket.write(
      "POST /v1/models HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-tar\r\nContent-Length: 9999\r\n\r\nsome",
    );
    await untilFigure(server.app, figure, 1);
    const { status } = await exchange(
      server.url,
      "POST /v1/models HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/x-tar\r\nContent-Length: 1\r\n\r\nx",
    );
    assert.equal(status, 503);
    const closed = once(socket, "close");
    socket.destroy();
    await closed;
    await untilFigure(server.app, figure, 0);
    const { tar } = await tarOfDirectory(join(server.directory, "published"));
    assert.ok((await driftline.push(tar)).model);
    assert.deepEqual(server.logged, [], "nothing of this is a fault of the server");
  });

  it("gives a report as a page that cannot act", async () => {
    const { job } = await driftline.ensure("test.tiny", { conditions: { drift_velocity: "6.5 cm/us" } });
    assert.ok(job);
    for await (const _ of driftline.events(job.id));
    assert.match(new TextDecoder().decode(await driftline.report(job.id)), /A report/);
    const { headers } = await server.app.inject(`/v1/jobs/${job.id}/report`);
    assert.equal(headers["content-security-policy"], "sandbox");
    assert.equal((await rejection(driftline.report("999"))).code, "unknown_job");
  });
});
