// Retirement: a bundle that is never to serve again, and why.

import type { Kysely } from "kysely";
import { fail } from "../../errors/registry.ts";
import type { Database } from "../database.ts";
import type { CatalogueTables } from "../tables.ts";
import type { Ledger } from "./ledger.ts";

/** Why a bundle was retired; null for one that was not. */
export async function retirement(db: Kysely<CatalogueTables>, bundle: string): Promise<string | null> {
  const found = await db
    .selectFrom("ledger")
    .select("details_json")
    .where("kind", "=", "retire")
    .where("subject", "=", bundle)
    .limit(1)
    .executeTakeFirst();
  return found === undefined ? null : (JSON.parse(found.details_json) as { reason: string }).reason;
}

/** Notes the retirement of a bundle that has been withdrawn. Retiring again keeps the first reason. */
export async function recordRetirement(
  database: Database<CatalogueTables>,
  ledger: Ledger,
  bundle: string,
  reason: string,
): Promise<void> {
  const entry = { tag: null, subject: bundle, content: null, bundles: [bundle], details: { reason } };
  await ledger.addUnless(database, { kind: "retire", ...entry }, async (trx) => {
    return (await retirement(trx, bundle)) !== null;
  });
}

export function retired(bundle: string, reason: string) {
  return fail("refused", `Bundle ${bundle} was retired: ${reason}`, {
    field: "bundle",
    remedy:
      "A retired bundle serves no key again. Publish another; this one can still be pulled by its digest.",
    data: { retired: reason },
  });
}
