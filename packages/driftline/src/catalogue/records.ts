// Reading the catalogue's records: models by digest, key or prefix, their manifests and files.

import type { Model } from "@driftline/client/api";
import { type BundleManifest, bundleManifest } from "@driftline/client/bundle";
import type { ExpressionBuilder, Kysely } from "kysely";
import { fail } from "../errors/registry.ts";
import { parseKeyPrefix } from "../family/key.ts";
import type { Bindings } from "./bindings.ts";
import type { BlobStore, ByteRange } from "./blobs.ts";
import type { Database } from "./database.ts";
import type { BundleRow, CatalogueTables } from "./tables.ts";

export const modelColumns = [
  "digest",
  "key",
  "recipe_hash",
  "family",
  "family_version",
  "data_source",
  "size",
  "created_at",
  "conditions_json",
  "software_json",
] as const;
export type ModelRow = Pick<BundleRow, (typeof modelColumns)[number]>;

export function toModel(row: ModelRow, serving: boolean): Model {
  return {
    bundle: row.digest,
    key: row.key,
    recipeHash: row.recipe_hash,
    family: row.family,
    familyVersion: row.family_version,
    conditions: JSON.parse(row.conditions_json) as Model["conditions"],
    software: JSON.parse(row.software_json) as Model["software"],
    dataSource: row.data_source as Model["dataSource"],
    createdAt: row.created_at,
    serving,
    // PostgreSQL gives bigint as text.
    size: Number(row.size),
  };
}

/** A page takes about a millisecond, in which a server answers nobody else. */
const rowsAtOnce = 100;

export type FileEntry = BundleManifest["files"][number];

export function records({ db, write }: Database<CatalogueTables>, blobs: BlobStore, bindings: Bindings) {
  /**
   * Published models, newest first, withdrawn and superseded ones included (`serving` tells); `after` a digest or
   * unique prefix, those that follow it. A page is read when those before it are taken. Throws `unknown_model`.
   */
  async function* models(filter: { family?: string; after?: string } = {}): AsyncGenerator<Model> {
    let last = filter.after === undefined ? null : await model(filter.after);
    for (;;) {
      let query = db.selectFrom("bundles").select(modelColumns).limit(rowsAtOnce);
      if (filter.family !== undefined) query = query.where("family", "=", filter.family);
      if (last !== null) {
        const { createdAt, bundle } = last;
        query = query.where(({ eb, refTuple, tuple }) =>
          eb(refTuple("created_at", "digest"), "<", tuple(createdAt, bundle)),
        );
      }
      const rows = await query.orderBy("created_at", "desc").orderBy("digest", "desc").execute();
      if (rows.length === 0) return;
      const serving = await servingBundles(rows.map(({ key }) => key));
      const page = rows.map((row) => toModel(row, serving.has(row.digest)));
      yield* page;
      if (page.length < rowsAtOnce) return;
      last = page[page.length - 1];
    }
  }

  async function count(): Promise<number> {
    const { models } = await db
      .selectFrom("bundles")
      .select(({ fn }) => fn.countAll().as("models"))
      .executeTakeFirstOrThrow();
    return Number(models);
  }

  async function servingBundles(keys: string[]): Promise<Set<string>> {
    const rows = await db
      .selectFrom("bindings")
      .select("bundle")
      .where("action", "=", "serve")
      .where("id", "in", (inner) => newestBindings(inner).where("each.key", "in", keys))
      .execute();
    return new Set(rows.map(({ bundle }) => bundle));
  }

  /** How many models of each family serve a key. */
  async function servingCounts(): Promise<Map<string, number>> {
    const rows = await db
      .selectFrom("bindings")
      .select(({ fn }) => ["family", fn.countAll().as("models")])
      .where("action", "=", "serve")
      .where("id", "in", newestBindings)
      .groupBy("family")
      .execute();
    return new Map(rows.map(({ family, models: count }) => [family, Number(count)]));
  }

  /** A model by digest, key, or a unique prefix of it. Throws `unknown_model`, `usage`. */
  async function model(prefix: string): Promise<Model> {
    if (prefix.startsWith("k1-")) return byKey(prefix);
    const digest = await unique(db, "digest", prefix);
    const row = await db
      .selectFrom("bundles")
      .select(modelColumns)
      .where("digest", "=", digest)
      .executeTakeFirstOrThrow();
    return toModel(row, (await servingBundle(db, row.key)) === digest);
  }

  /** The model that serves a key, given whole or as a unique prefix. Throws `unknown_model`, `usage`. */
  async function byKey(prefix: string): Promise<Model> {
    const key = await unique(db, "key", parseKeyPrefix(prefix));
    const bundle = await servingBundle(db, key);
    if (bundle === null) {
      throw fail("unknown_model", `The models of key ${key} are withdrawn.`, {
        field: "key",
        remedy: "`driftline models` lists them; a withdrawn model can still be pulled by its digest.",
      });
    }
    return model(bundle);
  }

  /** The exact bytes of bundle.json. Throws `unknown_model`, `damaged`. */
  async function manifest(prefix: string): Promise<Uint8Array> {
    return blobs.read(await unique(db, "digest", prefix));
  }

  /** Size and digest of one file of a bundle. Throws `unknown_model`, `unknown_file`, `damaged`. */
  async function fileEntry(prefix: string, path: string): Promise<FileEntry> {
    const { files } = bundleManifest.parse(JSON.parse(new TextDecoder().decode(await manifest(prefix))));
    const entry = files.find((file) => file.path === path);
    if (entry) return entry;
    throw fail("unknown_file", `Bundle ${prefix} has no file ${path}.`, {
      field: "path",
      remedy: `It has ${files.map((file) => file.path).join(", ")}.`,
    });
  }

  /** A file of a bundle, or a range of it; a whole read is checked on the way out, see the blob store's `open`. */
  async function file(prefix: string, path: string, range?: ByteRange): Promise<ReadableStream<Uint8Array>> {
    return blobs.open((await fileEntry(prefix, path)).sha256, range);
  }

  /**
   * Takes a model out of service: its key resolves to nothing until a bundle is published for it. The bundle
   * stays readable by digest. A model that doesn't serve is left as it is.
   */
  async function withdraw(prefix: string, reason: string): Promise<Model> {
    const { bundle, key, family, familyVersion } = await model(prefix);
    await write(async (trx) => {
      await bindings.catchUp(trx);
      if ((await servingBundle(trx, key)) !== bundle) return;
      await bindings.add(trx, {
        key,
        family,
        family_version: familyVersion,
        bundle,
        action: "withdraw",
        reason,
        created_at: new Date().toISOString(),
      });
    });
    return model(bundle);
  }

  /** What served a key at a time (ISO 8601, UTC); null where nothing did. */
  async function servedAt(key: string, time: string): Promise<Model | null> {
    const newest = await db
      .selectFrom("bindings")
      .select(["bundle", "action"])
      .where("key", "=", key)
      .where("created_at", "<=", time)
      .orderBy("id", "desc")
      .limit(1)
      .executeTakeFirst();
    return newest?.action === "serve" ? model(newest.bundle) : null;
  }

  return { models, count, servingCounts, model, byKey, manifest, fileEntry, file, withdraw, servedAt };
}

