// Removes blobs that no bundle holds and nobody has used for a while: data sets, results of stages, remains of attempts.

import type { BlobStore } from "../blobs.ts";
import { ledgerContent } from "../campaigns/ledger.ts";
import type { Database } from "../database.ts";
import { checkManifest } from "../manifest.ts";
import type { CatalogueTables } from "../tables.ts";
import { bundleRows } from "./manifests.ts";

export interface CollectReport {
  /** Blobs that were removed, or would be in a rehearsal. */
  removed: number;
  bytes: number;
  /** Blobs of no bundle that were used too recently. */
  recent: number;
}

/**
 * Removes what was last put or touched before `before` (milliseconds since 1970). A blob of a bundle always stays, be
 * the bundle withdrawn or not, so does one of a candidate that a job is to judge, and so do tables of runs and locks; a
 * job touches what it goes on with. Throws `damaged` where a manifest can't be read:
 * nobody knows then what its bundle needs.
 */
export async function collectUnused(
  database: Database<CatalogueTables>,
  blobs: BlobStore,
  before: number,
  { rehearse = false, candidates = [] }: { rehearse?: boolean; candidates?: string[] } = {},
): Promise<CollectReport> {
  // Listed first: what is put later is not looked at, so a bundle published meanwhile keeps its blobs.
  const stored = await blobs.list();
  const held = new Set<string>();
  const setAside = await blobs.listSetAside();
  for await (const { digest } of bundleRows(database)) {
    // A bundle that a repair has given up: good content would bring all of it again.
    if (setAside.has(digest) && (await blobs.lastUse(digest)) === null) continue;
    const { manifest } = checkManifest(await blobs.read(digest), digest);
    for (const needed of [digest, ...manifest.files.map(({ sha256 }) => sha256)]) held.add(needed);
  }
  for (const digest of candidates) {
    const { manifest } = checkManifest(await blobs.read(digest), digest);
    for (const needed of [digest, ...manifest.files.map(({ sha256 }) => sha256)]) held.add(needed);
  }
  for (const { content } of await ledgerContent(database.db)) held.add(content);
  const report: CollectReport = { removed: 0, bytes: 0, recent: 0 };
  for (const digest of stored) {
    if (held.has(digest)) continue;
    const bytes = rehearse
      ? await unusedSize(blobs, digest, before)
      : await blobs.removeUnused(digest, before);
    if (bytes === null) report.recent++;
    else report.removed++;
    report.bytes += bytes ?? 0;
  }
  return report;
}

async function unusedSize(blobs: BlobStore, digest: string, before: number): Promise<number | null> {
  const lastUse = await blobs.lastUse(digest);
  return lastUse !== null && lastUse < before ? blobs.size(digest) : null;
}
