// Files seen as one table: columns and new ones, of the entries that pass a cut. For looking, plotting and converting.

import { type Column, itemOf, type Shape } from "@driftline/rootio";
import { type DriftlineError, fail } from "../../errors/registry.ts";
import { nearestName } from "../../family/nearestName.ts";
import {
  compileCut,
  compileDefinitions,
  compileExpression,
  type Expression,
  keepEntries,
} from "../expressions/compile.ts";
import { globPattern, isGlob } from "../features/selectFeatures.ts";
import { findFiles } from "../sources/locations.ts";
import { type ManyTables, openTables } from "../sources/openMany.ts";
import type { Table } from "../sources/table.ts";

export interface ViewOptions {
  files: string[];
  tree?: string;
  define?: Record<string, string>;
  cut?: string;
  /** Names and globs of columns; all that can be read by default. */
  columns?: string[];
  /** Expressions that are evaluated beside them. */
  expressions?: string[];
  signal?: AbortSignal;
}

export interface View {
  table: Table;
  /** Null where only reading tells. */
  entries: number | null;
  columns: { name: string; shape: Shape }[];
  expressions: Expression[];
  chunks(entries: number): AsyncGenerator<ViewChunk>;
  close(): Promise<void>;
}

export interface ViewChunk {
  /** Entries read, and those of them that passed. */
  read: number;
  entries: number;
  columns: Record<string, Column>;
  /** Of each expression. */
  values: Column[];
}

export async function openView(options: ViewOptions): Promise<View> {
  const { files, tree, signal } = options;
  const table = await openTables(await findFiles(files, { signal }), { tree, signal });
  try {
    return { ...viewOf(table, options), table, close: () => table.close() };
  } catch (error) {
    await table.close();
    throw error;
  }
}

function viewOf(table: ManyTables, { define = {}, cut, columns, expressions = [], signal }: ViewOptions) {
  const shapes = new Map(table.columns.flatMap(({ name, shape }) => (shape ? [[name, shape] as const] : [])));
  const definitions = compileDefinitions(define, { columns: shapes });
  const filter = cut === undefined ? null : compileCut(cut, definitions.scope, { field: "--cut" });
  const evaluated = expressions.map((text) => compileExpression(text, definitions.scope));
  const names = columns
    ? select(columns, table, definitions.scope.columns)
    : [...definitions.scope.columns.keys()];
  const reads = [
    ...new Set(
      [
        names.filter((name) => !Object.hasOwn(define, name)),
        definitions.reads,
        filter?.reads ?? [],
        ...evaluated.map((expression) => expression.reads),
      ].flat(),
    ),
  ].filter((name) => !Object.hasOwn(define, name));
  return {
    entries: table.entries,
    columns: names.map((name) => ({ name, shape: definitions.scope.columns.get(name)! })),
    expressions: evaluated,
    async *chunks(size: number): AsyncGenerator<ViewChunk> {
      for await (const chunk of table.chunks(reads, size)) {
        signal?.throwIfAborted();
        const whole = definitions.apply(chunk);
        const kept = filter ? keepEntries(whole, filter.select(whole)) : whole;
        yield {
          read: chunk.entries,
          entries: kept.entries,
          columns: Object.fromEntries(names.map((name) => [name, kept.columns[name]])),
          values: evaluated.map((expression) => expression.evaluate(kept)),
        };
      }
    },
  };
}

function select(wanted: string[], table: Table, shapes: ReadonlyMap<string, Shape>): string[] {
  const selected = new Set<string>();
  for (const text of wanted) {
    if (shapes.has(text)) {
      selected.add(text);
      continue;
    }
    const problem = table.columns.find(({ name }) => name === text)?.problem;
    const matches = isGlob(text) ? [...shapes.keys()].filter((name) => globPattern(text).test(name)) : [];
    if (matches.length === 0) throw noColumn(text, problem ?? null, table, shapes);
    for (const name of matches) selected.add(name);
  }
  return [...selected];
}

function noColumn(
  text: string,
  problem: string | null,
  table: Table,
  shapes: ReadonlyMap<string, Shape>,
): DriftlineError {
  const nearest = nearestName(text, [...shapes.keys()]);
  const what = problem ? `${text} ${problem}` : `there is no ${table.word} ${JSON.stringify(text)}`;
  return fail("invalid_data", `Reading ${table.location}, ${table.holder}: ${what}.`, {
    field: "--columns",
    remedy: nearest ? `Did you mean ${nearest}?` : "`driftline data inspect` lists what there is.",
  });
}

/** One entry of a chunk as plain values. */
export function entryOf({ columns }: Pick<ViewChunk, "columns">, i: number): Record<string, unknown> {
  return Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, itemOf(column, i)]));
}
