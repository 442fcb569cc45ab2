// One pass over all entries: statistics of the features over the training rows, counts by part, source and class, and
// how far the order of the files follows the label.

import type { Split } from "../../family/responses.ts";
import { keepEntries } from "../expressions/compile.ts";
import { addColumn, emptyStatistics, type FeatureStatistics } from "../features/statistics.ts";
import { splits } from "../split.ts";
import type { Block } from "./blocks.ts";
import type { Assembly } from "./prepare.ts";
import type { Rows } from "./source.ts";

export interface Measured {
  /** Of each feature, over the training rows after the cuts. */
  statistics: FeatureStatistics[];
  entries: number;
  rows: Record<Split, number>;
  sources: { name: string; entries: number; rows: number; weight: number }[];
  /** Training rows and their weight, by what is balanced. */
  classes: Map<number, { rows: number; weight: number }>;
  /** Of each block, over the training rows: how many, the sum of their labels and of the labels' squares. */
  blocks: { rows: number; sum: number; squares: number }[];
}

/** Entries that are decoded at a time. */
export const chunkEntries = 10_000;

export interface PassOptions {
  signal?: AbortSignal;
  /** Entries read so far. */
  onProgress?: (entries: number) => void;
}

export async function measure(assembly: Assembly, options: PassOptions = {}): Promise<Measured> {
  const result: Measured = {
    statistics: assembly.features.map(emptyStatistics),
    entries: 0,
    rows: { train: 0, validation: 0, test: 0 },
    sources: assembly.sources.map(({ name }) => ({ name, entries: 0, rows: 0, weight: 0 })),
    classes: new Map(),
    blocks: [],
  };
  for (const block of assembly.blocks) {
    const tally = { rows: 0, sum: 0, squares: 0 };
    for await (const rows of rowsOfBlock(assembly, block, chunkEntries)) {
      options.signal?.throwIfAborted();
      add(assembly, result, block, tally, rows);
      options.onProgress?.(result.entries);
    }
    result.blocks.push(tally);
  }
  return result;
}

/** Consecutive entries of a block, cut by cut to rows. */
export function rowsOfBlock({ sources }: Assembly, block: Block, entries: number): AsyncGenerator<Rows> {
  return sources[block.source].rows(block.file, entries, block);
}

function add(
  { features, specification }: Assembly,
  into: Measured,
  block: Block,
  tally: Measured["blocks"][number],
  rows: Rows,
): void {
  const source = into.sources[block.source];
  into.entries += rows.entries;
  source.entries += rows.entries;
  source.rows += rows.rows;
  const training: number[] = [];
  for (let i = 0; i < rows.rows; i++) {
    source.weight += rows.weights[i];
    into.rows[splits[rows.parts[i]]]++;
    if (rows.parts[i] !== 0) continue;
    training.push(i);
    tally.rows++;
    tally.sum += rows.labels[i];
    tally.squares += rows.labels[i] * rows.labels[i];
  }
  if (specification.balance)
    for (const i of training) {
      const key = rows.classes[i];
      const known = into.classes.get(key) ?? { rows: 0, weight: 0 };
      known.rows++;
      known.weight += rows.weights[i];
      into.classes.set(key, known);
    }
  const columns = Object.fromEntries(rows.columns.map((column, i) => [features[i].name, column]));
  const kept = keepEntries({ entries: rows.rows, columns }, Int32Array.from(training));
  for (const [i, { name, scale }] of features.entries())
    addColumn(into.statistics[i], kept.columns[name], scale === "log");
}
