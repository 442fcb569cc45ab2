// Serving models of a family as columns in memory: which one's measured domain holds a point, which are nearest.

import type { Kysely } from "kysely";
import { parseDecimal } from "../../family/decimal.ts";
import type { Condition, Family, Question } from "../../family/family.ts";
import type { Domain } from "../manifest.ts";
import type { CatalogueTables } from "../tables.ts";
import { inSteps } from "./gridSteps.ts";

/** A serving model and its distance from the point that was asked: the largest |difference|/tolerance. */
export interface Candidate {
  bundle: string;
  /** Infinity where a condition without tolerance differs; null where a label or version differs. */
  distance: number | null;
}

interface Quantity {
  name: string;
  grid: number;
  /** In steps of the grid. */
  tolerance: number;
  /** Of each model: its value and the ends of its measured domain, in steps of the grid. */
  value: number[];
  low: number[];
  high: number[];
}

/** One row a key: a key's conditions and software never change, the bundle that serves it may. */
interface Rows {
  rowOfKey: Map<string, number>;
  serving: boolean[];
  bundle: string[];
  /** Binding that made it serve: the newest wins a tie. */
  binding: number[];
  /** Index into `contexts`. */
  context: number[];
}

interface Found {
  fitting: Candidate | null;
  nearest: Candidate[];
}

interface ModelIndex extends Rows {
  lastBinding: number;
  /** What questions were answered with, by key and count, since the last binding came: a farm asks one thing often. */
  found: Map<string, Found>;
  quantities: Quantity[];
  labels: string[];
  /** The different combinations of labels and software, each as its entries; few, however many the models. */
  contexts: Record<string, string>[];
  contextOf: Map<string, number>;
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
    const before = present?.of === of ? present.index : Promise.resolve(emptyIndex(family.conditions));
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
      const asked = index.quantities.map(({ name, grid }) =>
        inSteps(Number(question.conditions[name]), grid),
      );
      const fitting = findFitting(index, asked, contextText(index.labels, question));
      const nearest = findNearest(index, asked, context(index.labels, question), count);
      if (index.found.size >= maxFound) index.found.clear();
      index.found.set(name, { fitting, nearest });
      return { fitting, nearest };
    },
  };
}

function emptyIndex(conditions: Condition[]): ModelIndex {
  const quantities: Quantity[] = [];
  for (const condition of conditions) {
    if (condition.kind !== "quantity") continue;
    const grid = Number(condition.grid);
    const tolerance = inSteps(Number(condition.tolerance), grid);
    quantities.push({ name: condition.name, grid, tolerance, value: [], low: [], high: [] });
  }
  return {
    lastBinding: 0,
    found: new Map(),
    quantities,
    labels: conditions.filter(({ kind }) => kind === "label").map(({ name }) => name),
    contexts: [],
    contextOf: new Map(),
    rowOfKey: new Map(),
    serving: [],
    bundle: [],
    binding: [],
    context: [],
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
      apply(index, row);
      index.lastBinding = Number(row.id);
    }
    if (rows.length < pageSize) return index;
    // The first refresh can be long: let others have their turn.
    await new Promise(setImmediate);
  }
}

function apply(
  index: ModelIndex,
  row: {
    id: number;
    key: string;
    action: string;
    bundle: string;
    conditions_json: string;
    software_json: string;
    domain_json: string;
  },
): void {
  const i = index.rowOfKey.get(row.key) ?? index.serving.length;
  index.rowOfKey.set(row.key, i);
  index.serving[i] = row.action === "serve";
  index.bundle[i] = row.bundle;
  index.binding[i] = Number(row.id);
  const conditions = JSON.parse(row.conditions_json) as Question["conditions"];
  const software = JSON.parse(row.software_json) as Question["software"];
  const domain = JSON.parse(row.domain_json) as Domain;
  const text = contextText(index.labels, { conditions, software });
  let number = index.contextOf.get(text);
  if (number === undefined) {
    number = index.contexts.push(context(index.labels, { conditions, software })) - 1;
    index.contextOf.set(text, number);
  }
  index.context[i] = number;
  for (const { name, grid, value, low, high } of index.quantities) {
    // A bundle made elsewhere can state anything under a key of its own: no number is infinitely far.
    const stated = parseDecimal(conditions[name] ?? "") !== null;
    const own = stated ? Number(conditions[name]) : Number.POSITIVE_INFINITY;
    const box = domain.conditions[name];
    value[i] = inSteps(own, grid);
    low[i] = inSteps(box?.low ?? own, grid);
    high[i] = inSteps(box?.high ?? own, grid);
  }
}

