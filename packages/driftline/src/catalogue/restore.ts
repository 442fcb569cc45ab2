// Makes the catalogue's records again from what they were made of: journalled bindings and stored manifests.

import { hash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import type { Transaction } from "kysely";
import { fail } from "../errors/registry.ts";
import type { BlobStore } from "./blobs.ts";
import type { JournalEntry } from "./journal.ts";
import { bundleRow, type CheckedManifest, checkManifest } from "./manifest.ts";
import type { CatalogueTables } from "./tables.ts";

/**
 * Adds journalled bindings that the database lacks, each with its bundle's row, which comes from the stored manifest.
 * Those of which the bundle is not whole go to `onLost`, by default an error `damaged`.
 * Blobs are read synchronously: the transaction keeps others waiting, and few bindings are ever behind.
 */
export async function restoreBindings(
  trx: Transaction<CatalogueTables>,
  blobs: BlobStore,
  entries: Iterable<JournalEntry>,
  onLost: (entry: JournalEntry, why: string) => void = refuse,
  onRestored: () => void = () => {},
): Promise<void> {
  for (const entry of entries) {
    const present = await trx
      .selectFrom("bundles")
      .select("digest")
      .where("digest", "=", entry.bundle)
      .executeTakeFirst();
    if (!present) {
      const stored = storedBundle(blobs, entry.bundle);
      if (typeof stored === "string") {
        onLost(entry, stored);
        continue;
      }
      await trx.insertInto("bundles").values(bundleRow(stored, entry.created_at)).execute();
    }
    await trx.insertInto("bindings").values(entry).execute();
    onRestored();
  }
}

/** The bundle's manifest, or why it can't be had. The contents of its files are not read. */
function storedBundle(blobs: BlobStore, digest: string): CheckedManifest | string {
  try {
    const bytes = readFileSync(blobs.path(digest));
    if (hash("sha256", bytes) !== digest) return `its bundle.json, ${blobs.path(digest)}, is damaged`;
    const checked = checkManifest(bytes, digest);
    const absent = checked.manifest.files.find(
      ({ sha256, size }) => statSync(blobs.path(sha256), { throwIfNoEntry: false })?.size !== size,
    );
    return absent ? `its ${absent.path}, ${blobs.path(absent.sha256)}, is missing or cut` : checked;
  } catch (error) {
    return (error as Error).message;
  }
}

function refuse({ id, bundle }: JournalEntry, why: string): never {
  throw fail("damaged", `Restoring binding ${id}: bundle ${bundle} is not whole: ${why}.`, {
    remedy: "`driftline doctor --repair` goes on without it, and says what was lost.",
  });
}
