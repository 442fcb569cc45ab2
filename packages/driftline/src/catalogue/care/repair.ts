// Repair: sets damaged blobs aside and makes records again from the journal and the stored manifests.

import { existsSync } from "node:fs";
import { copyFile, mkdir, rename } from "node:fs/promises";
import { join } from "node:path";
import type { Transaction } from "kysely";
import { DriftlineError, fail } from "../../errors/registry.ts";
import { allEntries, bindings as bindingsOf } from "../bindings.ts";
import { blobStore } from "../blobs.ts";
import { ledger, ledgerJournal } from "../campaigns/ledger.ts";
import { type Database, databaseFile, type Migration, openDatabase } from "../database.ts";
import { prepareDataDirectory } from "../dataDirectory.ts";
import { type Journal, type JournalEntry, journalFile, journal as journalOf } from "../journal.ts";
import { records } from "../records.ts";
import { restoreBindings } from "../restore.ts";
import { checkIntegrity } from "../sqlite.ts";
import { type CatalogueTables, catalogueMigrations } from "../tables.ts";
import { manifestsAmong } from "./manifests.ts";
import { processesWithOpen } from "./openFiles.ts";
import { type VerifyProgress, type VerifyReport, verifyAll } from "./verify.ts";

export interface RepairReport {
  /** What was done, a sentence each; empty where nothing had to be. */
  actions: string[];
  /** What was found afterwards. */
  after: VerifyReport;
}

const setAsideDirectory = "damaged";

/**
 * Repairs the catalogue in `dataDirectory`. Nothing is deleted: the files of a damaged database go to `damaged/`,
 * damaged blobs to `blobs/damaged/`. `migrations` are those of the other rooms' tables, whose records a damaged
 * database takes with it. Throws `busy` where another process has a damaged database open.
 */
export async function repairCatalogue(
  dataDirectory: string,
  migrations: Migration[] = [],
  onProgress?: (progress: VerifyProgress) => void,
): Promise<RepairReport> {
  await prepareDataDirectory(dataDirectory);
  const actions: string[] = [];
  const blobs = blobStore(dataDirectory);
  const journal = journalOf(dataDirectory);
  const all = [...catalogueMigrations, ...migrations];
  const hadDatabase = existsSync(join(dataDirectory, databaseFile));
  let database = await openWhole(dataDirectory, all);
  if (database === null) {
    const place = await setDatabaseAside(dataDirectory);
    actions.push(`The damaged database was moved to ${place}; records of jobs went with it.`);
    database = await openDatabase<CatalogueTables>(dataDirectory, all);
  }
  try {
    const fresh = (await database.db.selectFrom("bindings").select("id").limit(1).execute()).length === 0;
    const entries = [...journal.entries()];
    const damagedLines = [...journal.read()].length - entries.length;
    if (fresh && (entries.length + damagedLines > 0 || !hadDatabase || actions.length > 0)) {
      await restoreAll(database, entries, damagedLines > 0 || entries.length === 0);
    } else if (damagedLines > 0) {
      await rewriteJournal(database, journal, dataDirectory);
      actions.push(`${damagedLines} damaged lines of the journal were written again from the database.`);
    } else {
      await agree(database);
    }
    const mended = await ledger(ledgerJournal(dataDirectory)).mend(database);
    if (mended !== null) actions.push(mended);
    await withdrawRetired(database);
    const before = await verifyAll(database, blobs, journal, onProgress);
    if (before.findings.length === 0) return { actions, after: before };
    await repairFindings(database, before);
    return { actions, after: await verifyAll(database, blobs, journal, onProgress) };
  } finally {
    await database.close();
  }

  /** Where both journal and database of the bindings were lost, their manifests bring all bundles back into service. */
  async function withdrawRetired(on: Database<CatalogueTables>): Promise<void> {
    const catalogue = records(on, blobs, bindingsOf(journal, blobs));
    const retired = await on.db
      .selectFrom("ledger")
      .select(["subject", "details_json"])
      .where("kind", "=", "retire")
      .execute();
    for (const { subject, details_json } of retired) {
      const model = await catalogue.model(subject!).catch(() => null);
      if (model === null || !model.serving) continue;
      await catalogue.withdraw(model.bundle, (JSON.parse(details_json) as { reason: string }).reason);
      actions.push(`Bundle ${model.bundle} was retired, and no longer serves its key.`);
    }
  }

  /** Records from journal entries and, where those are not all, from manifests that no entry names. */
  async function restoreAll(
    on: Database<CatalogueTables>,
    entries: JournalEntry[],
    journalIncomplete: boolean,
  ): Promise<void> {
    const manifests = journalIncomplete ? await manifestsAmong(blobs) : [];
    const known = new Set(entries.map(({ bundle }) => bundle));
    const found: Omit<JournalEntry, "id">[] = manifests
      .filter(({ checked }) => !known.has(checked.digest))
      .map(({ checked: { manifest, digest }, createdAt }) => ({
        key: manifest.key,
        family: manifest.family,
        family_version: manifest.familyVersion,
        bundle: digest,
        action: "serve",
        reason: "restored from its manifest",
        created_at: createdAt,
      }));
    const lost: JournalEntry[] = [];
    let restored = 0;
    await on.write(async (trx) => {
      await forgetRecords(trx);
      const after = entries.at(-1)?.id ?? 0;
      // Older manifests first: where the journal does not tell, the newest model of a key serves.
      const unnamed = found.map((binding, i) => ({ id: after + 1 + i, ...binding }));
      const note = (entry: JournalEntry, why: string) => {
        lost.push(entry);
        actions.push(`Binding ${entry.id} could not be restored: bundle ${entry.bundle}: ${why}.`);
      };
      await restoreBindings(trx, blobs, [...entries, ...unnamed], note, () => restored++);
      await withdrawPredecessors(trx, lost);
    });
    if (restored + lost.length === 0) return;
    if (lost.length > 0 || journalIncomplete) await rewriteJournal(on, journal, dataDirectory);
    actions.push(
      `${restored} bindings were restored from ${journalIncomplete ? "the journal and stored manifests" : "the journal"}` +
        `${found.length > 0 ? `, ${found.length} of them of bundles that no entry of the journal names` : ""}.`,
    );
  }

  /** Database and journal brought together, the journal's word against the database's where they contradict. */
  async function agree(on: Database<CatalogueTables>): Promise<void> {
    const behind = await bindingsOf(journal, blobs)
      .caughtUp(on)
      .then(() => false, onlyDamaged);
    if (behind) await restoreAll(on, [...journal.entries()], false);
  }

  async function repairFindings(on: Database<CatalogueTables>, { findings }: VerifyReport): Promise<void> {
    if (findings.some(({ what }) => what === "record")) await restoreAll(on, [...journal.entries()], false);
    if (findings.some(({ what }) => what === "journal")) {
      await rewriteJournal(on, journal, dataDirectory);
      actions.push("The journal was written again from the database.");
    }
    const catalogue = records(on, blobs, bindingsOf(journal, blobs));
    for (const { what, kind, digest, bundles } of findings) {
      if (what !== "blob" || digest === null) continue;
      await blobs.setAside(digest);
      actions.push(
        kind === "damaged"
          ? `Damaged blob ${digest} was set aside.`
          : `Blob ${digest} is missing, which is noted.`,
      );
      for (const bundle of bundles) {
        const { serving } = await catalogue.model(bundle);
        await catalogue.withdraw(bundle, `blob ${digest} is ${kind}`);
        actions.push(`Bundle ${bundle} ${serving ? "no longer serves its key" : "can no longer be pulled"}.`);
      }
    }
  }
}

