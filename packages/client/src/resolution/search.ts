// Models of a family as columns in memory: which one's measured domain holds a point, which are nearest.

import { parseDecimal } from "../question/decimal.ts";
import type { Condition, Question } from "../question/family.ts";
import { inSteps } from "./gridSteps.ts";

/** A serving model and its distance from the point that was asked: the largest |difference|/tolerance. */
export interface Candidate {
  bundle: string;
  /** Infinity where a condition without tolerance differs; null where a label or version differs. */
  distance: number | null;
}

export interface Found {
  /** The nearest model whose measured domain holds the question. */
  fitting: Candidate | null;
  /** The nearest of all. */
  nearest: Candidate[];
}

/** Condition to the ends of a measured domain, in the declared unit; what is not there holds at the model's own value. */
export type Boxes = Record<string, { low: number; high: number } | undefined>;

/** What the search needs to know of a key: the bundle that serves it, since which binding, and its measured domain. */
export interface SearchedModel {
  key: string;
  bundle: string;
  /** Of equally near models the one with the larger number is taken: it is newer. */
  binding: number;
  serving: boolean;
  conditions: Question["conditions"];
  software: Question["software"];
  boxes: Boxes;
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

export interface ModelColumns extends Rows {
  quantities: Quantity[];
  labels: string[];
  /** The different combinations of labels and software, each as its entries; few, however many the models. */
  contexts: Record<string, string>[];
  contextOf: Map<string, number>;
}

/** One pass, O(models × conditions). */
export function searchColumns(columns: ModelColumns, question: Question, count: number): Found {
  const asked = columns.quantities.map(({ name, grid }) => inSteps(Number(question.conditions[name]), grid));
  return {
    fitting: findFitting(columns, asked, contextText(columns.labels, question)),
    nearest: findNearest(columns, asked, context(columns.labels, question), count),
  };
}

export function emptyColumns(conditions: Condition[]): ModelColumns {
  const quantities: Quantity[] = [];
  for (const condition of conditions) {
    if (condition.kind !== "quantity") continue;
    const grid = Number(condition.grid);
    const tolerance = inSteps(Number(condition.tolerance), grid);
    quantities.push({ name: condition.name, grid, tolerance, value: [], low: [], high: [] });
  }
  return {
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

/** Adds a model, or takes it in the place of what was known of its key. */
export function putModel(columns: ModelColumns, model: SearchedModel): void {
  const { conditions, software, boxes } = model;
  const i = columns.rowOfKey.get(model.key) ?? columns.serving.length;
  columns.rowOfKey.set(model.key, i);
  columns.serving[i] = model.serving;
  columns.bundle[i] = model.bundle;
  columns.binding[i] = model.binding;
  const text = contextText(columns.labels, { conditions, software });
  let number = columns.contextOf.get(text);
  if (number === undefined) {
    number = columns.contexts.push(context(columns.labels, { conditions, software })) - 1;
    columns.contextOf.set(text, number);
  }
  columns.context[i] = number;
  for (const { name, grid, value, low, high } of columns.quantities) {
    // A bundle made elsewhere can state anything under a key of its own: no number is infinitely far.
    const stated = parseDecimal(conditions[name] ?? "") !== null;
    const own = stated ? Number(conditions[name]) : Number.POSITIVE_INFINITY;
    const box = boxes[name];
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

function findFitting(columns: ModelColumns, asked: number[], askedContext: string): Candidate | null {
  const wanted = columns.contextOf.get(askedContext);
  if (wanted === undefined) return null;
  let best = -1;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (let i = 0; i < columns.serving.length; i++) {
    if (!columns.serving[i] || columns.context[i] !== wanted || !isInside(columns, asked, i)) continue;
    const distance = distanceOf(columns, asked, i, bestDistance);
    const closer = distance < bestDistance;
    const newer = distance === bestDistance && best >= 0 && columns.binding[i] > columns.binding[best];
    if (closer || newer) {
      best = i;
      bestDistance = distance;
    }
  }
  return best < 0 ? null : { bundle: columns.bundle[best], distance: bestDistance };
}

function isInside({ quantities }: ModelColumns, asked: number[], i: number): boolean {
  for (let q = 0; q < quantities.length; q++) {
    if (!(asked[q] >= quantities[q].low[i] && asked[q] <= quantities[q].high[i])) return false;
  }
  return true;
}

/** The distance of model i; where it is above `bound`, any number above it. */
function distanceOf({ quantities }: ModelColumns, asked: number[], i: number, bound: number): number {
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
  columns: ModelColumns,
  asked: number[],
  askedContext: Record<string, string>,
  count: number,
): Candidate[] {
  const mismatches = columns.contexts.map((has) => {
    const names = new Set([...Object.keys(has), ...Object.keys(askedContext)]);
    return [...names].filter((name) => has[name] !== askedContext[name]).length;
  });
  const nearest: Ranked[] = [];
  for (let i = 0; i < columns.serving.length; i++) {
    if (!columns.serving[i]) continue;
    const mismatch = mismatches[columns.context[i]];
    const worst = nearest.length === count ? nearest[count - 1] : null;
    if (worst !== null && mismatch > worst.mismatch) continue;
    const bound = worst?.mismatch === mismatch ? worst.distance : Number.POSITIVE_INFINITY;
    const distance = distanceOf(columns, asked, i, bound);
    if (distance > bound) continue;
    const found = { i, mismatch, distance };
    const place = nearest.findIndex((other) => isNearer(found, other, columns.binding));
    if (place >= 0) nearest.splice(place, 0, found);
    else if (nearest.length < count) nearest.push(found);
    if (nearest.length > count) nearest.pop();
  }
  return nearest.map(({ i, mismatch, distance }) => ({
    bundle: columns.bundle[i],
    distance: mismatch > 0 ? null : distance,
  }));
}

type Ranked = { i: number; mismatch: number; distance: number };

function isNearer(a: Ranked, b: Ranked, binding: number[]): boolean {
  if (a.mismatch !== b.mismatch) return a.mismatch < b.mismatch;
  if (a.distance !== b.distance) return a.distance < b.distance;
  return binding[a.i] > binding[b.i];
}
