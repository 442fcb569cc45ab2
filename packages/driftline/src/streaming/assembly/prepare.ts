// From a specification to sources that can be read: files found and opened, expressions compiled against their columns,
// features selected. Everything that can be known to be wrong is an error here, before anything long begins.

import { type Column, itemOf, type Shape } from "@driftline/rootio";
import { fail } from "../../errors/registry.ts";
import {
  type Cut,
  compileCut,
  compileDefinitions,
  compileExpression,
  type Definitions,
  type Expression,
  keepEntries,
} from "../expressions/compile.ts";
import { type SelectedFeature, type Selection, selectFeatures } from "../features/selectFeatures.ts";
import type { Specification } from "../features/specification.ts";
import { numbersOf } from "../features/statistics.ts";
import { entryIds, textId } from "../identity.ts";
import { findFiles } from "../sources/locations.ts";
import { type ManyTables, openTables } from "../sources/openMany.ts";
import type { Chunk, Table } from "../sources/table.ts";
import { splitter } from "../split.ts";
import { type Block, blocksOf } from "./blocks.ts";
import type { PreparedSource, Rows, SourceFile } from "./source.ts";

export interface Assembly {
  specification: Specification;
  features: SelectedFeature[];
  leftOut: Selection["leftOut"];
  sources: PreparedSource[];
  /** In the order of sources, files and entries. */
  blocks: Block[];
  entries: number;
  close(): Promise<void>;
}

export interface PrepareOptions {
  /** Where relative paths begin. */
  directory: string;
  signal?: AbortSignal;
}

/** Throws `invalid_specification`, `invalid_expression`, and `invalid_data` for files that cannot be read. */
export async function prepare(specification: Specification, options: PrepareOptions): Promise<Assembly> {
  const opened: ManyTables[] = [];
  const close = async () => {
    await Promise.all(opened.map((tables) => tables.close()));
  };
  try {
    const sources: PreparedSource[] = [];
    const blocks: Block[] = [];
    let selection: Selection | null = null;
    for (const [place, [name, source]] of Object.entries(specification.sources).entries()) {
      const { directory: folder, signal } = options;
      const locations = await findFiles([source.files].flat(), { folder, signal });
      const tables = await openTables(locations, { tree: source.tree, signal });
      opened.push(tables);
      const compiled = compile(specification, name, place, tables);
      if (selection) checkAgainst(selection.features, compiled.selection.features, name);
      selection ??= compiled.selection;
      const { reads, rowsOf } = compiled;
      const files: SourceFile[] = [];
      for (const [i, { location, fingerprint, entries: known }] of tables.files.entries()) {
        const entries = known ?? (await countEntries(tables, i, reads, signal));
        files.push({ location, entries, fingerprint });
        blocks.push(...blocksOf(place, i, entries, await tables.boundariesOf(i, reads)));
      }
      sources.push({
        name,
        files,
        async *rows(file, entries, range) {
          for await (const chunk of tables.chunksOf(file, reads, entries, range))
            yield rowsOf(chunk, files[file]);
        },
      });
    }
    const entries = blocks.reduce((sum, { start, stop }) => sum + stop - start, 0);
    if (entries === 0)
      throw fail("invalid_data", "Preparing a dataset: the files have no entries.", {
        field: "sources",
        remedy: "Name files with entries.",
      });
    return { specification, ...selection!, sources, blocks, entries, close };
  } catch (error) {
    await close();
    throw error;
  }
}

interface Compiled {
  selection: Selection;
  reads: string[];
  rowsOf(chunk: Chunk, file: SourceFile): Rows;
}

