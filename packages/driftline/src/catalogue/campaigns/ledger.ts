// The ledger: tables of runs, locks, samples and retirements, in the database and in a journal of its own.
//
// As with bindings, an entry is on the disk in the journal before it is committed, so what was acknowledged survives
// the loss of the database.

import { join } from "node:path";
import type { Kysely, Transaction } from "kysely";
import { z } from "zod";
import { fail } from "../../errors/registry.ts";
import type { Database } from "../database.ts";
import { type JournalOf, journalOf } from "../journal.ts";
import type { CatalogueTables, LedgerRow } from "../tables.ts";

export const ledgerFile = "ledger.jsonl";

export const ledgerKinds = ["runs", "freeze", "lock", "sample", "retire"] as const;
export type LedgerKind = (typeof ledgerKinds)[number];

const ledgerEntry = z.strictObject({
  id: z.int().positive(),
  kind: z.enum(ledgerKinds),
  tag: z.string().nullable(),
  subject: z.string().nullable(),
  content: z.string().nullable(),
  bundles: z.array(z.string()),
  details: z.record(z.string(), z.unknown()),
  created_at: z.string(),
});
export type LedgerEntry = z.infer<typeof ledgerEntry>;
export type NewEntry = Omit<LedgerEntry, "id" | "created_at">;
export type LedgerJournal = JournalOf<LedgerEntry>;
export type Ledger = ReturnType<typeof ledger>;

export function ledgerJournal(dataDirectory: string): LedgerJournal {
  return journalOf(join(dataDirectory, ledgerFile), ledgerEntry);
}

export function ledger(journal: LedgerJournal) {
  /** Adds an entry in a transaction that has caught up; once that is committed it survives the loss of the database. */
  async function add(trx: Transaction<CatalogueTables>, given: NewEntry): Promise<LedgerEntry> {
    const created_at = new Date().toISOString();
    const { kind, tag, subject, content, details } = given;
    const { id } = await trx
      .insertInto("ledger")
      .values({ kind, tag, subject, content, details_json: JSON.stringify(details), created_at })
      .returning("id")
      .executeTakeFirstOrThrow();
    const entry = { id: Number(id), ...given, created_at };
    await insertBundles(trx, entry);
    journal.append([entry]);
    return entry;
  }

  /** Adds an entry, unless `isThere` finds that it would say nothing new; says whether it did. */
  async function addUnless(
    { write }: Database<CatalogueTables>,
    entry: NewEntry,
    isThere: (trx: Transaction<CatalogueTables>) => Promise<boolean>,
  ): Promise<boolean> {
    return write(async (trx) => {
      await catchUp(trx);
      if (await isThere(trx)) return false;
      await add(trx, entry);
      return true;
    });
  }

  /** Brings database and journal together. Throws `damaged` where they contradict each other. */
  async function catchUp(trx: Transaction<CatalogueTables>): Promise<void> {
    const newest = await newestEntry(trx);
    const last = journal.last();
    if (isSame(newest, last)) return;
    const [stored, journalled] = [newest?.id ?? 0, last?.id ?? 0];
    if (journalled > stored) {
      if (newest !== null && ![...journal.entries()].some((entry) => isSame(entry, newest)))
        throw disagreement();
      for (const entry of journal.entries()) if (entry.id > stored) await insert(trx, entry);
    } else {
      const missing = await entriesAfter(trx, journalled);
      if (last !== null && !isSame((await entriesAfter(trx, journalled - 1, 1))[0] ?? null, last)) {
        throw disagreement();
      }
      journal.append(missing);
    }
  }

  /** `catchUp` where it is needed; the usual case takes no lock. */
  async function caughtUp({ db, write }: Database<CatalogueTables>): Promise<void> {
    if (!isSame(await newestEntry(db), journal.last())) await write(catchUp);
  }

  /** Both made again from what either has; the journal's word counts. Says what was done, null where all was well. */
  async function mend({ write }: Database<CatalogueTables>): Promise<string | null> {
    const lines = [...journal.read()];
    const damagedLines = lines.filter((line) => "line" in line).length;
    return write(async (trx) => {
      const stored = await entriesAfter(trx, 0);
      const known = new Map(stored.map((entry) => [entry.id, entry]));
      for (const line of lines) if (!("line" in line)) known.set(line.id, line);
      const all = [...known.values()].sort((a, b) => a.id - b.id);
      const journalled = [...journal.entries()];
      if (damagedLines === 0 && isEqual(all, stored) && isEqual(all, journalled)) return null;
      await trx.deleteFrom("ledger_bundles").execute();
      await trx.deleteFrom("ledger").execute();
      for (const entry of all) await insert(trx, entry);
      journal.replace(all);
      return `The ledger was made again from its journal and the database: ${all.length} entries.`;
    });
  }

  function disagreement() {
    return fail(
      "damaged",
      `The database and ${journal.path} disagree: one of them was replaced or changed.`,
      {
        remedy: "`driftline doctor --repair` makes both again from what either has.",
      },
    );
  }

  return { add, addUnless, catchUp, caughtUp, mend };
}

