// The order in which a token is looked for, and files that are not to be trusted.

import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { discoverToken, parseOffers, tokenCredentials } from "./credentials.ts";

const folder = mkdtempSync(join(tmpdir(), "driftline-token-"));
after(() => rmSync(folder, { recursive: true }));
const named = join(folder, "named");
const usual = join(folder, `bt_u${process.geteuid!()}`);
writeFileSync(named, " named\n", { mode: 0o600 });
writeFileSync(usual, "usual", { mode: 0o600 });

test("the variable comes before the file it names, before the runtime folder", async () => {
  const all = { BEARER_TOKEN: " own ", BEARER_TOKEN_FILE: named, XDG_RUNTIME_DIR: folder };
  assert.equal(await discoverToken(all), "own");
  assert.equal(await discoverToken({ ...all, BEARER_TOKEN: "" }), "named");
  assert.equal(await discoverToken({ XDG_RUNTIME_DIR: folder }), "usual");
});

test("a named file that is not there and one that others can read are errors", async () => {
  await assert.rejects(
    discoverToken({ BEARER_TOKEN_FILE: join(folder, "none") }),
    /does not exist or is empty/,
  );
  chmodSync(usual, 0o640);
  await assert.rejects(
    discoverToken({ XDG_RUNTIME_DIR: folder }),
    /can be read by others\. Make it yours alone: chmod 600/,
  );
});

test("offers have a name and perhaps parameters", () => {
  assert.deepEqual(parseOffers("&P=ztn,TLS:0:4096:&P=unix\0"), [
    { protocol: "ztn", parameters: "TLS:0:4096:" },
    { protocol: "unix", parameters: "" },
  ]);
  assert.deepEqual(parseOffers(""), []);
});

test("a token goes with its length and a zero byte", () => {
  assert.deepEqual([...tokenCredentials("ab")], [...Buffer.from("ztn\0\0T\0\0\0\x03ab\0", "latin1")]);
});
