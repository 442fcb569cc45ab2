// The models of a family version that serve a key, as they are at one moment.

import type { Kysely } from "kysely";
import type { CatalogueTables } from "../tables.ts";

export interface Serving {
  key: string;
  bundle: string;
  binding: number;
  /** When the bundle was published, always in 24 characters. */
  createdAt: string;
}

/** Sorted by key. One statement, so it is the state of one moment; rows of bundles never change. */
export async function servingOf(
  db: Kysely<CatalogueTables>,
  family: { name: string; version: number },
): Promise<Serving[]> {
  const newest = db
    .selectFrom("bindings as each")
    .select(({ fn }) => fn.max("each.id").as("id"))
    .where("each.family", "=", family.name)
    .where("each.family_version", "=", family.version)
    .groupBy("each.key");
  const rows = await db
    .selectFrom("bindings")
    .innerJoin("bundles", "bundles.digest", "bindings.bundle")
    .select(["bindings.key", "bindings.bundle", "bindings.id", "bundles.created_at"])
    .where("bindings.id", "in", newest)
    .where("bindings.action", "=", "serve")
    .orderBy("bindings.key")
    .execute();
  return rows.map(({ key, bundle, id, created_at }) => ({
    key,
    bundle,
    binding: Number(id),
    createdAt: fixedTime(created_at),
  }));
}

/** A time that a foreign manifest gave can have any form. */
function fixedTime(text: string): string {
  const time = new Date(text);
  const known = !Number.isNaN(time.getTime()) && time.getUTCFullYear() <= 9999 && time.getUTCFullYear() >= 0;
  return (known ? time : new Date(0)).toISOString();
}
