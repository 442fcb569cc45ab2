// The columns of each family's serving models, kept up to date with the bindings.

import {
  emptyColumns,
  type Found,
  type ModelColumns,
  putModel,
  searchColumns,
} from "@driftline/client/resolution/search";
import type { Kysely } from "kysely";
import type { Family, Question } from "../../family/family.ts";
import type { Domain } from "../manifest.ts";
import type { CatalogueTables } from "../tables.ts";

interface ModelIndex {
  columns: ModelColumns;
  lastBinding: number;
  /** What questions were answered with, by key and count, since the last binding came: a farm asks one thing often. */
  found: Map<string, Found>;
}

/** A page takes some milliseconds, in which a server answers nobody else. */
const pageSize = 200;
const maxFound = 1000;

/**
 * An index for each family and version that was asked for. It reads the bindings that came since the last
 * question, so a refresh costs O(new bindings); a search is one pass, O(models × conditions), and none where the same
 * was asked since the last binding.
 */
export function searchIndex(db: Kysely<CatalogueTables>) {
  const indices = new Map<string, { of: string; index: Promise<ModelIndex> }>();

  /** The index of a family, up to date with the database at the time of the call. */
  async function current(family: Family): Promise<ModelIndex> {
    const name = `${family.name} ${family.version}`;
    // A family being edited keeps its version; its grid and tolerances are in the columns.
    const of = JSON.stringify(family.conditions);
    const present = indices.get(name);
    const before =
      present?.of === of
        ? present.index
        : Promise.resolve({ columns: emptyColumns(family.conditions), lastBinding: 0, found: new Map() });
    // One refresh after another; a refresh that failed leaves what it had read.
    const index = before.then((found) => refresh(db, family, found));
    indices.set(name, { of, index: index.catch(() => before) });
    return index;
  }

  return {
    /** The nearest model whose measured domain holds the question, and the `count` nearest of all. */
    async search(family: Family, question: Question, count: number): Promise<Found> {
      const index = await current(family);
      const name = `${count} ${question.key}`;
      const known = index.found.get(name);
      if (known !== undefined) return known;
      const found = searchColumns(index.columns, question, count);
      if (index.found.size >= maxFound) index.found.clear();
      index.found.set(name, found);
      return found;
    },
  };
}

async function refresh(db: Kysely<CatalogueTables>, family: Family, index: ModelIndex): Promise<ModelIndex> {
  for (;;) {
    const rows = await db
      .selectFrom("bindings")
      .innerJoin("bundles", "bundles.digest", "bindings.bundle")
      .select(["bindings.id", "bindings.key", "bindings.action", "bindings.bundle"])
      .select(["bundles.conditions_json", "bundles.software_json", "bundles.domain_json"])
      .where("bindings.family", "=", family.name)
      .where("bindings.family_version", "=", family.version)
      .where("bindings.id", ">", index.lastBinding)
      .orderBy("bindings.id")
      .limit(pageSize)
      .execute();
    if (rows.length > 0) index.found.clear();
    for (const row of rows) {
      putModel(index.columns, {
        key: row.key,
        bundle: row.bundle,
        binding: Number(row.id),
        serving: row.action === "serve",
        conditions: JSON.parse(row.conditions_json) as Question["conditions"],
        software: JSON.parse(row.software_json) as Question["software"],
        boxes: (JSON.parse(row.domain_json) as Domain).conditions,
      });
      index.lastBinding = Number(row.id);
    }
    if (rows.length < pageSize) return index;
    // The first refresh can be long: let others have their turn.
    await new Promise(setImmediate);
  }
}
