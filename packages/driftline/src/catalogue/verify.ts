// Re-reads everything a catalogue holds and names what is damaged, missing or in no bundle.

import type { BlobStore } from "./blobs.ts";
import { type Database, withTables } from "./database.ts";
import { type CheckedManifest, checkManifest, domainJson, sizeOf } from "./manifest.ts";
import { checkIntegrity } from "./sqlite.ts";
import type { BundleRow, CatalogueTables } from "./tables.ts";

export interface Finding {
  kind: "damaged" | "missing";
  what: "blob" | "record" | "database";
  /** Digest of the blob or bundle; null for the database file. */
  digest: string | null;
  /** Bundles that can't be trusted because of it. */
  bundles: string[];
  message: string;
}

export interface VerifyReport {
  /** Empty where all is well. A command that has any ends with exit code 5. */
  findings: Finding[];
  bundles: number;
  blobs: number;
  bytes: number;
  /** Blobs of no bundle, such as data sets and results of stages; no fault. */
  orphans: string[];
}

export interface VerifyProgress {
  done: number;
  total: number;
  bytes: number;
}

/** Reads every record and every blob once. Never throws for damage: that is what it reports. */
export async function verifyAll(
  database: Database<CatalogueTables>,
  blobs: BlobStore,
  onProgress?: (progress: VerifyProgress) => void,
): Promise<VerifyReport> {
  const findings: Finding[] = [];
  const users = new Map<string, string[]>();
  const made = new Map<string, Bound>();
  const databaseDamage = (message: string) =>
    findings.push({ kind: "damaged", what: "database", digest: null, bundles: [], message });
  try {
    for (const line of await checkIntegrity(withTables<never>(database).db))
      databaseDamage(`Database: ${line}`);
    for await (const row of bundleRows(database)) {
      made.set(row.digest, { key: row.key, family: row.family, family_version: row.family_version });
      for (const digest of new Set([row.digest, ...(await checkBundle(row, blobs, findings))])) {
        users.set(digest, [...(users.get(digest) ?? []), row.digest]);
      }
    }
    for (const binding of await database.db
      .selectFrom("bindings")
      .select(["id", "bundle", "key", "family", "family_version"])
      .execute()) {
      checkBinding(binding, made.get(binding.bundle), findings);
    }
  } catch (error) {
    // Pages that can't be read at all; go on with the blobs.
    databaseDamage((error as Error).message);
  }
  const stored = await blobs.list();
  const all = [...new Set([...stored, ...users.keys()])].sort();
  const present = new Set(stored);
  let bytes = 0;
  for (const [i, digest] of all.entries()) {
    const bundles = users.get(digest) ?? [];
    try {
      bytes += await blobs.verify(digest);
    } catch (error) {
      const kind = present.has(digest) ? "damaged" : "missing";
      findings.push({
        kind,
        what: "blob",
        digest,
        bundles,
        message: `${(error as Error).message} ${usedBy(bundles)}`,
      });
    }
    onProgress?.({ done: i + 1, total: all.length, bytes });
  }
  const orphans = stored.filter((digest) => !users.has(digest));
  return { findings, bundles: made.size, blobs: all.length, bytes, orphans };
}

function usedBy(bundles: string[]): string {
  if (bundles.length === 0) return "No bundle uses it.";
  const more = bundles.length > 3 ? ` and ${bundles.length - 3} more` : "";
  return `Used by ${bundles.length === 1 ? "bundle" : "bundles"} ${bundles.slice(0, 3).join(", ")}${more}.`;
}

/** All rows, in pages: the records of a large catalogue need not fit in memory together. */
async function* bundleRows({ db }: Database<CatalogueTables>): AsyncGenerator<BundleRow> {
  let last = "";
  for (;;) {
    const rows = await db
      .selectFrom("bundles")
      .selectAll()
      .where("digest", ">", last)
      .orderBy("digest")
      .limit(200)
      .execute();
    if (rows.length === 0) return;
    yield* rows;
    last = rows[rows.length - 1].digest;
  }
}

/** Compares a row with its manifest. Returns digests of the files that the manifest lists. */
async function checkBundle(row: BundleRow, blobs: BlobStore, findings: Finding[]): Promise<string[]> {
  // A manifest that can't be read is a damaged or missing blob, and is reported as such.
  const bytes = await blobs.read(row.digest).catch(() => null);
  if (bytes === null) return [];
  const report = (message: string) =>
    findings.push({ kind: "damaged", what: "record", digest: row.digest, bundles: [row.digest], message });
  let checked: CheckedManifest;
  try {
    checked = checkManifest(bytes, row.digest);
  } catch (error) {
    report((error as Error).message);
    return [];
  }
  const { manifest, dataSource } = checked;
  const expected: Partial<BundleRow> = {
    key: manifest.key,
    recipe_hash: manifest.recipeHash,
    family: manifest.family,
    family_version: manifest.familyVersion,
    data_source: dataSource,
    size: sizeOf(manifest, bytes),
    conditions_json: JSON.stringify(manifest.conditions),
    software_json: JSON.stringify(manifest.software),
    domain_json: domainJson(manifest),
  };
  for (const [column, value] of Object.entries(expected)) {
    if (row[column as keyof BundleRow] === value) continue;
    report(`Column ${column} of bundle ${row.digest} disagrees with its manifest.`);
  }
  return manifest.files.map(({ sha256 }) => sha256);
}

type Bound = Pick<BundleRow, "key" | "family" | "family_version">;

function checkBinding(
  binding: Bound & { id: number; bundle: string },
  made: Bound | undefined,
  findings: Finding[],
): void {
  const report = (kind: Finding["kind"], message: string) =>
    findings.push({ kind, what: "record", digest: binding.bundle, bundles: [binding.bundle], message });
  if (made === undefined) {
    report("missing", `Binding ${binding.id} names bundle ${binding.bundle}, which is not in the catalogue.`);
    return;
  }
  for (const column of ["key", "family", "family_version"] as const) {
    if (binding[column] === made[column]) continue;
    const values = `${column} ${binding[column]}; it was made for ${made[column]}`;
    report("damaged", `Binding ${binding.id} gives bundle ${binding.bundle} to ${values}.`);
  }
}
