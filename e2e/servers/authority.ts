// A certificate authority for one test, with a certificate for this machine's servers.

import { execFileSync } from "node:child_process";
import { chownSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { account, serverFolder } from "./xrootd.ts";

export interface Authority {
  folder: string;
  /** The authority's certificate, PEM. */
  certificate: string;
  /** Lines of an XRootD configuration that use the server's certificate. */
  lines: string[];
}

const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

export function createAuthority(): Authority {
  const folder = serverFolder();
  const openssl = (...args: string[]) => execFileSync("openssl", args, { cwd: folder, stdio: "pipe" });
  writeFileSync(join(folder, "names"), "subjectAltName=DNS:localhost,IP:127.0.0.1\n");
  openssl(..."req -x509 -keyout ca.key -out ca.pem -days 2 -subj".split(" "), "/CN=Test authority", ...key);
  openssl(..."req -keyout host.key -out host.csr -subj /CN=localhost".split(" "), ...key);
  openssl(
    ..."x509 -req -in host.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out host.pem".split(
      " ",
    ),
  );
  // XRootD takes a key only where its owner alone can read it.
  const user = account();
  if (user) chownSync(join(folder, "host.key"), user.uid, user.gid);
  return {
    folder,
    certificate: readFileSync(join(folder, "ca.pem"), "utf8"),
    lines: [`xrd.tls ${folder}/host.pem ${folder}/host.key`, `xrd.tlsca certfile ${folder}/ca.pem`],
  };
}
