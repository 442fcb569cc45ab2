// What a bundle.json must be, beyond following the format, before the catalogue takes it.

import { createHash } from "node:crypto";
import type { BundleManifest } from "@driftline/client/bundle";
import { parseManifest } from "@driftline/client/verify";
import { fail } from "../errors/registry.ts";

/** A checked manifest with its exact text and the digest that names the bundle. */
export interface CheckedManifest {
  manifest: BundleManifest;
  text: string;
  digest: string;
  dataSource: "simulator" | "files";
}

/**
 * Checks the bytes of a bundle.json; `source` is for messages. Throws `invalid_bundle` naming the field, and
 * `refused` where the verdict is not "passed".
 */
export function checkManifest(bytes: Uint8Array, source: string): CheckedManifest {
  const { manifest, digest } = parseManifest(bytes, source);
  const { dataSource } = manifest.provenance;
  if (dataSource !== "simulator" && dataSource !== "files") {
    throw fail(
      "invalid_bundle",
      `Bundle ${source}: provenance.dataSource is ${JSON.stringify(dataSource)}, neither "simulator" nor "files".`,
      { field: "provenance.dataSource", remedy: "Make the bundle again with this version of Driftline." },
    );
  }
  if (!manifest.verdict.passed) {
    throw fail("refused", `Bundle ${digest} did not pass validation, so it cannot be published.`, {
      field: "verdict",
      remedy: "Its validation report names the gates that failed.",
      data: { verdict: manifest.verdict },
    });
  }
  // ignoreBOM keeps a byte order mark: the text must give back the same bytes.
  return { manifest, text: new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes), digest, dataSource };
}

/** What resolution reads of the domain: where the model passed, without the points that were tested. */
export type Domain = Pick<BundleManifest["domain"], "conditions" | "inputs">;

export function domainJson({ domain: { conditions, inputs } }: BundleManifest): string {
  return JSON.stringify({ conditions, inputs } satisfies Domain);
}

export function sha256(content: Uint8Array | string): string {
  return createHash("sha256").update(content).digest("hex");
}
