// Servers that ask for encryption, for a user's name or for a bearer token.

import assert from "node:assert/strict";
import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { createClient, XrootdError, type XrootdOptions } from "@driftline/xrootd";
import { type Authority, createAuthority } from "../servers/authority.ts";
import { createIssuer } from "../servers/tokens.ts";
import {
  account,
  missingXrootd,
  startXrootd,
  type XrootdConfig,
  type XrootdServer,
} from "../servers/xrootd.ts";

const skip = missingXrootd() ?? false;
const authority: Authority | undefined = skip ? undefined : createAuthority();
const content = Buffer.from("0123456789".repeat(200_000));
const folders = authority ? [authority.folder] : [];
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

async function withServer(config: XrootdConfig, use: (server: XrootdServer) => Promise<void>) {
  const server = await startXrootd(config);
  try {
    writeFileSync(join(server.folder, "data/file"), content);
    await use(server);
  } finally {
    await server.stop();
  }
}

/** Reads across several parts of the file with a client of its own; undefined where all was right. */
async function problemOf(scheme: string, server: XrootdServer, options: XrootdOptions) {
  const client = createClient({ retries: 0, timeoutMs: 5000, ...options });
  try {
    const file = await client.open(`${scheme}://localhost:${server.port}//data/file`);
    const [head, all] = await file.read([
      { position: 1234, length: 1000 },
      { position: 0, length: file.size },
    ]);
    assert.ok(content.equals(all) && content.subarray(1234, 2234).equals(head));
    await file.close();
    return undefined;
  } catch (error) {
    if (error instanceof XrootdError) return error;
    throw error;
  } finally {
    client.close();
  }
}

const logins = (server: XrootdServer) => server.log().match(/pvt .*login.*/g) ?? [];

for (const [demand, encrypted] of [
  ["none", false],
  ["login", true],
  ["session", true],
  // XRootD 5.5.3 promises encryption after login here and forgets it; xrdcp fails.
  ["data", true],
  ["all", true],
] as const) {
  test(`a server that wants ${demand} encrypted`, { skip }, async () => {
    const lines = [...authority!.lines, `xrootd.tls ${demand}`];
    await withServer({ lines }, async (server) => {
      const ca = authority!.certificate;
      assert.equal(await problemOf("root", server, { ca }), undefined);
      assert.equal(logins(server).length, 1);
      assert.equal(logins(server)[0]?.includes("TLSv1"), encrypted);
      assert.equal(await problemOf("roots", server, { ca }), undefined);
      assert.match(logins(server)[1] ?? "", /TLSv1/);
      const stranger = await problemOf("roots", server, {});
      assert.equal(stranger?.kind, "tls");
      assert.match(
        stranger?.message ?? "",
        /certificate names this host and comes from an authority you trust/,
      );
      assert.equal(logins(server).length, 2);
    });
  });
}

test("roots:// never reads in the open", { skip }, async () => {
  await withServer({}, async (server) => {
    const error = await problemOf("roots", server, {});
    assert.equal(error?.kind, "tls");
    assert.match(error.message, /the server offers no encryption\. Use root:/);
    assert.deepEqual(logins(server), []);
  });
});

test("a certificate for another host is refused", { skip }, async () => {
  await withServer({ lines: authority!.lines }, async (server) => {
    const client = createClient({ retries: 0, ca: authority!.certificate });
    // Another name of this machine, which the certificate does not have.
    const opened = client.open(`roots://127.0.0.2:${server.port}//data/file`);
    await assert.rejects(opened, (error) => error instanceof XrootdError && error.kind === "tls");
    client.close();
  });
});

for (const protocol of ["unix", "host"]) {
  test(`a server that asks for ${protocol}`, { skip }, async () => {
    const lines = ["xrootd.seclib libXrdSec.so", `sec.protocol ${protocol}`];
    await withServer({ lines }, async (server) =>
      assert.equal(await problemOf("root", server, {}), undefined),
    );
  });
}

test("bearer tokens are shown, and what they do not cover is refused", { skip }, async () => {
  const issuer = createIssuer();
  const home = mkdtempSync(join(tmpdir(), "driftline-token-"));
  folders.push(issuer.folder, home);
  const ca = authority!.certificate;
  await withServer({ lines: [...authority!.lines, ...issuer.lines], env: issuer.env }, async (server) => {
    const ask = (token?: string) => problemOf("root", server, { ca, token });
    assert.equal(await ask(issuer.token()), undefined);
    assert.equal(
      await ask(
        issuer.token({
          ver: undefined,
          "wlcg.ver": "1.0",
          aud: "https://wlcg.cern.ch/jwt/v1/any",
          scope: "storage.read:/",
        }),
      ),
      undefined,
    );
    const elsewhere = await ask(issuer.token({ scope: "read:/other" }));
    assert.deepEqual(
      [elsewhere?.kind, elsewhere?.serverCode, elsewhere?.operation],
      ["denied", 3010, "open"],
    );
    const expired = await ask(issuer.token({ exp: Math.floor(Date.now() / 1000) - 5 }));
    assert.equal(expired?.kind, "denied");
    assert.match(expired.message, /log in: .*ztn: .*token expired/);
    // Found where the WLCG's discovery says.
    const saved = { ...process.env };
    try {
      delete process.env.BEARER_TOKEN;
      delete process.env.BEARER_TOKEN_FILE;
      process.env.XDG_RUNTIME_DIR = home;
      assert.match((await ask())?.message ?? "", /ztn: no token found/);
      const path = join(home, `bt_u${process.geteuid!()}`);
      writeFileSync(path, `${issuer.token()}\n`, { mode: 0o600 });
      assert.equal(await ask(), undefined);
      chmodSync(path, 0o644);
      assert.match((await ask())?.message ?? "", /can be read by others\. Make it yours alone: chmod 600/);
      process.env.BEARER_TOKEN_FILE = join(home, "other");
      writeFileSync(process.env.BEARER_TOKEN_FILE, issuer.token(), { mode: 0o600 });
      assert.equal(await ask(), undefined);
      process.env.BEARER_TOKEN = "not a token";
      assert.equal((await ask())?.kind, "denied");
    } finally {
      process.env = saved;
    }
  });
});

test("ways to log in that this client lacks are named", { skip }, async () => {
  const keytab = join(authority!.folder, "keytab");
  writeFileSync(
    keytab,
    `0 u:anybody g:usrgroup n:key N:1 c:${Math.floor(Date.now() / 1000)} e:0 k:${"5a".repeat(32)}\n`,
    {
      mode: 0o600,
    },
  );
  const user = account();
  if (user) chownSync(keytab, user.uid, user.gid);
  const lines = ["xrootd.seclib libXrdSec.so", `sec.protocol sss -s ${keytab}`];
  await withServer({ lines }, async (server) => {
    const error = await problemOf("root", server, {});
    assert.equal(error?.kind, "denied");
    assert.match(error.message, /sss: unknown to this client.*need another client/);
  });
});