async function servingBundle(db: Kysely<CatalogueTables>, key: string): Promise<string | null> {
  const newest = await db
    .selectFrom("bindings")
    .select(["bundle", "action"])
    .where("key", "=", key)
    .orderBy("id", "desc")
    .limit(1)
    .executeTakeFirst();
  return newest?.action === "serve" ? newest.bundle : null;
}

/** Ids of the bindings that decide: the newest of each key. */
function newestBindings(inner: ExpressionBuilder<CatalogueTables, "bindings">) {
  return inner
    .selectFrom("bindings as each")
    .select(({ fn }) => fn.max("each.id").as("id"))
    .groupBy("each.key");
}

const forms = {
  digest: { pattern: /^[0-9a-f]{8,64}$/, name: "model", words: "a bundle's digest" },
  key: { pattern: /^k1-[0-9a-f]{8,64}$/, name: "key", words: 'a condition key, "k1-" and' },
} as const;

/** The one digest or key that begins with `prefix`. */
async function unique(
  db: Kysely<CatalogueTables>,
  column: "digest" | "key",
  prefix: string,
): Promise<string> {
  const { pattern, name, words } = forms[column];
  if (!pattern.test(prefix)) {
    throw fail(
      "usage",
      `"${prefix}" is not ${words} 64 hexadecimal digits or at least the first 8 of them.`,
      {
        field: name,
        remedy: "`driftline models` lists digests and keys.",
      },
    );
  }
  const select = () => db.selectFrom("bundles").select(column).distinct();
  const matches = await select()
    .where(column, ">=", prefix)
    // "g" follows all hexadecimal digits.
    .where(column, "<", `${prefix}g`)
    .orderBy(column)
    .limit(4)
    .execute();
  const found = matches.map((row) => row[column]);
  if (found.length === 1) return found[0];
  if (found.length > 1) {
    throw fail("unknown_model", `${prefix} is not unique: ${found.slice(0, 3).join(", ")} begin with it.`, {
      field: name,
      remedy: "Give more digits.",
      data: { nearest: found.slice(0, 3) },
    });
  }
  const before = await select().where(column, "<", prefix).orderBy(column, "desc").limit(2).execute();
  const after = await select().where(column, ">", prefix).orderBy(column).limit(2).execute();
  const nearest = [...before, ...after]
    .map((row) => row[column])
    .sort((a, b) => sharedDigits(b, prefix) - sharedDigits(a, prefix))
    .slice(0, 3);
  throw fail("unknown_model", `No published model has ${name === "key" ? "key" : "digest"} ${prefix}.`, {
    field: name,
    remedy:
      nearest.length === 0
        ? "The catalogue is empty: `driftline ensure` makes a model, `driftline push` brings one."
        : `The nearest are ${nearest.join(", ")}; \`driftline models\` lists all.`,
    data: { nearest },
  });
}

function sharedDigits(a: string, b: string): number {
  let n = 0;
  while (n < a.length && a[n] === b[n]) n++;
  return n;
}
