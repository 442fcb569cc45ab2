// Publishing: all blobs stored and verified first, then bundle and binding in one transaction.

import { lstat, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Model } from "@driftline/client/api";
import type { BundleManifest } from "@driftline/client/bundle";
import type { Transaction } from "kysely";
import { fail } from "../errors/registry.ts";
import type { Bindings } from "./bindings.ts";
import type { BlobStore } from "./blobs.ts";
import { retired, retirement } from "./campaigns/retire.ts";
import type { Database } from "./database.ts";
import { bundleRow, checkManifest } from "./manifest.ts";
import { toModel } from "./records.ts";
import type { BundleRow, CatalogueTables } from "./tables.ts";

export type BundleSource =
  /** A directory with bundle.json and the files that it lists. */
  | { directory: string }
  /** The exact bytes of bundle.json, and for each file that it lists its bytes or its path on this machine. */
  | { manifest: Uint8Array; files: Record<string, Uint8Array | string> };

export type PublishRequest = BundleSource & {
  /** Why, for the record: "made by job …", "pushed by …". */
  reason: string;
  /**
   * Runs in the publishing transaction, whether or not the bundle is new; a throw publishes nothing.
   * It works on tables of the caller's own migrations: the end of the job that made the bundle.
   */
  // biome-ignore lint/suspicious/noExplicitAny: the caller knows its tables, the catalogue does not
  fence?: (trx: Transaction<any>) => Promise<void>;
};

export interface Published {
  model: Model;
  /** False where the catalogue had the bundle. */
  created: boolean;
}

/**
 * Publishes a bundle and lets it serve its key. Publishing it again changes nothing; only where the key has
 * been withdrawn meanwhile does it serve again.
 * Throws `invalid_bundle`, `refused` (also for a bundle that was retired), whatever the fence throws; nothing is
 * published then.
 */
export async function publish(
  database: Database<CatalogueTables>,
  blobs: BlobStore,
  bindings: Bindings,
  request: PublishRequest,
): Promise<Published> {
  const source = await open(request);
  const checked = checkManifest(source.manifest, "directory" in request ? request.directory : "given");
  for (const entry of checked.manifest.files) await store(blobs, source.content, entry);
  await blobs.putBytes(source.manifest, { sha256: checked.digest, size: source.manifest.byteLength });
  const row = bundleRow(checked, new Date().toISOString());
  return database.write(async (trx) => {
    await request.fence?.(trx);
    const inserted = await trx
      .insertInto("bundles")
      .values(row)
      .onConflict((conflict) => conflict.column("digest").doNothing())
      .executeTakeFirst();
    const kept = await trx
      .selectFrom("bundles")
      .selectAll()
      .where("digest", "=", row.digest)
      .executeTakeFirstOrThrow();
    const serving = await bind(trx, bindings, row, request.reason);
    return { model: toModel(kept, serving), created: inserted.numInsertedOrUpdatedRows === 1n };
  });
}

/** Says whether the bundle serves its key afterwards. */
async function bind(
  trx: Transaction<CatalogueTables>,
  bindings: Bindings,
  row: BundleRow,
  why: string,
): Promise<boolean> {
  // First: a publication whose commit failed is in the journal, and repeating it must find it there.
  await bindings.catchUp(trx);
  const reason = await retirement(trx, row.digest);
  if (reason !== null) throw retired(row.digest, reason);
  const newest = await trx
    .selectFrom("bindings")
    .select(["bundle", "action"])
    .where("key", "=", row.key)
    .orderBy("id", "desc")
    .limit(1)
    .executeTakeFirst();
  if (newest?.action === "serve") {
    if (newest.bundle === row.digest) return true;
    const earlier = await trx
      .selectFrom("bindings")
      .select("id")
      .where("bundle", "=", row.digest)
      .executeTakeFirst();
    // It served and was superseded: a repeated request must not bring it back.
    if (earlier) return false;
  }
  await bindings.add(trx, {
    key: row.key,
    family: row.family,
    family_version: row.family_version,
    bundle: row.digest,
    action: "serve",
    reason: why,
    created_at: row.created_at,
  });
  return true;
}

type Content = (path: string) => Uint8Array | string | undefined;

async function open(source: BundleSource): Promise<{ manifest: Uint8Array; content: Content }> {
  if ("manifest" in source) {
    const { files } = source;
    return {
      manifest: source.manifest,
      content: (path) => (Object.hasOwn(files, path) ? files[path] : undefined),
    };
  }
  const { directory } = source;
  const manifest = await readFile(join(directory, "bundle.json")).catch((error: Error) => {
    throw fail("invalid_bundle", `${directory} is not a bundle: ${error.message}.`, {
      field: "bundle.json",
      remedy: "Name the directory that holds bundle.json.",
      cause: error,
    });
  });
  return { manifest, content: (path) => join(directory, path) };
}

async function store(
  blobs: BlobStore,
  content: Content,
  { path, size, sha256 }: BundleManifest["files"][number],
): Promise<void> {
  const given = content(path);
  const problem = (what: string, cause?: unknown) =>
    fail("invalid_bundle", `The bundle cannot be published: ${path}: ${what}`, {
      field: path,
      remedy:
        "Pull or make the bundle again: a file is missing or was changed after bundle.json was written.",
      cause,
    });
  if (given === undefined) throw problem("the file was not given.");
  if (typeof given === "string") {
    const found = await lstat(given).catch(() => null);
    // A link could lead out of the bundle.
    if (!found?.isFile()) throw problem(found ? "it is not a plain file." : "there is no such file.");
    if (found.size !== size) throw problem(`it has ${found.size} bytes; bundle.json says ${size}.`);
  }
  try {
    await (typeof given === "string"
      ? blobs.putFile(given, { sha256, size })
      : blobs.putBytes(given, { sha256, size }));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "invalid_bundle") {
      throw problem(error.message, error);
    }
    throw error;
  }
}
