// What a bundle.json must be, beyond following the format, before the catalogue takes it.

import type { BundleManifest } from "@driftline/client/bundle";
import { parseManifest } from "@driftline/client/verify";
import { fail } from "../errors/registry.ts";
import type { BundleRow } from "./tables.ts";

/** A checked manifest with the digest that names the bundle. */
export interface CheckedManifest {
  manifest: BundleManifest;
  digest: string;
  dataSource: "simulator" | "files";
  /** Bytes of the manifest and all its files. */
  size: number;
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
  const size = manifest.files.reduce((sum, file) => sum + file.size, bytes.byteLength);
  return { manifest, digest, dataSource, size };
}

/** What resolution reads of the domain: where the model passed, without the points that were tested. */
export type Domain = Pick<BundleManifest["domain"], "conditions" | "inputs">;

/** The row that a bundle has in the catalogue. */
export function bundleRow(
  { manifest, digest, dataSource, size }: CheckedManifest,
  created_at: string,
): BundleRow {
  const { conditions, inputs } = manifest.domain;
  return {
    digest,
    key: manifest.key,
    recipe_hash: manifest.recipeHash,
    family: manifest.family,
    family_version: manifest.familyVersion,
    data_source: dataSource,
    size,
    created_at,
    conditions_json: JSON.stringify(manifest.conditions),
    software_json: JSON.stringify(manifest.software),
    domain_json: JSON.stringify({ conditions, inputs } satisfies Domain),
  };
}
