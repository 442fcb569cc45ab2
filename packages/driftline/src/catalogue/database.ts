// The database of a data directory: one reading connection, one writing connection, and its migrations.

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type CompiledQuery, Kysely, type Transaction } from "kysely";
import { fail } from "../errors/registry.ts";
import { sqlite } from "./sqlite.ts";

/** One step of the schema. Steps of a series are numbered from 1 and are never changed once released. */
export interface Migration {
  /** `series/number`, for example `catalogue/1`; a series belongs to one room. */
  name: string;
  // biome-ignore lint/suspicious/noExplicitAny: a migration works on whatever tables there are at that time
  up(trx: Kysely<any>): Promise<void>;
}

export interface Database<Tables> {
  /** For reading; a write through it fails. It never waits for a writer. */
  db: Kysely<Tables>;
  /** The first row of a compiled query on `db`, past Kysely's own machinery, which costs as much as a point read. */
  first<R>(query: CompiledQuery<R>): Promise<R | undefined>;
  /**
   * Runs `work` in a transaction that nothing else writes beside, in this process or another, and commits it.
   * Use `trx` alone inside, and await nothing but the database. A throw rolls back.
   */
  write<R>(work: (trx: Transaction<Tables>) => Promise<R>): Promise<R>;
  close(): Promise<void>;
}

interface MigrationTable {
  migrations: { name: string; applied_at: string };
}

export const databaseFile = "catalogue.sqlite";

/**
 * Opens `catalogue.sqlite` in `dataDirectory`, making it where there is none, and brings it up to `migrations`.
 * Several processes may open it at once: one migrates, the others wait.
 * Throws `invalid_data_directory` where a newer version of the code has migrated one of the series further.
 */
export async function openDatabase<Tables>(
  dataDirectory: string,
  migrations: Migration[],
): Promise<Database<Tables>> {
  await mkdir(dataDirectory, { recursive: true });
  const path = join(dataDirectory, databaseFile);
  const writer = new Kysely<Tables>({ dialect: sqlite(path, { readOnly: false }).dialect });
  const { dialect, first } = sqlite(path, { readOnly: true });
  const db = new Kysely<Tables>({ dialect });
  const database: Database<Tables> = {
    db,
    first,
    // The one writing connection has a queue of its own: transactions of this process run one after another.
    write: (work) => writer.transaction().execute(work),
    async close() {
      await db.destroy();
      await writer.destroy();
    },
  };
  try {
    await migrate(withTables<MigrationTable>(database), migrations, path);
  } catch (error) {
    await database.close();
    throw error;
  }
  return database;
}

/** The same database seen with other tables, which the caller knows to be there by the migrations it passed. */
// biome-ignore lint/suspicious/noExplicitAny: which tables it was seen with does not matter
export function withTables<Other>(database: Database<any>): Database<Other> {
  return database;
}

async function migrate(
  { db, write }: Database<MigrationTable>,
  migrations: Migration[],
  path: string,
): Promise<void> {
  await write(async (trx) => {
    await trx.schema
      .createTable("migrations")
      .ifNotExists()
      .addColumn("name", "text", (c) => c.primaryKey())
      .addColumn("applied_at", "text", (c) => c.notNull())
      .execute();
    const rows = await trx.selectFrom("migrations").select("name").execute();
    const applied = new Set(rows.map(({ name }) => name));
    const known = new Set(migrations.map(({ name }) => name));
    const series = new Set(migrations.map(({ name }) => seriesOf(name)));
    // Another room's series is not ours to judge: we don't touch its tables.
    const newer = [...applied].filter((name) => series.has(seriesOf(name)) && !known.has(name));
    if (newer.length > 0) {
      throw fail(
        "invalid_data_directory",
        `${path} was written by a newer version of Driftline: this one does not know ${newer.join(", ")}.`,
        { field: "data-dir", remedy: "Update Driftline, or name another directory with --data-dir." },
      );
    }
    for (const { name, up } of migrations) {
      if (applied.has(name)) continue;
      await up(trx);
      await trx.insertInto("migrations").values({ name, applied_at: new Date().toISOString() }).execute();
    }
  });
  // Opens the reading connection now, so that a fault of the file shows here and not in some later query.
  await db.selectFrom("migrations").select("name").execute();
}

function seriesOf(name: string): string {
  return name.slice(0, name.lastIndexOf("/"));
}
