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

export interface Sqlite {
  /** Opens the file at the first query; destroying Kysely closes it. */
  dialect: Dialect;
  /** The first row of a query, once the dialect has opened the file. */
  first<R>(query: CompiledQuery<R>): Promise<R | undefined>;
}

/** One connection to the file at `path`. */
export function sqlite(path: string, { readOnly }: { readOnly: boolean }): Sqlite {
  const connection = sqliteConnection(path, readOnly);
  return {
    dialect: {
      createAdapter: () => new SqliteAdapter(),
      createIntrospector: (db) => new SqliteIntrospector(db),
      createQueryCompiler: () => new SqliteQueryCompiler(),
      createDriver: () => connection.driver,
    },
    first: connection.first,
  };
}

/** SQLite's own check of pages and indices. Returns what is wrong, in its words; empty where all is well. */
export async function checkIntegrity(db: Kysely<never>): Promise<string[]> {
  const { rows } = await sql<{ integrity_check: string }>`pragma integrity_check`.execute(db);
  return rows.map((row) => row.integrity_check).filter((line) => line !== "ok");
}

function sqliteConnection(path: string, readOnly: boolean) {
  let database: DatabaseSync;
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

  /** Calls `statement` again while another process keeps it from running. */
  async function patiently<R>(statement: () => R): Promise<R> {
    for (let attempt = 0, started = 0; ; attempt++) {
      try {
        return statement();
      } catch (error) {
        const code = codeOf(error);
        if (code === sqliteCorrupt || code === sqliteNotADatabase) throw damaged(path, error as Error);
        if (code !== sqliteBusy) throw error;
        if (attempt === 0) started = Date.now();
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
  }

  const connection: DatabaseConnection = {
    executeQuery: <R>(query: CompiledQuery) => patiently(() => runOnce<R>(query)),
    async *streamQuery<R>(query: CompiledQuery): AsyncIterableIterator<QueryResult<R>> {
      const statement = database.prepare(query.sql);
      for (const row of statement.iterate(...(query.parameters as SQLInputValue[])))
        yield { rows: [row as R] };
    },
  };
  const execute = async (statement: string) => {
    await connection.executeQuery(CompiledQuery.raw(statement));
  };
  const driver: Driver = {
    async init() {
      // timeout 0: SQLite's own waiting would stop the event loop; `patiently` waits between attempts instead.
      database = new DatabaseSync(path, { timeout: 0 });
      try {
        await execute("pragma journal_mode = wal");
        await execute("pragma synchronous = full");
        await execute("pragma foreign_keys = on");
        if (readOnly) {
          await execute("pragma query_only = on");
          // Point reads in 100,000 models take 42 us in place of 65: no system call for each page.
          await execute("pragma mmap_size = 1073741824");
        }
      } catch (error) {
        // Kysely does not destroy what did not begin, and begins it anew at the next query.
        prepared.clear();
        database.close();
        throw error;
      }
    },
    acquireConnection: async () => connection,
    // A deferred transaction that reads and then writes can fail half way when another process wrote in between.
    beginTransaction: () => execute("begin immediate"),
    commitTransaction: () => execute("commit"),
    // SQLite may have rolled back by itself (disk full); another error here would hide the first one.
    rollbackTransaction: async () => {
      if (database.isTransaction) await execute("rollback");
    },
    releaseConnection: async () => {},
    destroy: async () => {
      if (database?.isOpen) database.close();
    },
  };
  const first = <R>({ sql: text, parameters }: CompiledQuery<R>) =>
    patiently(() => prepare(text).statement.get(...(parameters as SQLInputValue[])) as R | undefined);
  return { driver, first };
}

function codeOf(error: unknown): number | null {
  // Extended result codes keep the primary code in the low byte.
  return error instanceof Error && "errcode" in error ? Number(error.errcode) & 0xff : null;
}

function damaged(path: string, cause: Error) {
  return fail("damaged", `The database ${path} is damaged: ${cause.message}.`, {
    remedy:
      "`driftline doctor --repair` sets the file aside and makes the records again from the stored bundles; stop " +
      "what has it open first.",
    cause,
  });
}
