// Requests that no client of ours sends: long and misnamed parts are answered in a few words, and none without an answer.

import assert from "node:assert/strict";
import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { after, before, describe, it } from "node:test";
import { problemOf, startTestServer, type TestServer } from "./testServer.ts";

describe("odd requests", () => {
  let server: TestServer;
  before(async () => {
    server = await startTestServer();
  });
  after(() => server.close());

  const post = (payload: object) =>
    server.app.inject({ method: "POST", url: "/v1/families/test.tiny/resolve", payload });

  it("are not repeated at length", async () => {
    const long = "a".repeat(3_000);
    const problems = [
      await problemOf(server.app.inject(`/v1/${long}`), 404),
      await problemOf(server.app.inject(`/v1/jobs/${long}`), 400),
      await problemOf(server.app.inject(`/v1/models/${server.memory.bundle}/files/${long}`), 404),
      await problemOf(server.app.inject(`/v1/families/test.tiny/resolve?at=${long}`), 400),
      await problemOf(post({ [long]: 1 }), 400),
      await problemOf(post({ conditions: { [long]: [] } }), 400),
      await problemOf(post({ software: { [long]: 1 } }), 400),
    ];
    for (const { detail, field = "" } of problems) {
      assert.ok(detail.length < 400 && field.length < 200, `${detail} at ${field}`);
    }
  });

  it("have a field even where the name of a member is empty", async () => {
    assert.equal((await problemOf(post({ "": 1 }), 400)).field, "body");
    assert.equal((await problemOf(server.app.inject("/v1/models?="), 400)).field, "query");
  });

  it("without a host are refused with a body too", async () => {
    const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
    let answer = "";
    socket.setEncoding("utf8").on("data", (text: string) => {
      answer += text;
    });
    socket.write("GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n");
    await once(socket, "close");
    assert.match(answer, /^HTTP\/1\.1 400 .*application\/problem\+json.*The request has no Host header\./s);
  });

  it("that expect what nobody knows are answered as those that expect nothing", async () => {
    const status = await new Promise((resolve, reject) => {
      httpRequest(`${server.url}/v1/families`, { headers: { expect: "wonders" } }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .on("error", reject)
        .end();
    });
    assert.equal(status, 200);
  });
});