function compile(specification: Specification, name: string, place: number, table: Table): Compiled {
  const { define, cut, identity, group, balance, split, salt } = specification;
  const source = specification.sources[name];
  const columns = new Map(
    table.columns.flatMap(({ name, shape }) => (shape ? [[name, shape] as const] : [])),
  );
  const definitions: Definitions = compileDefinitions(define, { columns }, { field: "define" });
  const { scope } = definitions;
  const problems = new Map(
    table.columns.flatMap(({ name, problem }) => (problem === null ? [] : [[name, problem] as const])),
  );
  const selection = selectFeatures(specification, scope.columns, new Set(Object.keys(define)), problems);
  const cuts: Cut[] = [];
  if (cut !== undefined) cuts.push(compileCut(cut, scope, { field: "cut" }));
  if (source.cut !== undefined) cuts.push(compileCut(source.cut, scope, { field: `sources.${name}.cut` }));
  const label = specification.label && compileScalar(specification.label, scope, "label");
  const weights: (number | Expression)[] = [];
  if (specification.weight !== undefined) weights.push(compileScalar(specification.weight, scope, "weight"));
  if (typeof source.weight === "number") weights.push(source.weight);
  else if (source.weight !== undefined)
    weights.push(compileScalar(source.weight, scope, `sources.${name}.weight`));
  const bins = typeof balance?.by === "object" ? balance.by : null;
  const binned = bins && compileScalar(bins.expression, scope, "balance.by.expression");
  for (const [field, names] of [
    ["identity", identity],
    ["group", group],
  ] as const)
    for (const column of names ?? []) checkIdentity(field, column, scope.columns);
  const defined = new Set(Object.keys(define));
  const needed = new Set(
    [
      selection.features.map((feature) => feature.name),
      ...cuts.map((one) => one.reads),
      ...[label, binned, ...weights].map((one) => (one && typeof one === "object" ? one.reads : [])),
      identity ?? [],
      group ?? [],
    ].flat(),
  );
  // Of the definitions only those that something needs are made.
  const reads = [...new Set([...[...needed].filter((column) => !defined.has(column)), ...definitions.reads])];
  const partOf = splitter(salt, split);
  const fixedLabel = source.label ?? place;
  const rowsOf = (chunk: Chunk, { fingerprint }: SourceFile): Rows => {
    const whole = definitions.apply(chunk);
    let kept: Int32Array | null = null;
    let left: { entries: number; columns: Record<string, Column> } = whole;
    for (const one of cuts) {
      const passed = one.select(left);
      kept = kept === null ? passed : Int32Array.from(passed, (i) => kept![i]);
      left = keepEntries(left, passed);
    }
    const rows = left.entries;
    const labels = label
      ? Float32Array.from(evaluated(label, left))
      : new Float32Array(rows).fill(fixedLabel);
    const product = new Float32Array(rows).fill(1);
    for (const weight of weights) {
      const values = typeof weight === "number" ? null : evaluated(weight, left);
      for (let i = 0; i < rows; i++) product[i] *= values ? values[i] : (weight as number);
    }
    const ids = identity
      ? BigInt64Array.from(textsOf(identity, left), textId)
      : entryIds(fingerprint, rows, (i) => chunk.start + (kept ? kept[i] : i));
    const deciding = group ? BigInt64Array.from(textsOf(group, left), textId) : ids;
    return {
      entries: chunk.entries,
      rows,
      columns: selection.features.map((feature) => left.columns[feature.name]),
      labels,
      weights: product,
      ids,
      parts: Uint8Array.from(deciding, partOf),
      classes:
        bins && binned
          ? Float64Array.from(evaluated(binned, left), (value) => binOf(value, bins.edges))
          : balance?.by === "source"
            ? new Float64Array(rows).fill(place)
            : Float64Array.from(labels),
    };
  };
  return { selection, reads, rowsOf };
}

function compileScalar(text: string, scope: Definitions["scope"], field: string): Expression {
  const expression = compileExpression(text, scope, { field });
  const { kind, depth } = expression.type;
  if (kind === "string" || depth > 0)
    throw fail(
      "invalid_specification",
      `Preparing a dataset: ${field} is ${depth > 0 ? "a list" : "text"} in each entry: ${text}`,
      {
        field,
        remedy: "Give an expression with one number in each entry; `sum`, `max` and the like reduce lists.",
      },
    );
  return expression;
}

function evaluated(
  expression: Expression,
  chunk: { entries: number; columns: Record<string, Column> },
): ArrayLike<number> & Iterable<number> {
  return numbersOf(expression.evaluate(chunk)) as Float64Array;
}

/** Bin of a value; values beyond the outermost edges are in the outermost bins. NaN has none. */
function binOf(value: number, edges: number[]): number {
  if (Number.isNaN(value)) return Number.NaN;
  let bin = 0;
  while (bin < edges.length - 2 && value >= edges[bin + 1]) bin++;
  return bin;
}

/** The values of the columns in decimal, a line each. */
function textsOf(
  names: string[],
  { entries, columns }: { entries: number; columns: Record<string, Column> },
): string[] {
  return Array.from({ length: entries }, (_, i) =>
    names.map((name) => String(itemOf(columns[name], i))).join("\n"),
  );
}

function checkIdentity(field: string, column: string, shapes: ReadonlyMap<string, Shape>): void {
  const shape = shapes.get(column);
  if (shape && (shape.kind === "number" || shape.kind === "string")) return;
  const problem = shape ? `${column} holds a ${shape.kind} in each entry` : `there is no column ${column}`;
  throw fail("invalid_specification", `Preparing a dataset: ${field}: ${problem}.`, {
    field,
    remedy: "Name columns with one number or one text in each entry.",
  });
}

function checkAgainst(first: SelectedFeature[], own: SelectedFeature[], source: string): void {
  const texts = (features: SelectedFeature[]) =>
    features.map(({ name, list }) => (list ? `${name} (lists)` : name));
  const [a, b] = [texts(first), texts(own)];
  const only = [
    ...a.filter((text) => !b.includes(text)).map((text) => `${text} is not in it`),
    ...b.filter((text) => !a.includes(text)).map((text) => `${text} is in it alone`),
  ];
  if (only.length === 0) return;
  throw fail(
    "invalid_specification",
    `Preparing a dataset: the files of source ${source} have other features than those of the first source: ${only.slice(0, 5).join("; ")}${only.length > 5 ? `; and ${only.length - 5} more` : ""}.`,
    { field: `sources.${source}`, remedy: "Name the features that both have, or `exclude` the others." },
  );
}

async function countEntries(
  tables: ManyTables,
  file: number,
  reads: string[],
  signal?: AbortSignal,
): Promise<number> {
  let entries = 0;
  for await (const chunk of tables.chunksOf(file, reads.slice(0, 1), 65_536)) {
    signal?.throwIfAborted();
    entries += chunk.entries;
  }
  return entries;
}
