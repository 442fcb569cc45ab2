// Bindings, in the database and in the journal: each is journalled, then committed; what was journalled alone is caught up.

import type { Kysely, Transaction } from "kysely";
import { fail } from "../errors/registry.ts";
import type { BlobStore } from "./blobs.ts";
import type { Database } from "./database.ts";
import { type Journal, type JournalEntry, journalFile } from "./journal.ts";
import { restoreBindings } from "./restore.ts";
import type { CatalogueTables } from "./tables.ts";

/** More than so many would keep every other process waiting; `doctor --repair` does it with progress. */
const catchUpLimit = 2_000;

export type NewBinding = Omit<JournalEntry, "id">;
export type Bindings = ReturnType<typeof bindings>;

export function bindings(journal: Journal, blobs: BlobStore) {
  /** Adds a binding in a transaction that has caught up. Once it is committed it survives the loss of the database. */
  async function add(trx: Transaction<CatalogueTables>, binding: NewBinding): Promise<void> {
    const { id } = await trx.insertInto("bindings").values(binding).returning("id").executeTakeFirstOrThrow();
    journal.append([{ id: Number(id), ...binding }]);
  }

  /**
   * Brings database and journal together: entries whose commit did not happen are restored from the stored bundles,
   * and a journal that lacks entries gets them. Throws `damaged` where they contradict each other.
   */
  async function catchUp(trx: Transaction<CatalogueTables>): Promise<void> {
    const newest = await newestEntry(trx);
    const last = journal.last();
    if (isSame(newest, last)) return;
    const [stored, journalled] = [newest?.id ?? 0, last?.id ?? 0];
    if (journalled > stored) {
      const missing = journalledAfter(newest);
      if (missing.length > catchUpLimit) throw behind(missing.length);
      await restoreBindings(trx, blobs, missing);
    } else {
      if (last && !isSame(await entryOf(trx, last.id), last)) throw disagreement(journalled);
      // In pieces: a catalogue can have a great many.
      for (let after = journalled; after < stored; ) {
        const entries = await entriesAfter(trx, after, 1_000);
        journal.append(entries);
        after = entries[entries.length - 1].id;
      }
    }
  }

  /** The journal's entries that are newer than `newest`, which must be among them. */
  function journalledAfter(newest: JournalEntry | null): JournalEntry[] {
    const missing: JournalEntry[] = [];
    let met = newest === null;
    for (const entry of journal.entries()) {
      if (newest !== null && entry.id === newest.id) met = isSame(entry, newest);
      if (entry.id > (newest?.id ?? 0)) missing.push(entry);
    }
    if (!met) throw disagreement(newest?.id ?? 0);
    return missing;
  }

  /** `catchUp` where it is needed; the usual case takes no lock. */
  async function caughtUp({ db, write }: Database<CatalogueTables>): Promise<void> {
    if (!isSame(await newestEntry(db), journal.last())) await write(catchUp);
  }

  function disagreement(id: number) {
    return fail(
      "damaged",
      `The database and ${journal.path} disagree about binding ${id}: one of them was replaced or changed.`,
      {
        remedy:
          "`driftline doctor --repair` makes the records again from the journal and the stored bundles.",
      },
    );
  }

  return { add, catchUp, caughtUp };
}

/** All bindings of the database, in order. */
export async function* allEntries(db: Kysely<CatalogueTables>): AsyncGenerator<JournalEntry> {
  for (let after = 0; ; ) {
    const entries = await entriesAfter(db, after, 1_000);
    if (entries.length === 0) return;
    yield* entries;
    after = entries[entries.length - 1].id;
  }
}

export function isSame(a: JournalEntry | null, b: JournalEntry | null): boolean {
  if (a === null || b === null) return a === b;
  return columns.every((column) => a[column] === b[column]);
}

const columns = [
  "id",
  "key",
  "family",
  "family_version",
  "bundle",
  "action",
  "reason",
  "created_at",
] as const;

async function newestEntry(db: Kysely<CatalogueTables>): Promise<JournalEntry | null> {
  const found = await db
    .selectFrom("bindings")
    .select(columns)
    .orderBy("id", "desc")
    .limit(1)
    .executeTakeFirst();
  return (found as JournalEntry | undefined) ?? null;
}

async function entryOf(db: Kysely<CatalogueTables>, id: number): Promise<JournalEntry | null> {
  const found = await db.selectFrom("bindings").select(columns).where("id", "=", id).executeTakeFirst();
  return (found as JournalEntry | undefined) ?? null;
}

async function entriesAfter(db: Kysely<CatalogueTables>, id: number, limit: number): Promise<JournalEntry[]> {
  const found = await db
    .selectFrom("bindings")
    .select(columns)
    .where("id", ">", id)
    .orderBy("id")
    .limit(limit)
    .execute();
  return found as JournalEntry[];
}

function behind(count: number) {
  return fail(
    "damaged",
    `The database lacks ${count} bindings that ${journalFile} has: it was lost, or is older than the bundles.`,
    { remedy: "`driftline doctor --repair` restores them, with progress." },
  );
}
