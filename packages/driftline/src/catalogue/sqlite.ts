// The embedded database: node:sqlite under Kysely. Everything that holds for SQLite alone is in this file.

import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type Kysely,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  sql,
} from "kysely";
import { fail } from "../errors/registry.ts";

/** How long a statement waits for another process's transaction before it fails with `busy`. */
const patienceMs = 30_000;
// Primary result codes, https://sqlite.org/rescode.html
const sqliteBusy = 5;
const sqliteCorrupt = 11;
const sqliteNotADatabase = 26;

/** Opens one connection to the file at `path` as a Kysely dialect; destroying Kysely closes it. */
export function sqliteDialect(path: string, { readOnly }: { readOnly: boolean }): Dialect {
  return {
    createAdapter: () => new SqliteAdapter(),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
    createDriver: () => sqliteDriver(path, readOnly),
  };
}

/** SQLite's own check of pages and indices. Returns what is wrong, in its words; empty where all is well. */
export async function checkIntegrity(db: Kysely<never>): Promise<string[]> {
  const { rows } = await sql<{ integrity_check: string }>`pragma integrity_check`.execute(db);
  return rows.map((row) => row.integrity_check).filter((line) => line !== "ok");
}

function sqliteDriver(path: string, readOnly: boolean): Driver {
  let database: DatabaseSync | undefined;
  let connection: DatabaseConnection;
  return {
    async init() {
      // timeout 0: SQLite's own waiting would stop the event loop; `execute` waits between attempts instead.
      database = new DatabaseSync(path, { timeout: 0 });
      connection = sqliteConnection(database, path);
      await execute(connection, "pragma journal_mode = wal");
      await execute(connection, "pragma synchronous = full");
      await execute(connection, "pragma foreign_keys = on");
      if (readOnly) {
        await execute(connection, "pragma query_only = on");
        // Point reads in 100,000 models take 42 us in place of 65: no system call for each page.
        await execute(connection, "pragma mmap_size = 1073741824");
      }
    },
    acquireConnection: async () => connection,
    // A deferred transaction that reads and then writes can fail half way when another process wrote in between.
    beginTransaction: () => execute(connection, "begin immediate"),
    commitTransaction: () => execute(connection, "commit"),
    // SQLite may have rolled back by itself (disk full); another error here would hide the first one.
    rollbackTransaction: async () => {
      if (database?.isTransaction) await execute(connection, "rollback");
    },
    releaseConnection: async () => {},
    destroy: async () => database?.close(),
  };
}

async function execute(connection: DatabaseConnection, statement: string): Promise<void> {
  await connection.executeQuery(CompiledQuery.raw(statement));
}

function sqliteConnection(database: DatabaseSync, path: string): DatabaseConnection {
  const prepared = new Map<string, { statement: StatementSync; reads: boolean }>();

  function prepare(text: string) {
    let found = prepared.get(text);
    if (found === undefined) {
      const statement = database.prepare(text);
      found = { statement, reads: statement.columns().length > 0 };
      if (prepared.size >= 200) prepared.clear();
      prepared.set(text, found);
    }
    return found;
  }

  function runOnce<R>({ sql: text, parameters }: CompiledQuery): QueryResult<R> {
    const { statement, reads } = prepare(text);
    const values = parameters as SQLInputValue[];
    if (reads) return { rows: statement.all(...values) as R[] };
    const { changes, lastInsertRowid } = statement.run(...values);
    return { numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid), rows: [] };
  }

  return {
    async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
      const started = Date.now();
      for (let attempt = 0; ; attempt++) {
        try {
          return runOnce<R>(query);
        } catch (error) {
          const code = codeOf(error);
          if (code === sqliteCorrupt || code === sqliteNotADatabase) throw damaged(path, error as Error);
          if (code !== sqliteBusy) throw error;
          if (Date.now() - started > patienceMs) {
            throw fail("busy", `Another process has kept ${path} locked for ${patienceMs / 1000} s.`, {
              remedy: "Try again; if it lasts, see which process has the file open (`fuser -v` on it).",
              cause: error,
            });
          }
          // Full jitter, so that waiting processes don't meet again and again.
          await sleep(1 + Math.random() * Math.min(50, 2 ** attempt));
        }
      }
    },
    async *streamQuery<R>(query: CompiledQuery): AsyncIterableIterator<QueryResult<R>> {
      const statement = database.prepare(query.sql);
      for (const row of statement.iterate(...(query.parameters as SQLInputValue[])))
        yield { rows: [row as R] };
    },
  };
}

function codeOf(error: unknown): number | null {
  // Extended result codes keep the primary code in the low byte.
  return error instanceof Error && "errcode" in error ? Number(error.errcode) & 0xff : null;
}

function damaged(path: string, cause: Error) {
  return fail("damaged", `The database ${path} is damaged: ${cause.message}.`, {
    remedy:
      "Keep a copy of the data directory, then restore the file from a backup, or start a new data directory " +
      "and push the bundles that you have.",
    cause,
  });
}
