// Looking entries of the ledger up: by tag, by what they are about, and by the bundles that they name.

import type { Kysely } from "kysely";
import type { CatalogueTables } from "../tables.ts";
import { type LedgerEntry, type LedgerKind, withBundles } from "./ledger.ts";

/** The entry of a kind that decides for a tag; null where there is none. */
export async function newestOf(
  on: Kysely<CatalogueTables>,
  kind: LedgerKind,
  tag: string,
): Promise<{ id: number; content: string | null } | null> {
  const found = await on
    .selectFrom("ledger")
    .select(["id", "content"])
    .where("kind", "=", kind)
    .where("tag", "=", tag)
    .orderBy("id", "desc")
    .limit(1)
    .executeTakeFirst();
  return found === undefined ? null : { id: Number(found.id), content: found.content };
}

/** In the order in which they were made. */
export async function entriesOf(
  on: Kysely<CatalogueTables>,
  kinds: LedgerKind[],
  tag?: string,
): Promise<LedgerEntry[]> {
  let query = on.selectFrom("ledger").selectAll().where("kind", "in", kinds).orderBy("id");
  if (tag !== undefined) query = query.where("tag", "=", tag);
  return withBundles(on, await query.execute());
}

/** Entries of a kind that name a bundle. */
export async function usersOf(
  on: Kysely<CatalogueTables>,
  bundle: string,
  kind: LedgerKind,
): Promise<LedgerEntry[]> {
  const rows = await on
    .selectFrom("ledger_bundles")
    .innerJoin("ledger", "ledger.id", "ledger_bundles.entry")
    .selectAll("ledger")
    .where("ledger_bundles.bundle", "=", bundle)
    .where("ledger_bundles.kind", "=", kind)
    .orderBy("ledger.id")
    .execute();
  return withBundles(on, rows);
}

export async function isKnown(
  on: Kysely<CatalogueTables>,
  kind: LedgerKind,
  subject: string,
): Promise<boolean> {
  const query = on.selectFrom("ledger").select("id").where("kind", "=", kind).where("subject", "=", subject);
  return (await query.limit(1).executeTakeFirst()) !== undefined;
}
