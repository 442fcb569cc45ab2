// driftline serve as an operator meets it: TLS with files that are right and wrong, and SIGTERM while clients hold on.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { connect as dial } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { connect, type Job } from "@driftline/client";
import { makeCertificate } from "../packages/driftline/src/server/testCertificate.ts";
import { driftline, driftlineJson, serve, temporaryDirectory } from "./support.ts";

test("serves over TLS to clients that trust its certificate, and says what is wrong with files", async (t) => {
  const directory = await temporaryDirectory(t);
  const files = makeCertificate(directory);
  if (files === undefined) return t.skip("openssl is not installed");
  const data = join(directory, "data");
  const env = {
    DRIFTLINE_SERVER_TLS_CERTIFICATE: files.certificate,
    DRIFTLINE_SERVER_TLS_KEY: files.key,
    DRIFTLINE_SERVER_TOKEN: "secret",
  };
  const server = await serve(t, data, env);
  assert.match(server.url, /^https:/);
  const there = ["families", "--json", "--url", server.url];
  const trusting = { NODE_EXTRA_CA_CERTS: files.certificate, DRIFTLINE_TOKEN: "secret" };
  const families = await driftline(there, trusting);
  assert.equal(families.code, 0, families.stderr);
  assert.match(families.stdout, /test\.tpc/);
  const strange = await driftline(there, { DRIFTLINE_TOKEN: "secret" });
  assert.equal(strange.code, 1);
  assert.match(strange.stdout, /certificate is not trusted .*NODE_EXTRA_CA_CERTS/);
  await server.stop();
  assert.equal(server.child.exitCode, 0);

  const other = join(directory, "other.pem");
  await writeFile(other, "no key\n");
  for (const [change, message] of [
    [{ DRIFTLINE_SERVER_TLS_KEY: other }, /other\.pem holds no PEM private key/],
    [
      { DRIFTLINE_SERVER_TLS_CERTIFICATE: join(directory, "absent.pem") },
      /absent\.pem: there is no such file/,
    ],
  ] as const) {
    const run = await driftline(["serve", "--http-port", "0", "--data-dir", data], { ...env, ...change });
    assert.equal(run.code, 2);
    assert.match(run.stderr, message);
    assert.match(run.stderr, /at: server\.tls/);
  }
});

test("ends within 10 s of SIGTERM whatever clients do, and its job goes on later", async (t) => {
  const directory = await temporaryDirectory(t);
  const data = join(directory, "data");
  const server = await serve(t, data);
  const { hostname, port } = new URL(server.url);
  const steps = ["--hyperparameter", "steps=100000"];
  const { id } = await driftlineJson<Job>(["ensure", "test.tpc", ...steps, "--url", server.url]);
  const sdk = connect(server.url);
  for await (const event of sdk.events(id)) if (event.stage === "train") break;

  const say = (text: string) => {
    const socket = dial(Number(port), hostname).on("error", () => {});
    t.after(() => socket.destroy());
    return new Promise<void>((resolve) => socket.write(text, () => resolve()));
  };
  const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
  const post = (length: number) =>
    `POST /v1/families/test.tpc/resolve HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n{`;
  await say("");
  await say("GET /v1/fam");
  await say(post(100));
  await say(get(`/v1/jobs/${id}/events`));
  // Some 100 MB that nobody reads.
  for (let i = 0; i < 5; i++) await say(get("/v1/openapi.json").repeat(100));
  const stream = await fetch(`${server.url}/v1/jobs/${id}/events`);

  const started = performance.now();
  await server.stop();
  const seconds = (performance.now() - started) / 1000;
  assert.equal(server.child.exitCode, 0);
  assert.ok(seconds < 10, `${seconds} s`);
  await stream.text().catch(() => {});
  await sdk.close();
  const [job] = await driftlineJson<Job[]>(["jobs", "--data-dir", data]);
  assert.equal(job.state, "queued");
});
