// Certificate and key for serving over TLS, read and checked before anything listens.

import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { type DriftlineError, fail } from "../errors/registry.ts";

/** PEM text: the certificate with those that it was signed by, and its private key. */
export interface TlsPair {
  cert: Buffer;
  key: Buffer;
}

type Setting = "server.tlsCertificate" | "server.tlsKey";

/**
 * Reads the files that the settings name; null where neither is set. Throws `invalid_configuration` where one is
 * missing, can't be read or is no PEM, and where they don't belong together.
 */
export function readTls(certificate: string | null, key: string | null): TlsPair | null {
  if (certificate === null && key === null) return null;
  if (certificate === null || key === null) {
    const [given, absent]: Setting[] =
      key === null ? ["server.tlsCertificate", "server.tlsKey"] : ["server.tlsKey", "server.tlsCertificate"];
    throw wrong(absent, `${given} is set and ${absent} is not`, "Set both, or neither.");
  }
  const pair = { cert: read("server.tlsCertificate", certificate), key: read("server.tlsKey", key) };
  const x509 = parse(
    "server.tlsCertificate",
    certificate,
    "certificate",
    () => new X509Certificate(pair.cert),
  );
  const privateKey = parse("server.tlsKey", key, "private key without a passphrase", () =>
    createPrivateKey(pair.key),
  );
  if (!x509.checkPrivateKey(privateKey)) {
    throw wrong(
      "server.tlsKey",
      `the key ${key} does not belong to the certificate ${certificate}`,
      "Name the key that the certificate was made with; in a chain the server's own certificate comes first.",
    );
  }
  return pair;
}

function read(setting: Setting, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const what = code === "ENOENT" ? "there is no such file" : code;
    throw wrong(setting, `reading ${path}: ${what}`, "Name a file that this user can read.", cause);
  }
}

function parse<T>(setting: Setting, path: string, what: string, make: () => T): T {
  try {
    return make();
  } catch (cause) {
    throw wrong(setting, `${path} holds no PEM ${what}`, `Name a PEM file with a ${what}.`, cause);
  }
}

function wrong(field: Setting, what: string, remedy: string, cause?: unknown): DriftlineError {
  return fail("invalid_configuration", `Serving over TLS: ${what}.`, { field, remedy, cause });
}