type Selection = Pick<Question, "conditions" | "software">;

/** What must be the same: labels and software. */
function context(labels: string[], { conditions, software }: Selection): Record<string, string> {
  const entries = labels.map((name) => [name, conditions[name]]);
  return Object.fromEntries([
    ...entries,
    ...Object.keys(software).map((name) => [`software ${name}`, software[name]]),
  ]);
}

function contextText(labels: string[], selection: Selection): string {
  return JSON.stringify(Object.entries(context(labels, selection)).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function findFitting(index: ModelIndex, asked: number[], askedContext: string): Candidate | null {
  const wanted = index.contextOf.get(askedContext);
  if (wanted === undefined) return null;
  let best = -1;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (let i = 0; i < index.serving.length; i++) {
    if (!index.serving[i] || index.context[i] !== wanted || !isInside(index, asked, i)) continue;
    const distance = distanceOf(index, asked, i, bestDistance);
    const closer = distance < bestDistance;
    const newer = distance === bestDistance && best >= 0 && index.binding[i] > index.binding[best];
    if (closer || newer) {
      best = i;
      bestDistance = distance;
    }
  }
  return best < 0 ? null : { bundle: index.bundle[best], distance: bestDistance };
}

function isInside({ quantities }: ModelIndex, asked: number[], i: number): boolean {
  for (let q = 0; q < quantities.length; q++) {
    if (!(asked[q] >= quantities[q].low[i] && asked[q] <= quantities[q].high[i])) return false;
  }
  return true;
}

/** The distance of model i; where it is above `bound`, any number above it. */
function distanceOf({ quantities }: ModelIndex, asked: number[], i: number, bound: number): number {
  let largest = 0;
  for (let q = 0; q < quantities.length; q++) {
    const difference = Math.abs(asked[q] - quantities[q].value[i]);
    // Without tolerance the quotient is infinite for any difference.
    const distance = difference === 0 ? 0 : difference / quantities[q].tolerance;
    if (distance > largest) {
      largest = distance;
      if (largest > bound) break;
    }
  }
  return largest;
}

/** The nearest models: fewest labels and versions that differ, then smallest distance, then newest. */
function findNearest(
  index: ModelIndex,
  asked: number[],
  askedContext: Record<string, string>,
  count: number,
): Candidate[] {
  const mismatches = index.contexts.map((has) => {
    const names = new Set([...Object.keys(has), ...Object.keys(askedContext)]);
    return [...names].filter((name) => has[name] !== askedContext[name]).length;
  });
  const nearest: Ranked[] = [];
  for (let i = 0; i < index.serving.length; i++) {
    if (!index.serving[i]) continue;
    const mismatch = mismatches[index.context[i]];
    const worst = nearest.length === count ? nearest[count - 1] : null;
    if (worst !== null && mismatch > worst.mismatch) continue;
    const bound = worst?.mismatch === mismatch ? worst.distance : Number.POSITIVE_INFINITY;
    const distance = distanceOf(index, asked, i, bound);
    if (distance > bound) continue;
    const found = { i, mismatch, distance };
    const place = nearest.findIndex((other) => isNearer(found, other, index.binding));
    if (place >= 0) nearest.splice(place, 0, found);
    else if (nearest.length < count) nearest.push(found);
    if (nearest.length > count) nearest.pop();
  }
  return nearest.map(({ i, mismatch, distance }) => ({
    bundle: index.bundle[i],
    distance: mismatch > 0 ? null : distance,
  }));
}

type Ranked = { i: number; mismatch: number; distance: number };

function isNearer(a: Ranked, b: Ranked, binding: number[]): boolean {
  if (a.mismatch !== b.mismatch) return a.mismatch < b.mismatch;
  if (a.distance !== b.distance) return a.distance < b.distance;
  return binding[a.i] > binding[b.i];
}
