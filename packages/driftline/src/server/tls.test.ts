// Serving over TLS: files that are wrong are named, clients that trust the certificate are served, the bounds hold.

import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect as connectTcp } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { connect as connectTls } from "node:tls";
import { DriftlineError } from "../errors/registry.ts";
import { listen } from "./server.ts";
import { makeCertificate } from "./testCertificate.ts";
import { readAnswer, startTestServer, untilFigure } from "./testServer.ts";
import { readTls } from "./tls.ts";

const directory = mkdtempSync(join(tmpdir(), "driftline-tls-"));
after(() => rmSync(directory, { recursive: true }));
const files = makeCertificate(directory);
const other = makeCertificate(directory, "other");

describe("TLS", { skip: files === undefined && "openssl is not installed" }, () => {
  const { certificate, key } = files!;

  it("is off without files", () => assert.equal(readTls(null, null), null));

  it("names the file or setting that is wrong", () => {
    const text = join(directory, "text.pem");
    writeFileSync(text, "no PEM\n");
    const locked = join(directory, "locked.key");
    writeFileSync(locked, readFileSync(key));
    chmodSync(locked, 0);
    const missing = join(directory, "missing.pem");
    const cases: [string | null, string | null, string, RegExp][] = [
      [certificate, null, "server.tlsKey", /server\.tlsCertificate is set and server\.tlsKey is not/],
      [null, key, "server.tlsCertificate", /server\.tlsKey is set and server\.tlsCertificate is not/],
      [missing, key, "server.tlsCertificate", /missing\.pem: there is no such file/],
      [certificate, directory, "server.tlsKey", /EISDIR/],
      [text, key, "server.tlsCertificate", /text\.pem holds no PEM certificate/],
      [certificate, certificate, "server.tlsKey", /server\.pem holds no PEM private key/],
      [
        certificate,
        other!.key,
        "server.tlsKey",
        /other\.key does not belong to the certificate .*server\.pem/,
      ],
    ];
    // The superuser reads everything.
    if (process.getuid?.() !== 0) cases.push([certificate, locked, "server.tlsKey", /EACCES/]);
    for (const [cert, its, field, message] of cases) {
      assert.throws(
        () => readTls(cert, its),
        (error) => {
          assert.ok(error instanceof DriftlineError);
          assert.equal(error.code, "invalid_configuration");
          assert.equal(error.field, field);
          assert.match(error.message, message);
          assert.ok(error.remedy);
          return true;
        },
      );
    }
  });

  it("serves those who trust the certificate, says https, and cuts off who stands still", async () => {
    const tls = readTls(certificate, key);
    const server = await startTestServer({ tls, limits: { stallMs: 300, headersMs: 300 } });
    const port = Number(new URL(server.url).port);
    const dial = () =>
      connectTls({ port, host: "127.0.0.1", ca: readFileSync(certificate) }).on("error", () => {});
    const ask = dial();
    ask.write("GET /v1/families HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    assert.equal((await readAnswer(ask)).status, 200);

    const [family] = await server.memory.families();
    server.memory.families = async () => [{ ...family, description: "x".repeat(50_000_000) }];
    const stalled = dial().pause();
    stalled.write("GET /v1/families HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await untilFigure(server.app, 'driftline_http_connections_ended_total{why="stalled_reader"}', 1);
    stalled.destroy();

    // Plain HTTP, and a handshake that never comes.
    const plain = connectTcp(port, "127.0.0.1").on("error", () => {});
    plain.write("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert.equal((await readAnswer(plain)).status, 0);
    assert.equal((await readAnswer(connectTcp(port, "127.0.0.1").on("error", () => {}))).status, 0);
    await untilFigure(server.app, "driftline_http_connections", 0);
    await server.close();

    const listening = await listen({ driftline: server.memory, host: "127.0.0.1", port: 0, tls });
    assert.match(listening.url, /^https:\/\/127\.0\.0\.1:\d+$/);
    await listening.close();
  });
});
