// Statements as C: the body of a kernel for one row, or for a block of rows that lie side by side.
//
// In a block, element e of row r is at [e * LANES + r]: the innermost loop runs over rows, so that every statement
// vectorises alike. With one row the innermost loop runs over elements. Both do the same operations in the same order
// for every element, so a row's result does not depend on the batch that it is in.

import { floatLiteral, type Tables } from "./literals.ts";
import type {
  Expression,
  MapStatement,
  ProductStatement,
  Program,
  ReduceStatement,
  RowStorage,
  Statement,
  View,
} from "./program.ts";
import { loads, type Slots } from "./slots.ts";

/** Outputs of a dense layer that are computed together. */
const tileWidth = 16;

export interface KernelContext {
  tables: Tables;
  slots: Slots;
  /** Rows side by side: LANES or 1. */
  isBlock: boolean;
}

/** Lines of the kernel's body, indented by two; what they read and write is named features, latent, output, s0… */
export function emitStatements(program: Program, context: KernelContext): string[] {
  return program.statements.flatMap((statement) => emit(statement, context)).map((line) => `  ${line}`);
}

function emit(statement: Statement, context: KernelContext): string[] {
  if (statement.kind === "map") return emitMap(statement, context);
  if (statement.kind === "reduce") return emitReduce(statement, context);
  return emitProduct(statement, context);
}

function nameOf(storage: RowStorage, { slots }: KernelContext): string {
  return storage.role === "scratch" ? `s${slots.slotOf.get(storage)}` : storage.role;
}

interface Loops {
  sizes: number[];
  views: View[];
}

/** Drops dimensions of one and joins neighbours that are one run in every view. */
function joined(sizes: number[], views: View[]): Loops {
  const loops: Loops = { sizes: [], views: views.map((view) => ({ ...view, strides: [] })) };
  for (const [d, size] of sizes.entries()) {
    if (size === 1) continue;
    const isRun =
      loops.sizes.length > 0 &&
      loops.views.every((view, v) => view.strides.at(-1) === views[v].strides[d] * size);
    if (isRun) loops.sizes.push(loops.sizes.pop()! * size);
    else loops.sizes.push(size);
    for (const [v, view] of loops.views.entries()) {
      if (isRun) view.strides.pop();
      view.strides.push(views[v].strides[d]);
    }
  }
  return loops;
}

/** offset + i0 * stride + … as C, in elements of one row. */
function indexText(view: View, variables: string[]): string {
  const terms = view.strides.flatMap((stride, d) =>
    stride === 0 ? [] : [stride === 1 ? variables[d] : `${variables[d]} * ${stride}`],
  );
  if (view.offset !== 0 || terms.length === 0) terms.push(String(view.offset));
  return terms.join(" + ");
}

/** An element of a view; in a block, that of row r. */
function elementText(view: View, variables: string[], context: KernelContext, flat = false): string {
  const { storage } = view;
  if (storage.kind === "constant") {
    const used = constantPart(view, context, flat ? [] : variables);
    return used;
  }
  const name = nameOf(storage, context);
  if (!context.isBlock) return `${name}[${indexText(view, variables)}]`;
  if (flat) return `${name}[${view.offset === 0 ? "e" : `${view.offset} * LANES + e`}]`;
  return `${name}[${scaled(indexText(view, variables))} + r]`;
}

/** An index in elements as one in floats of a block. */
function scaled(index: string): string {
  return index.includes(" + ") ? `(${index}) * LANES` : `${index} * LANES`;
}

function constantPart(view: View, context: KernelContext, variables: string[]): string {
  if (view.storage.kind !== "constant") throw new TypeError("not a constant");
  const { data } = view.storage;
  const first = data[view.offset];
  if (view.strides.every((stride) => stride === 0)) return floatLiteral(first);
  return `${context.tables.nameOf(data)}[${indexText(view, variables)}]`;
}