async function insert(trx: Transaction<CatalogueTables>, entry: LedgerEntry): Promise<void> {
  const { id, kind, tag, subject, content, details, created_at } = entry;
  await trx
    .insertInto("ledger")
    .values({ id, kind, tag, subject, content, details_json: JSON.stringify(details), created_at })
    .execute();
  await insertBundles(trx, entry);
}

async function insertBundles(trx: Transaction<CatalogueTables>, { id, kind, bundles }: LedgerEntry) {
  for (const bundle of bundles) {
    await trx.insertInto("ledger_bundles").values({ entry: id, kind, bundle }).execute();
  }
}

async function newestEntry(db: Kysely<CatalogueTables>): Promise<LedgerEntry | null> {
  const newest = await db.selectFrom("ledger").select("id").orderBy("id", "desc").limit(1).executeTakeFirst();
  return newest === undefined ? null : (await entriesAfter(db, Number(newest.id) - 1, 1))[0];
}

/** Entries after an id, in order. */
export async function entriesAfter(
  db: Kysely<CatalogueTables>,
  id: number,
  limit = Number.MAX_SAFE_INTEGER,
): Promise<LedgerEntry[]> {
  const rows = await db
    .selectFrom("ledger")
    .selectAll()
    .where("id", ">", id)
    .orderBy("id")
    .limit(limit)
    .execute();
  return withBundles(db, rows);
}

/** Rows of the ledger, sorted by id, as entries. */
export async function withBundles(
  db: Kysely<CatalogueTables>,
  rows: (Omit<LedgerRow, "id"> & { id: number })[],
): Promise<LedgerEntry[]> {
  if (rows.length === 0) return [];
  const ids = rows.map(({ id }) => Number(id));
  const bundles = new Map<number, string[]>(ids.map((id) => [id, []]));
  const named = await db
    .selectFrom("ledger_bundles")
    .select(["entry", "bundle"])
    .where("entry", ">=", ids[0])
    .where("entry", "<=", ids[ids.length - 1])
    .execute();
  for (const { entry, bundle } of named) bundles.get(Number(entry))?.push(bundle);
  return rows.map(({ id, kind, tag, subject, content, details_json, created_at }) => ({
    id: Number(id),
    kind: kind as LedgerKind,
    tag,
    subject,
    content,
    bundles: bundles.get(Number(id)) ?? [],
    details: JSON.parse(details_json) as Record<string, unknown>,
    created_at,
  }));
}

export function isSame(a: LedgerEntry | null, b: LedgerEntry | null): boolean {
  if (a === null || b === null) return a === b;
  return textOf(a) === textOf(b);
}

function isEqual(a: LedgerEntry[], b: LedgerEntry[]): boolean {
  return a.length === b.length && a.every((entry, i) => isSame(entry, b[i]));
}

/** Members in one order, bundles sorted: how they were stored does not matter. */
function textOf({ id, kind, tag, subject, content, bundles, details, created_at }: LedgerEntry): string {
  return JSON.stringify([id, kind, tag, subject, content, [...bundles].sort(), details, created_at]);
}

/** The blobs that the ledger rests on, each with a word for what it is. */
export async function ledgerContent(
  db: Kysely<CatalogueTables>,
): Promise<{ content: string; what: string }[]> {
  const rows = await db
    .selectFrom("ledger")
    .select(["content", "kind", "tag"])
    .where("content", "is not", null)
    .orderBy("id")
    .execute();
  return rows.map(({ content, kind, tag }) => ({
    content: content!,
    what: `${kind === "lock" ? "a lock" : "the table of runs"} of tag ${tag}`,
  }));
}
