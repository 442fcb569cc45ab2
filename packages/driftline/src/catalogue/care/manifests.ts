// Manifests as they are stored: of all published bundles, and those among the blobs when no record tells.

import { open, stat } from "node:fs/promises";
import type { BundleManifest } from "@driftline/client/bundle";
import type { BlobStore } from "../blobs.ts";
import type { Database } from "../database.ts";
import { type CheckedManifest, checkManifest } from "../manifest.ts";
import type { BundleRow, CatalogueTables } from "../tables.ts";

const largestManifest = 16 * 2 ** 20;

/** All rows, in pages: the records of a large catalogue need not fit in memory together. */
export async function* bundleRows({ db }: Database<CatalogueTables>): AsyncGenerator<BundleRow> {
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

/** Every blob that is a manifest fit to be published, oldest first, with when it was made. */
export async function manifestsAmong(
  blobs: BlobStore,
): Promise<{ checked: CheckedManifest; createdAt: string }[]> {
  const found: { checked: CheckedManifest; createdAt: string }[] = [];
  for (const digest of await blobs.list()) {
    if (!(await mayBeManifest(blobs.path(digest)))) continue;
    const checked = await blobs
      .read(digest)
      .then((bytes) => checkManifest(bytes, digest))
      // Another JSON document, a refused model, a damaged file: verification names the last.
      .catch(() => null);
    if (checked) found.push({ checked, createdAt: await createdAt(checked.manifest, blobs.path(digest)) });
  }
  return found.sort((a, b) => (a.createdAt < b.createdAt ? -1 : 1));
}

async function mayBeManifest(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { buffer } = await file.read({ buffer: Buffer.alloc(1), position: 0 });
    return buffer[0] === "{".charCodeAt(0) && (await file.stat()).size <= largestManifest;
  } finally {
    await file.close();
  }
}

async function createdAt({ provenance }: BundleManifest, path: string): Promise<string> {
  if (typeof provenance.createdAt === "string") return provenance.createdAt;
  return (await stat(path)).mtime.toISOString();
}
