// An issuer of bearer tokens for one test, and the configuration of a server that believes it.

import { generateKeyPairSync, sign } from "node:crypto";
import { chmodSync, chownSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { account, serverFolder } from "./xrootd.ts";

export interface Issuer {
  folder: string;
  lines: string[];
  env: Record<string, string>;
  /** A signed SciToken; claims stand in place of those that allow all reading for ten minutes. */
  token(claims?: Record<string, unknown>): string;
}

const issuer = "https://issuer.test";

export function createIssuer(): Issuer {
  const folder = serverFolder();
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const now = Math.floor(Date.now() / 1000);
  // The SciTokens library keeps issuers' keys in this database; a key there is not fetched from the issuer.
  const cache = join(folder, "cache/scitokens");
  mkdirSync(cache, { recursive: true });
  const database = new DatabaseSync(join(cache, "scitokens_cpp.sqllite"));
  database.exec("CREATE TABLE keycache (issuer text UNIQUE PRIMARY KEY NOT NULL, keys text NOT NULL)");
  const jwks = { keys: [{ ...publicKey.export({ format: "jwk" }), kid: "key", alg: "ES256", use: "sig" }] };
  database
    .prepare("INSERT INTO keycache VALUES (?, ?)")
    .run(issuer, JSON.stringify({ jwks, expires: now + 86_400, next_update: now + 80_000 }));
  database.close();
  const user = account();
  for (const path of [cache, join(cache, "scitokens_cpp.sqllite")]) {
    chmodSync(path, 0o700);
    if (user) chownSync(path, user.uid, user.gid);
  }
  writeFileSync(
    join(folder, "scitokens.cfg"),
    `[Global]\n\n[Issuer Test]\nissuer = ${issuer}\nbase_path = /data\n`,
  );
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return {
    folder,
    lines: [
      "xrootd.seclib libXrdSec.so",
      "sec.protocol ztn",
      "ofs.authorize",
      `ofs.authlib libXrdAccSciTokens.so config=${folder}/scitokens.cfg`,
    ],
    env: { XDG_CACHE_HOME: join(folder, "cache") },
    token(claims = {}) {
      const usual = { iss: issuer, sub: "someone", iat: now - 10, nbf: now - 10, exp: now + 600, jti: "1" };
      const scope = { ver: "scitoken:2.0", aud: "ANY", scope: "read:/" };
      const head = { alg: "ES256", typ: "JWT", kid: "key" };
      const said = `${encode(head)}.${encode({ ...usual, ...scope, ...claims })}`;
      const signature = sign("sha256", Buffer.from(said), { key: privateKey, dsaEncoding: "ieee-p1363" });
      return `${said}.${signature.toString("base64url")}`;
    },
  };
}
