// The embedded catalogue of one data directory: records, blobs, publication, resolution, verification.

import { blobStore } from "./blobs.ts";
import { type PublishRequest, publish } from "./bundles.ts";
import { type Migration, openDatabase } from "./database.ts";
import { prepareDataDirectory } from "./dataDirectory.ts";
import { records } from "./records.ts";
import { resolver } from "./resolve.ts";
import { type CatalogueTables, catalogueMigrations } from "./tables.ts";
import { type VerifyProgress, verifyAll } from "./verify.ts";

export type Catalogue = Awaited<ReturnType<typeof openCatalogue>>;

/**
 * Opens the catalogue in `dataDirectory`, making it where there is none. `migrations` are further tables that
 * live in the same database (jobs); reach them with `withTables(catalogue.database)`.
 * Throws `invalid_data_directory`.
 */
export async function openCatalogue(dataDirectory: string, migrations: Migration[] = []) {
  await prepareDataDirectory(dataDirectory);
  const database = await openDatabase<CatalogueTables>(dataDirectory, [
    ...catalogueMigrations,
    ...migrations,
  ]);
  const blobs = blobStore(dataDirectory);
  await blobs.clean();
  return {
    dataDirectory,
    database,
    blobs,
    ...records(database, blobs),
    resolve: resolver(database),
    publish: (request: PublishRequest) => publish(database, blobs, request),
    verifyAll: (onProgress?: (progress: VerifyProgress) => void) => verifyAll(database, blobs, onProgress),
    close: () => database.close(),
  };
}
