// Campaigns: tags with their tables of runs, locks, samples, and which of them used a bundle.

import type { BlobStore } from "../blobs.ts";
import type { Database } from "../database.ts";
import type { CatalogueTables } from "../tables.ts";
import type { Ledger } from "./ledger.ts";
import { tagsOf } from "./tags.ts";
import { usesOf } from "./uses.ts";

export function campaigns(database: Database<CatalogueTables>, blobs: BlobStore, ledger: Ledger) {
  return { ...tagsOf(database, blobs, ledger), ...usesOf(database, blobs, ledger) };
}
