// The catalogue's tables and how they came to be.

import type { Generated, Kysely } from "kysely";
import type { Migration } from "./database.ts";

/** A published bundle; rows are added and never changed. Columns that end in _json hold JSON text. */
export interface BundleRow {
  /** SHA-256 of bundle.json, 64 hexadecimal digits; the blob of that name holds it. */
  digest: string;
  key: string;
  recipe_hash: string;
  family: string;
  family_version: number;
  /** `simulator` or `files`. */
  data_source: string;
  /** Bytes of the manifest and all its files. */
  size: number;
  /** ISO 8601, UTC. */
  created_at: string;
  // Parts of the manifest that resolution reads.
  conditions_json: string;
  software_json: string;
  domain_json: string;
}

/** Which bundle serves a key; append-only. The binding with the highest id decides. */
export interface BindingRow {
  id: Generated<number>;
  key: string;
  // The bundle's family and version, so that an index follows its family's bindings alone.
  family: string;
  family_version: number;
  bundle: string;
  /** `serve` or `withdraw`. */
  action: string;
  reason: string;
  created_at: string;
}

/** What campaigns rely on; append-only, see campaigns/ledger.ts. */
export interface LedgerRow {
  id: Generated<number>;
  /** `runs`, `freeze`, `lock`, `sample` or `retire`. */
  kind: string;
  /** The tag that it is about; null for a retirement and a sample of no tag. */
  tag: string | null;
  /** What it is looked up by beside its tag: digest of a lock, SHA-256 of a sample's file, the bundle that was retired. */
  subject: string | null;
  /** Digest of the blob that holds the table of runs or the lock; null for the others. */
  content: string | null;
  /** JSON: what each kind has beside. */
  details_json: string;
  created_at: string;
}

/** Which bundles an entry of the ledger is about; follows from the entry. */
export interface LedgerBundleRow {
  entry: number;
  kind: string;
  bundle: string;
}

export interface CatalogueTables {
  bundles: BundleRow;
  bindings: BindingRow;
  ledger: LedgerRow;
  ledger_bundles: LedgerBundleRow;
}

export const catalogueMigrations: Migration[] = [
  { name: "catalogue/1", up: createTables },
  { name: "catalogue/2", up: indexListings },
  { name: "catalogue/3", up: createLedger },
];

// biome-ignore lint/suspicious/noExplicitAny: a migration works on whatever tables there are at that time
async function createLedger(db: Kysely<any>): Promise<void> {
  await db.schema
    .createTable("ledger")
    .addColumn("id", "integer", (c) => c.primaryKey().autoIncrement())
    .addColumn("kind", "text", (c) => c.notNull())
    .addColumn("tag", "text")
    .addColumn("subject", "text")
    .addColumn("content", "text")
    .addColumn("details_json", "text", (c) => c.notNull())
    .addColumn("created_at", "text", (c) => c.notNull())
    .execute();
  await db.schema.createIndex("ledger_by_tag").on("ledger").columns(["kind", "tag", "id"]).execute();
  await db.schema.createIndex("ledger_by_subject").on("ledger").columns(["kind", "subject"]).execute();
  await db.schema
    .createTable("ledger_bundles")
    .addColumn("entry", "integer", (c) => c.notNull().references("ledger.id"))
    .addColumn("kind", "text", (c) => c.notNull())
    .addColumn("bundle", "text", (c) => c.notNull())
    .execute();
  await db.schema.createIndex("ledger_bundles_by_entry").on("ledger_bundles").column("entry").execute();
  await db.schema
    .createIndex("ledger_bundles_by_bundle")
    .on("ledger_bundles")
    .columns(["bundle", "kind", "entry"])
    .execute();
}

// biome-ignore lint/suspicious/noExplicitAny: a migration works on whatever tables there are at that time
async function createTables(db: Kysely<any>): Promise<void> {
  await db.schema
    .createTable("bundles")
    .addColumn("digest", "text", (c) => c.primaryKey())
    .addColumn("key", "text", (c) => c.notNull())
    .addColumn("recipe_hash", "text", (c) => c.notNull())
    .addColumn("family", "text", (c) => c.notNull())
    .addColumn("family_version", "integer", (c) => c.notNull())
    .addColumn("data_source", "text", (c) => c.notNull())
    .addColumn("size", "bigint", (c) => c.notNull())
    .addColumn("created_at", "text", (c) => c.notNull())
    .addColumn("conditions_json", "text", (c) => c.notNull())
    .addColumn("software_json", "text", (c) => c.notNull())
    .addColumn("domain_json", "text", (c) => c.notNull())
    .execute();
  await db.schema.createIndex("bundles_by_family").on("bundles").columns(["family", "created_at"]).execute();
  await db.schema.createIndex("bundles_by_recipe").on("bundles").column("recipe_hash").execute();
  await db.schema
    .createTable("bindings")
    .addColumn("id", "integer", (c) => c.primaryKey().autoIncrement())
    .addColumn("key", "text", (c) => c.notNull())
    .addColumn("family", "text", (c) => c.notNull())
    .addColumn("family_version", "integer", (c) => c.notNull())
    .addColumn("bundle", "text", (c) => c.notNull().references("bundles.digest"))
    .addColumn("action", "text", (c) => c.notNull())
    .addColumn("reason", "text", (c) => c.notNull())
    .addColumn("created_at", "text", (c) => c.notNull())
    .execute();
  // With all that resolution reads of a binding: it need not look at the table itself.
  await db.schema
    .createIndex("bindings_by_key")
    .on("bindings")
    .columns(["key", "id", "action", "bundle"])
    .execute();
  await db.schema
    .createIndex("bindings_by_family")
    .on("bindings")
    .columns(["family", "family_version", "id"])
    .execute();
  await db.schema.createIndex("bindings_by_bundle").on("bindings").columns(["bundle", "id"]).execute();
}

/** A page of a listing begins where the last one ended. */
// biome-ignore lint/suspicious/noExplicitAny: a migration works on whatever tables there are at that time
async function indexListings(db: Kysely<any>): Promise<void> {
  await db.schema.dropIndex("bundles_by_family").execute();
  await db.schema
    .createIndex("bundles_by_family")
    .on("bundles")
    .columns(["family", "created_at", "digest"])
    .execute();
  await db.schema.createIndex("bundles_by_time").on("bundles").columns(["created_at", "digest"]).execute();
}
