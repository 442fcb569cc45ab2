// The embedded catalogue of one data directory: records, blobs, publication, resolution, verification.

import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Model } from "@driftline/client/api";
import { fail } from "../errors/registry.ts";
import { bindings as bindingsOf } from "./bindings.ts";
import { type BlobStore, blobStore } from "./blobs.ts";
import { type PublishRequest, publish } from "./bundles.ts";
import { campaigns } from "./campaigns/campaigns.ts";
import { ledgerJournal, ledger as ledgerOf } from "./campaigns/ledger.ts";
import { recordRetirement, retirement } from "./campaigns/retire.ts";
import { collectUnused } from "./care/collect.ts";
import { type VerifyProgress, verifyAll } from "./care/verify.ts";
import { databaseFile, type Migration, openDatabase } from "./database.ts";
import { prepareDataDirectory } from "./dataDirectory.ts";
import { type Journal, journalFile, journal as journalOf } from "./journal.ts";
import { receiveBundle } from "./receive.ts";
import { records } from "./records.ts";
import { resolver } from "./resolution/resolve.ts";
import { type PublishSnapshot, publishSnapshot } from "./snapshot/publish.ts";
import { type CatalogueTables, catalogueMigrations } from "./tables.ts";

export type Catalogue = Awaited<ReturnType<typeof openCatalogue>>;

/**
 * Opens the catalogue in `dataDirectory`, making it where there is none. `migrations` are further tables that
 * live in the same database (jobs); reach them with `withTables(catalogue.database)`.
 * Throws `invalid_data_directory`.
 */
export async function openCatalogue(dataDirectory: string, migrations: Migration[] = []) {
  await prepareDataDirectory(dataDirectory);
  const blobs = blobStore(dataDirectory);
  const journal = journalOf(dataDirectory);
  await refuseLostRecords(dataDirectory, journal, blobs);
  const database = await openDatabase<CatalogueTables>(dataDirectory, [
    ...catalogueMigrations,
    ...migrations,
  ]);
  const bindings = bindingsOf(journal, blobs);
  const ledger = ledgerOf(ledgerJournal(dataDirectory));
  try {
    await bindings.caughtUp(database);
    await ledger.caughtUp(database);
  } catch (error) {
    await database.close();
    throw error;
  }
  await blobs.clean();
  const known = records(database, blobs, bindings);
  return {
    dataDirectory,
    database,
    blobs,
    ...known,
    ...resolver(database),
    publish: (request: PublishRequest) => publish(database, blobs, bindings, request),
    /** Stores a bundle that comes as a tar, without a record of it. */
    receive: (chunks: AsyncIterable<Uint8Array>, limits: { bytes: number }) =>
      receiveBundle(blobs, chunks, limits),
    campaigns: campaigns(database, blobs, ledger),
    /** Takes a model out of service for good, whether or not it serves now; it stays readable by digest. */
    async retire(prefix: string, reason: string): Promise<Model> {
      // Withdrawn first: where this is cut off in between, asking again completes it.
      const { bundle } = await known.withdraw(prefix, reason);
      await recordRetirement(database, ledger, bundle, reason);
      return known.model(bundle);
    },
    /** Why a bundle was retired; null for one that was not. */
    retirement: (bundle: string) => retirement(database.db, bundle),
    verifyAll: (onProgress?: (progress: VerifyProgress) => void) =>
      verifyAll(database, blobs, journal, onProgress),
    /** `candidates`: bundles that are no records yet, and are to stay. */
    collectUnused: (before: number, options: { rehearse?: boolean; candidates?: string[] } = {}) =>
      collectUnused(database, blobs, before, options),
    publishSnapshot: (request: PublishSnapshot) => publishSnapshot(database, blobs, request),
    close: () => database.close(),
  };
}

/** Blobs without database and journal: an empty catalogue in their place would answer wrongly. */
async function refuseLostRecords(dataDirectory: string, journal: Journal, blobs: BlobStore): Promise<void> {
  if (existsSync(join(dataDirectory, databaseFile)) || existsSync(journal.path)) return;
  if ((await blobs.list()).length === 0) return;
  throw fail(
    "damaged",
    `${dataDirectory} has stored blobs, but neither ${databaseFile} nor ${journalFile}.`,
    {
      remedy:
        "`driftline doctor --repair` makes the records again from the stored bundles; or restore a backup.",
    },
  );
}