/** A view of constants with nothing in its storage that it does not read, so that tables are as small as they can be. */
function trimmed(view: View, sizes: number[]): View {
  if (view.storage.kind !== "constant") return view;
  const ends = view.strides.map((stride, d) => stride * (sizes[d] - 1));
  const low = view.offset + ends.reduce((sum, end) => sum + Math.min(end, 0), 0);
  const high = view.offset + ends.reduce((sum, end) => sum + Math.max(end, 0), 0);
  const data = view.storage.data.slice(low, high + 1);
  if (data.every((value) => Object.is(value, data[0]))) {
    return { storage: { ...view.storage, data: data.slice(0, 1) }, offset: 0, strides: sizes.map(() => 0) };
  }
  return { ...view, storage: { ...view.storage, data }, offset: view.offset - low };
}

function loopLines(sizes: number[], variables: string[], body: string[]): string[] {
  const lines: string[] = [];
  for (const [d, size] of sizes.entries()) {
    const variable = variables[d];
    lines.push(
      `${"  ".repeat(d)}for (int ${variable} = 0; ${variable} < ${size}; ${variable}++)${
        d === sizes.length - 1 ? " {" : ""
      }`,
    );
  }
  if (sizes.length === 0) return ["{", ...body.map((line) => `  ${line}`), "}"];
  const indent = "  ".repeat(sizes.length);
  return [...lines, ...body.map((line) => indent + line), `${"  ".repeat(sizes.length - 1)}}`];
}

function variablesFor(count: number): string[] {
  return Array.from({ length: count }, (_, d) => `i${d}`);
}

function emitMap(statement: MapStatement, context: KernelContext): string[] {
  const given = [statement.out, ...loads(statement.value)].map((view) => trimmed(view, statement.sizes));
  const { sizes, views } = joined(statement.sizes, given);
  const isFlat =
    context.isBlock &&
    sizes.length <= 1 &&
    views.every((view) =>
      view.storage.kind === "rows" ? (view.strides[0] ?? 1) === 1 : (view.strides[0] ?? 0) === 0,
    );
  const variables = variablesFor(sizes.length);
  const [out, ...operands] = views;
  const temporaries: string[] = [];
  const textOf = (expression: Expression): string => {
    if (expression.kind === "number") return floatLiteral(expression.value);
    if (expression.kind === "load") return elementText(operands.shift()!, variables, context, isFlat);
    const args = expression.arguments.map(textOf);
    const name = `t${temporaries.length}`;
    temporaries.push(`const float ${name} = ${expression.function.c(args)};`);
    return name;
  };
  const value = textOf(statement.value);
  const body = [...temporaries, `${elementText(out, variables, context, isFlat)} = ${value};`];
  if (isFlat) return loopLines([(sizes[0] ?? 1) * lanes(context)], ["e"], body);
  if (!context.isBlock) return loopLines(sizes, variables, body);
  return loopLines([...sizes, lanes(context)], [...variables, "r"], body);
}

/** Rows of a block; fixed, so that the compiler knows how often a loop runs. */
export const blockRows = 16;

function lanes(context: KernelContext): number {
  return context.isBlock ? blockRows : 1;
}

const reductionSteps: Record<ReduceStatement["reduction"], { start: string; step: string }> = {
  sum: { start: "0.0f", step: "a[r] + v" },
  product: { start: "1.0f", step: "a[r] * v" },
  max: { start: "-INFINITY", step: "v > a[r] || v != v ? v : a[r]" },
  min: { start: "INFINITY", step: "v < a[r] || v != v ? v : a[r]" },
};

function emitReduce(statement: ReduceStatement, context: KernelContext): string[] {
  const { sizes: keptSizes, over, reduction } = statement;
  const { start, step } = reductionSteps[reduction];
  const kept = variablesFor(keptSizes.length);
  const inner = over.map((_, d) => `j${d}`);
  const rows = context.isBlock ? "for (int r = 0; r < LANES; r++) " : "";
  const name = (text: string) => (context.isBlock ? text : text.replaceAll("a[r]", "a"));
  const body = [
    context.isBlock ? "float a[LANES];" : "float a;",
    name(`${rows}a[r] = ${start};`),
    ...loopLines(over, inner, [
      `${rows}{`,
      `  const float v = ${elementText(statement.in, [...kept, ...inner], context)};`,
      name(`  a[r] = ${step};`),
      "}",
    ]),
    name(`${rows}${elementText(statement.out, kept, context)} = a[r];`),
  ];
  return loopLines(keptSizes, kept, body);
}