async function openWhole(
  dataDirectory: string,
  migrations: Migration[],
): Promise<Database<CatalogueTables> | null> {
  const database = await openDatabase<CatalogueTables>(dataDirectory, migrations).catch(nullIfDamaged);
  if (database === null) return null;
  const problems = await checkIntegrity(database.db as never).catch(() => ["unreadable"]);
  if (problems.length === 0) return database;
  await database.close();
  return null;
}

/** A new directory for what is replaced. */
async function placeAside(dataDirectory: string): Promise<string> {
  const place = join(dataDirectory, setAsideDirectory, new Date().toISOString().replaceAll(":", ""));
  await mkdir(place, { recursive: true });
  return place;
}

async function setDatabaseAside(dataDirectory: string): Promise<string> {
  const path = join(dataDirectory, databaseFile);
  const others = processesWithOpen(path).filter((pid) => pid !== process.pid);
  if (others.length > 0) {
    throw fail("busy", `Repairing ${path}: it is open in process ${others.join(", ")}.`, {
      remedy: "Stop that process first.",
    });
  }
  const place = await placeAside(dataDirectory);
  for (const suffix of ["", "-wal", "-shm"]) {
    if (existsSync(path + suffix)) await rename(path + suffix, join(place, databaseFile + suffix));
  }
  return place;
}

async function forgetRecords(trx: Transaction<CatalogueTables>): Promise<void> {
  await trx.deleteFrom("bindings").execute();
  await trx.deleteFrom("bundles").execute();
}

/** Where the newest model of a key is lost, the one before it must not come back into service unasked. */
async function withdrawPredecessors(trx: Transaction<CatalogueTables>, lost: JournalEntry[]): Promise<void> {
  for (const entry of lost) {
    if (entry.action !== "serve") continue;
    const newest = await trx
      .selectFrom("bindings")
      .selectAll()
      .where("key", "=", entry.key)
      .orderBy("id", "desc")
      .limit(1)
      .executeTakeFirst();
    if (newest === undefined || newest.id > entry.id || newest.action !== "serve") continue;
    const { id: _, ...binding } = newest;
    await trx
      .insertInto("bindings")
      .values({
        ...binding,
        action: "withdraw",
        reason: `bundle ${entry.bundle}, which had taken over, is lost`,
      })
      .execute();
  }
}

/** Writes the journal from the database; the one that was there is kept. */
async function rewriteJournal(
  { db }: Database<CatalogueTables>,
  journal: Journal,
  dataDirectory: string,
): Promise<void> {
  if (existsSync(journal.path)) {
    await copyFile(journal.path, join(await placeAside(dataDirectory), journalFile));
  }
  const entries: JournalEntry[] = [];
  for await (const entry of allEntries(db)) entries.push(entry);
  journal.replace(entries);
}

function nullIfDamaged(error: unknown): null {
  onlyDamaged(error);
  return null;
}

function onlyDamaged(error: unknown): true {
  if (error instanceof DriftlineError && error.code === "damaged") return true;
  throw error;
}
