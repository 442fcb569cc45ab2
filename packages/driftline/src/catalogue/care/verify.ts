// Re-reads everything a catalogue holds and names what is damaged, missing or in no bundle.

import { dirname } from "node:path";
import { allEntries, isSame } from "../bindings.ts";
import type { BlobStore } from "../blobs.ts";
import {
  entriesAfter,
  isSame as isSameEntry,
  type LedgerEntry,
  type LedgerJournal,
  ledgerContent,
  ledgerJournal,
} from "../campaigns/ledger.ts";
import { type Database, withTables } from "../database.ts";
import type { Journal, JournalEntry } from "../journal.ts";
import { bundleRow, type CheckedManifest, checkManifest } from "../manifest.ts";
import { checkIntegrity } from "../sqlite.ts";
import type { BundleRow, CatalogueTables } from "../tables.ts";
import { bundleRows } from "./manifests.ts";

export interface Finding {
  kind: "damaged" | "missing";
  what: "blob" | "record" | "database" | "journal";
  /** Digest of the blob or bundle; null for the files of the database and the journal. */
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
  /** Blobs that were set aside by a repair and have not come again: known losses. */
  lost: { digest: string; bundles: string[] }[];
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
  journal: Journal,
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
    await checkJournal(database, journal, findings);
    await checkLedger(database, ledgerJournal(dirname(journal.path)), findings);
  } catch (error) {
    // Pages that can't be read at all; go on with the blobs.
    databaseDamage((error as Error).message);
  }
  const stored = await blobs.list();
  const all = [...new Set([...stored, ...users.keys()])].sort();
  const setAside = await blobs.listSetAside();
  const lost: VerifyReport["lost"] = [];
  let bytes = 0;
  for (const [i, digest] of all.entries()) {
    const bundles = users.get(digest) ?? [];
    try {
      bytes += await blobs.verify(digest);
    } catch (error) {
      const kind = (await blobs.lastUse(digest)) === null ? "missing" : "damaged";
      const message = `${(error as Error).message} ${usedBy(bundles)}`;
      if (kind === "damaged") findings.push({ kind, what: "blob", digest, bundles, message });
      // What no bundle uses may have been collected while this went on.
      else if (bundles.length === 0) continue;
      else if (setAside.has(digest)) lost.push({ digest, bundles });
      else findings.push({ kind, what: "blob", digest, bundles, message });
    }
    onProgress?.({ done: i + 1, total: all.length, bytes });
  }
  const ledgerBlobs = await ledgerContent(database.db).catch(() => []);
  for (const { content: digest, what } of ledgerBlobs) {
    if (users.has(digest)) continue;
    users.set(digest, []);
    if ((await blobs.lastUse(digest)) !== null) continue;
    if (setAside.has(digest)) {
      lost.push({ digest, bundles: [] });
      continue;
    }
    const message = `Blob ${digest} is missing: it holds ${what}.`;
    findings.push({ kind: "missing", what: "blob", digest, bundles: [], message });
  }
  const orphans = stored.filter((digest) => !users.has(digest));
  return { findings, bundles: made.size, blobs: all.length, bytes, orphans, lost };
}

function usedBy(bundles: string[]): string {
  if (bundles.length === 0) return "No bundle uses it.";
  const more = bundles.length > 3 ? ` and ${bundles.length - 3} more` : "";
  return `Used by ${bundles.length === 1 ? "bundle" : "bundles"} ${bundles.slice(0, 3).join(", ")}${more}.`;
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
  const expected = bundleRow(checked, row.created_at);
  for (const [column, value] of Object.entries(expected)) {
    if (row[column as keyof BundleRow] === value) continue;
    report(`Column ${column} of bundle ${row.digest} disagrees with its manifest.`);
  }
  return checked.manifest.files.map(({ sha256 }) => sha256);
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

/** Compares the journal with the bindings, entry by entry. Those that come while it reads are left alone. */
async function checkJournal(
  { db }: Database<CatalogueTables>,
  journal: Journal,
  findings: Finding[],
): Promise<void> {
  const report = (message: string) =>
    findings.push({ kind: "damaged", what: "journal", digest: null, bundles: [], message });
  const entries = journal.read();
  for await (const stored of allEntries(db)) {
    let next = entries.next();
    for (; !next.done && "line" in next.value; next = entries.next()) {
      report(`Line ${next.value.line} of ${journal.path} is damaged.`);
    }
    // Further ones would differ because this one does.
    if (next.done) return void report(`${journal.path} lacks binding ${stored.id} and what follows.`);
    if (!isSame(stored, next.value as JournalEntry)) {
      return void report(`Binding ${stored.id} differs between the database and ${journal.path}.`);
    }
  }
}

/** Compares the journal of the ledger with the database. What comes while it reads is left alone. */
async function checkLedger(
  { db }: Database<CatalogueTables>,
  journal: LedgerJournal,
  findings: Finding[],
): Promise<void> {
  const report = (message: string) =>
    findings.push({ kind: "damaged", what: "journal", digest: null, bundles: [], message });
  const stored = await entriesAfter(db, 0);
  const journalled: LedgerEntry[] = [];
  for (const line of journal.read()) {
    if ("line" in line) report(`Line ${line.line} of ${journal.path} is damaged.`);
    else journalled.push(line);
  }
  const differing = stored.find((entry, i) => !isSameEntry(entry, journalled[i] ?? null));
  if (differing)
    report(`Entry ${differing.id} of the ledger differs between the database and ${journal.path}.`);
}
