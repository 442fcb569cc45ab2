// Expressions for new columns and cuts: compiled once, then worked out chunk by chunk in loops over typed arrays.

import { type Column, concat, type Shape } from "@driftline/rootio";
import { fail } from "../../errors/registry.ts";
import { build } from "./build.ts";
import { keepEntries } from "./keep.ts";
import { load, shapeOf, toColumn } from "./load.ts";
import { parse } from "./parse.ts";
import { problem, type Source, type Span } from "./problem.ts";
import { resolve, type Scope } from "./scope.ts";
import { maximalItems, type State, TooManyItems } from "./state.ts";
import { type Axis, describe } from "./types.ts";
import { onlyFlags } from "./values.ts";

export { keepEntries, type Scope };

/** What expressions read of a chunk of entries. */
export interface ChunkColumns {
  /** Number of the first entry within the table, for messages; 0 where it is left out. */
  start?: number;
  entries: number;
  columns: Record<string, Column>;
}

export interface Expression {
  text: string;
  /** Columns that must be in the chunk. */
  reads: string[];
  /** Depth 0: one value an entry, 1: a list. */
  type: { kind: "number" | "bool" | "string"; depth: number };
  shape: Shape;
  /** What the lists belong to, for a scope in which the result is a column. */
  lists: Axis[];
  /** Throws `invalid_expression` where lists of one entry differ in length or there are too many combinations. */
  evaluate(chunk: ChunkColumns): Column;
}

export interface Definitions {
  /** The columns that there were and the new ones. */
  scope: Scope;
  /** Columns that must be in the chunk, without the new ones. */
  reads: string[];
  /** The chunk with the new columns. */
  apply<C extends ChunkColumns>(chunk: C): C;
}

export interface Cut {
  text: string;
  reads: string[];
  /** Numbers of the entries that pass, ascending. */
  select(chunk: ChunkColumns): Int32Array<ArrayBuffer>;
}

interface Options {
  /** The option or field that the text was given in, for messages. */
  field?: string;
}

/** Entries worked on at once: temporary arrays stay in the cache, and the combinations of loops in memory. */
const blockEntries = 16_384;
const loopEntries = 1_024;

/** Compiles an expression for columns of these shapes. Throws `invalid_expression`. */
export function compileExpression(text: string, scope: Scope, options: Options = {}): Expression {
  const source: Source = { text, field: options.field };
  const tree = parse(source, (name) => resolve(name, scope) !== null);
  const { node, reads, loops } = build(source, tree, scope);
  const { kind, axes } = node.type;
  if (kind === "vector")
    throw problem(
      source,
      node.span,
      `The result is ${describe(node.type)}, not a column.`,
      "Take a component of it: pt(…), eta(…), phi(…), mass(…).",
    );
  const path = tree.is === "name" ? resolve(tree.name, scope) : null;
  const whole = path !== null && path.fields.length === 0 && reads.length === 1 ? path.column : null;
  const wholeShape = whole === null ? null : scope.columns.get(whole)!;
  // A column by its name alone is passed on as it is, 64-bit integers too.
  const asItIs = wholeShape !== null && !hasOptional(wholeShape);
  const shape = asItIs ? wholeShape : shapeOf(node.type);
  const part = ({ columns, start = 0 }: ChunkColumns, from: number, to: number): Column => {
    const state: State = { columns, from, to, first: start + from, frames: new Map(), results: new Map() };
    return toColumn(node.run(state), shape, to - from);
  };
  const step = loops ? loopEntries : blockEntries;
  return {
    text,
    reads,
    type: { kind, depth: axes.length },
    shape,
    lists: axes,
    evaluate: (chunk) => {
      if (asItIs) return chunk.columns[whole!];
      const { entries, start = 0 } = chunk;
      const parts: Column[] = [];
      const evaluate = (from: number, to: number): void => {
        try {
          parts.push(part(chunk, from, to));
        } catch (error) {
          if (!(error instanceof TooManyItems)) throw error;
          if (to - from <= 1) throw tooMany(source, node.span, start + from, error);
          const middle = (from + to) >> 1;
          evaluate(from, middle);
          evaluate(middle, to);
        }
      };
      for (let from = 0; from === 0 || from < entries; from += step)
        evaluate(from, Math.min(from + step, entries));
      return concat(parts, shape);
    },
  };
}

function tooMany(source: Source, span: Span, entry: number, { message }: TooManyItems) {
  return problem(
    source,
    span,
    `Entry ${entry} has ${message}, more than the ${maximalItems} that are held at once.`,
    "Define columns of selected objects first (good_pt: Jet_pt[Jet_pt > 30], good_eta: …), and combine those: for i < j in good_pt.",
  );
}

function hasOptional(shape: Shape): boolean {
  return shape.kind === "optional" || (shape.kind === "list" && hasOptional(shape.content));
}

/** New columns in order, each may use those before it. Throws `invalid_expression`. */
export function compileDefinitions(
  definitions: Record<string, string>,
  scope: Scope,
  options: Options = {},
): Definitions {
  const columns = new Map(scope.columns);
  const lists = new Map(scope.lists);
  const extended: Scope = { columns, lists };
  const reads = new Set<string>();
  const expressions: [string, Expression][] = [];
  for (const [name, text] of Object.entries(definitions)) {
    const field = options.field === undefined ? name : `${options.field}.${name}`;
    if (columns.has(name))
      throw fail("invalid_expression", `cannot define \`${name}\`: there is a column of that name already`, {
        field,
        remedy: "Give the new column another name.",
      });
    const expression = compileExpression(text, extended, { field });
    for (const read of expression.reads) if (scope.columns.has(read)) reads.add(read);
    columns.set(name, expression.shape);
    lists.set(name, expression.lists);
    expressions.push([name, expression]);
  }
  return {
    scope: extended,
    reads: [...reads],
    apply: (chunk) => {
      const all = { ...chunk.columns };
      for (const [name, expression] of expressions)
        all[name] = expression.evaluate({ ...chunk, columns: all });
      return { ...chunk, columns: all };
    },
  };
}

/** A condition on entries: one value an entry, true or false. Throws `invalid_expression`. */
export function compileCut(text: string, scope: Scope, options: Options = {}): Cut {
  const expression = compileExpression(text, scope, options);
  const { kind, depth } = expression.type;
  const source: Source = { text, field: options.field };
  const refuse = (what: string, remedy: string) =>
    problem(source, { start: 0, end: text.length }, what, remedy);
  if (kind !== "bool")
    throw refuse(
      `A cut is true or false; this is ${describe({ kind, axes: expression.lists })}.`,
      "Write a comparison, as MET_pt > 25.",
    );
  if (depth > 0)
    throw refuse(
      "A cut has one value an entry; this one has a list of them.",
      "Say which objects must pass: any(…), all(…), or sum(…) >= 2.",
    );
  return {
    text,
    reads: expression.reads,
    select: (chunk) => {
      const flags = onlyFlags(load(expression.evaluate(chunk), [], 0, chunk.entries));
      let count = 0;
      for (let i = 0; i < flags.length; i++) count += flags[i];
      const kept = new Int32Array(count);
      for (let i = 0, at = 0; i < flags.length; i++) if (flags[i]) kept[at++] = i;
      return kept;
    },
  };
}
