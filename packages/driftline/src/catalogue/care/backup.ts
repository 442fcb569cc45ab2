// Copies a catalogue, as it is at one moment, into another directory: a backup, or the way back from one.

import { existsSync } from "node:fs";
import { copyFile, mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { backup, DatabaseSync } from "node:sqlite";
import { fail } from "../../errors/registry.ts";
import { type BlobStore, blobStore } from "../blobs.ts";
import { type LedgerEntry, ledgerJournal } from "../campaigns/ledger.ts";
import { databaseFile } from "../database.ts";
import { prepareDataDirectory, prepareMarker } from "../dataDirectory.ts";
import { type JournalEntry, journal } from "../journal.ts";
import { checkManifest } from "../manifest.ts";
import type { VerifyProgress } from "./verify.ts";

export interface CopyReport {
  bundles: number;
  /** Blobs that the copy has, those included that it had before. */
  blobs: number;
  /** Bytes that had to be copied. */
  copiedBytes: number;
  /** What could not be copied because it is damaged or missing, a sentence each. */
  damaged: string[];
}

/**
 * Backs up the catalogue in `dataDirectory`, which may be in use, to the directory `target`: bundles, bindings and
 * records of jobs. Data sets and results of stages are left out; a job that needs them makes them anew. An earlier
 * backup of the same catalogue is brought up to date; until the end it stays what it was.
 */
export async function backupCatalogue(
  dataDirectory: string,
  target: string,
  onProgress?: (progress: VerifyProgress) => void,
): Promise<CopyReport> {
  const source = join(dataDirectory, databaseFile);
  if (!existsSync(source)) throw noCatalogue(dataDirectory);
  await mkdir(target, { recursive: true });
  const others = (await readdir(target)).filter((name) => !name.startsWith("."));
  if (others.length > 0 && !existsSync(join(target, databaseFile)) && !others.includes("blobs")) {
    throw fail(
      "usage",
      `Backing up to ${target}: it has other things in it (${others.slice(0, 3).join(", ")}).`,
      {
        field: "directory",
        remedy: "Name an empty directory, or one with an earlier backup.",
      },
    );
  }
  await prepareMarker(target);
  return throughSnapshot(dataDirectory, target, onProgress, async (snapshot) => {
    const database = new DatabaseSync(source, { readOnly: true, timeout: 30_000 });
    try {
      await backup(database, snapshot);
    } finally {
      database.close();
    }
  });
}

/** Makes a catalogue in `dataDirectory`, where there is none yet, from a backup. Every byte is checked on the way. */
export async function restoreCatalogue(
  from: string,
  dataDirectory: string,
  onProgress?: (progress: VerifyProgress) => void,
): Promise<CopyReport> {
  const source = join(from, databaseFile);
  if (!existsSync(source)) throw noCatalogue(from);
  if (existsSync(join(dataDirectory, databaseFile))) {
    throw fail("usage", `Restoring to ${dataDirectory}: there is a catalogue in it already.`, {
      field: "data-dir",
      remedy: "Name another directory with --data-dir, or move that one away.",
    });
  }
  await prepareDataDirectory(dataDirectory);
  return throughSnapshot(from, dataDirectory, onProgress, (snapshot) => copyFile(source, snapshot));
}

async function throughSnapshot(
  source: string,
  target: string,
  onProgress: ((progress: VerifyProgress) => void) | undefined,
  makeSnapshot: (path: string) => Promise<void>,
): Promise<CopyReport> {
  const snapshot = join(target, `${databaseFile}.incoming`);
  await rm(snapshot, { force: true });
  try {
    await makeSnapshot(snapshot);
    const { bundles, entries, noted, content } = readSnapshot(snapshot);
    const report = await copyBundles(blobStore(source), blobStore(target), bundles, onProgress);
    await copyContent(blobStore(source), blobStore(target), content, report);
    // Blobs first, then the records that name them.
    const file = await open(snapshot, "r");
    await file.sync();
    await file.close();
    for (const suffix of ["-wal", "-shm"]) await rm(join(target, databaseFile + suffix), { force: true });
    // The journal before the database: in between, the copy catches up when it is opened.
    journal(target).replace(entries);
    ledgerJournal(target).replace(noted);
    await rename(snapshot, join(target, databaseFile));
    return report;
  } finally {
    await rm(snapshot, { force: true });
  }
}

/** Digests of bundles, the bindings and the ledger in order, and the ledger's blobs. Leaves the snapshot one plain file. */
function readSnapshot(path: string): {
  bundles: string[];
  entries: JournalEntry[];
  noted: LedgerEntry[];
  content: string[];
} {
  const database = new DatabaseSync(path);
  try {
    database.exec("pragma journal_mode = delete");
    const bundles = database.prepare("select digest from bundles order by digest").all();
    const entries = database.prepare("select * from bindings order by id").all();
    const noted = readLedger(database);
    return {
      noted,
      content: [...new Set(noted.flatMap(({ content }) => content ?? []))],
      bundles: bundles.map(({ digest }) => String(digest)),
      entries: entries.map((row) => ({ ...row }) as unknown as JournalEntry),
    };
  } finally {
    database.close();
  }
}

/** Empty in a backup that an earlier version took. */
function readLedger(database: DatabaseSync): LedgerEntry[] {
  const tables = database.prepare("select name from sqlite_master where name = 'ledger'").all();
  if (tables.length === 0) return [];
  const bundlesOf = database.prepare("select bundle from ledger_bundles where entry = ?");
  const rows = database.prepare("select * from ledger order by id").all() as unknown as LedgerTableRow[];
  return rows.map(({ details_json, ...row }) => ({
    ...row,
    details: JSON.parse(details_json) as LedgerEntry["details"],
    bundles: bundlesOf.all(row.id).map(({ bundle }) => String(bundle)),
  }));
}

type LedgerTableRow = Omit<LedgerEntry, "details" | "bundles"> & { details_json: string };

async function copyContent(
  source: BlobStore,
  target: BlobStore,
  content: string[],
  report: CopyReport,
): Promise<void> {
  for (const digest of content) {
    try {
      if ((await target.lastUse(digest)) !== null) continue;
      const bytes = await source.read(digest);
      await target.putBytes(bytes);
      report.copiedBytes += bytes.length;
      report.blobs++;
    } catch (error) {
      report.damaged.push(`Blob ${digest} of the ledger: ${(error as Error).message}`);
    }
  }
}

async function copyBundles(
  source: BlobStore,
  target: BlobStore,
  bundles: string[],
  onProgress?: (progress: VerifyProgress) => void,
): Promise<CopyReport> {
  const report: CopyReport = { bundles: bundles.length, blobs: 0, copiedBytes: 0, damaged: [] };
  const seen = new Set<string>();
  let bytes = 0;
  async function copy(digest: string, size: number): Promise<void> {
    if (seen.has(digest)) return;
    seen.add(digest);
    const present = await stat(target.path(digest)).catch(() => null);
    if (present?.size !== size) {
      await target.putFile(source.path(digest), { sha256: digest, size });
      report.copiedBytes += size;
    }
    report.blobs++;
    bytes += size;
  }
  for (const [i, bundle] of bundles.entries()) {
    try {
      const manifest = await source.read(bundle);
      for (const { sha256, size } of checkManifest(manifest, bundle).manifest.files) await copy(sha256, size);
      await copy(bundle, manifest.length);
    } catch (error) {
      // The rest of the catalogue is worth having all the same.
      report.damaged.push(`Bundle ${bundle}: ${(error as Error).message}`);
    }
    onProgress?.({ done: i + 1, total: bundles.length, bytes });
  }
  return report;
}

function noCatalogue(directory: string) {
  return fail("usage", `There is no catalogue in ${directory}: it has no ${databaseFile}.`, {
    field: "directory",
    remedy: "Name a data directory or a backup.",
  });
}