function emitProduct(statement: ProductStatement, context: KernelContext): string[] {
  const { sizes, m, n, k } = statement;
  const [a, b, out] = [statement.a, statement.b, statement.out].map((view) => ({
    outer: { ...view, strides: view.strides.slice(0, -2) },
    first: view.strides.at(-2)!,
    second: view.strides.at(-1)!,
  }));
  const variables = variablesFor(sizes.length);
  const start = ({ outer }: { outer: View }): string => {
    const index = indexText(outer, variables);
    if (outer.storage.kind === "constant") return `${context.tables.nameOf(outer.storage.data)} + ${index}`;
    return `${nameOf(outer.storage, context)} + ${context.isBlock ? scaled(index) : index}`;
  };
  const isFixed = ({ outer }: { outer: View }) =>
    outer.storage.kind === "constant" && outer.strides.every((stride, d) => stride === 0 || sizes[d] === 1);
  const kind = context.isBlock ? "block" : "row";
  if (isFixed(b)) {
    const weights = { view: b.outer, k: b.first, n: b.second };
    const lines = dense(weights, { k, n }, (call) =>
      call(start(a), a.second, start(out), out.second, a.first, out.first),
    );
    return loopLines([...sizes, m], [...variables, "m"], lines);
  }
  if (isFixed(a)) {
    const weights = { view: a.outer, k: a.second, n: a.first };
    const lines = dense(weights, { k, n: m }, (call) =>
      call(start(b), b.first, start(out), out.first, b.second, out.second),
    );
    return loopLines([...sizes, n], [...variables, "m"], lines);
  }
  const isRow = (view: View) => (view.storage.kind === "rows" ? 1 : 0);
  const operands = [
    `${start(a)}, ${a.first}, ${a.second}, ${isRow(a.outer)}`,
    `${start(b)}, ${b.first}, ${b.second}, ${isRow(b.outer)}`,
    `${start(out)}, ${out.first}, ${out.second}`,
  ];
  return loopLines(sizes, variables, [`${kind}_product(fused, ${m}, ${n}, ${k}, ${operands.join(", ")});`]);

  /** A row of numbers times a fixed matrix: calls for the full tiles of its columns, and for the rest. */
  function dense(
    weights: { view: View; k: number; n: number },
    counts: { k: number; n: number },
    write: (
      call: (x: string, xk: number, y: string, yn: number, xm: number, ym: number) => string[],
    ) => string[],
  ): string[] {
    if (weights.view.storage.kind !== "constant") throw new TypeError("not a constant");
    const { data } = weights.view.storage;
    const at = (row: number, column: number) =>
      column < counts.n ? data[weights.view.offset + row * weights.k + column * weights.n] : 0;
    const full = Math.floor(counts.n / tileWidth);
    const rest = counts.n - full * tileWidth;
    const width = Math.ceil(rest / 4) * 4;
    const parts: { first: number; tiles: number; width: number; columns: number }[] = [];
    if (full > 0) parts.push({ first: 0, tiles: full, width: tileWidth, columns: full * tileWidth });
    if (rest > 0) parts.push({ first: full * tileWidth, tiles: 1, width, columns: rest });
    return write((x, xk, y, yn, xm, ym) => {
      const unit = context.isBlock ? " * LANES" : "";
      return parts.map((part) => {
        const packed: number[] = [];
        for (let tile = 0; tile < part.tiles; tile++) {
          for (let row = 0; row < counts.k; row++) {
            for (let j = 0; j < part.width; j++) packed.push(at(row, part.first + tile * part.width + j));
          }
        }
        const table = context.tables.nameOf(packed);
        const from = `${x} + m * ${xm}${unit}`;
        const to = `${y} + (m * ${ym} + ${part.first * yn})${unit}`;
        return `${kind}_dense(fused, ${counts.k}, ${from}, ${xk}, ${part.tiles}, ${part.width}, ${part.columns}, ${table}, ${to}, ${yn});`;
      });
    });
  }
}
