// What a bundle.json must be, beyond following the format, before the catalogue takes it.

import type { BundleManifest } from "@driftline/client/bundle";
import { parseManifest } from "@driftline/client/verify";
import { fail } from "../errors/registry.ts";

/** A checked manifest with the digest that names the bundle. */
export interface CheckedManifest {
  manifest: BundleManifest;
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
  return { manifest, digest, dataSource };
}

/** What resolution reads of the domain: where the model passed, without the points that were tested. */
export type Domain = Pick<BundleManifest["domain"], "conditions" | "inputs">;

export function domainJson({ domain: { conditions, inputs } }: BundleManifest): string {
  return JSON.stringify({ conditions, inputs } satisfies Domain);
}

/** Bytes of the manifest and all its files. */
export function sizeOf({ files }: BundleManifest, manifestBytes: Uint8Array): number {
  return files.reduce((sum, { size }) => sum + size, manifestBytes.byteLength);
}
