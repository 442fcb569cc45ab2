// A self-signed certificate for 127.0.0.1 and localhost, made by openssl, to test serving over TLS with.

import { execFileSync } from "node:child_process";
import { join } from "node:path";

export interface CertificateFiles {
  certificate: string;
  key: string;
}

/** Undefined where there is no openssl. */
export function makeCertificate(directory: string, name = "server"): CertificateFiles | undefined {
  const files = { certificate: join(directory, `${name}.pem`), key: join(directory, `${name}.key`) };
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"];
  const making = [
    "req",
    "-x509",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:P-256",
    "-nodes",
    "-days",
    "2",
  ];
  try {
    execFileSync("openssl", [...making, ...subject, "-keyout", files.key, "-out", files.certificate], {
      stdio: "ignore",
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  return files;
}
