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
  // Loops that run once are left out.
  const kept = statement.sizes.flatMap((size, d) => (size === 1 ? [] : [d]));
  const sizes = kept.map((d) => statement.sizes[d]);
  const without = (view: View): View => {
    const own = view.strides.slice(statement.sizes.length);
    return { ...view, strides: [...kept.map((d) => view.strides[d]), ...own] };
  };
  const out = without(statement.out);
  if (statement.kind === "reduce") {
    return emitReduce({ ...statement, sizes, out, in: without(statement.in) }, context);
  }
  const [a, b] = [without(statement.a), without(statement.b)];
  return emitProduct({ ...statement, sizes, out, a, b }, context);
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
    const first = storage.data[view.offset];
    if (flat || view.strides.every((stride) => stride === 0)) return floatLiteral(first);
    return `${context.tables.nameOf(storage.data)}[${indexText(view, variables)}]`;
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

/** A matrix within a view: the dimensions before its two last are looped over. */
interface Matrix {
  outer: View;
  rowStride: number;
  columnStride: number;
}

function matrixOf(view: View): Matrix {
  const [rowStride, columnStride] = view.strides.slice(-2);
  return { outer: { ...view, strides: view.strides.slice(0, -2) }, rowStride, columnStride };
}

function emitProduct(statement: ProductStatement, context: KernelContext): string[] {
  const { sizes, m, n, k } = statement;
  const [a, b, out] = [statement.a, statement.b, statement.out].map(matrixOf);
  const isFixed = ({ outer }: Matrix) =>
    outer.storage.kind === "constant" && outer.strides.every((stride, d) => stride === 0 || sizes[d] === 1);
  if (isFixed(b)) return emitDense(sizes, { x: a, w: b, y: out, m, n, k }, context);
  // A fixed matrix on the left is one on the right of what is turned over.
  if (isFixed(a))
    return emitDense(sizes, { x: turned(b), w: turned(a), y: turned(out), m: n, n: m, k }, context);
  const variables = variablesFor(sizes.length);
  const operands = [a, b].map(
    (matrix) =>
      `${addressText(matrix.outer, variables, context)}, ${matrix.rowStride}, ${matrix.columnStride}, ${matrix.outer.storage.kind === "rows" ? 1 : 0}`,
  );
  const to = `${addressText(out.outer, variables, context)}, ${out.rowStride}, ${out.columnStride}`;
  const kind = context.isBlock ? "block" : "row";
  const call = `${kind}_product(fused, ${m}, ${n}, ${k}, ${operands.join(", ")}, ${to});`;
  return sizes.length === 0 ? [call] : loopLines(sizes, variables, [call]);
}

function turned({ outer, rowStride, columnStride }: Matrix): Matrix {
  return { outer, rowStride: columnStride, columnStride: rowStride };
}

/** Where a view begins, as C. */
function addressText(view: View, variables: string[], context: KernelContext): string {
  const index = indexText(view, variables);
  const name =
    view.storage.kind === "constant"
      ? context.tables.nameOf(view.storage.data)
      : nameOf(view.storage, context);
  if (index === "0") return name;
  return `${name} + ${context.isBlock && view.storage.kind === "rows" ? scaled(index) : index}`;
}

/** y = x w with a fixed w [k, n]: for each row of x a call for the full tiles of columns, and one for the rest. */
function emitDense(
  sizes: number[],
  { x, w, y, m, n, k }: { x: Matrix; w: Matrix; y: Matrix; m: number; n: number; k: number },
  context: KernelContext,
): string[] {
  const { storage, offset } = w.outer;
  if (storage.kind !== "constant") throw new TypeError("the matrix is not fixed");
  const at = (row: number, column: number) =>
    column < n ? storage.data[offset + row * w.rowStride + column * w.columnStride] : 0;
  const full = Math.floor(n / tileWidth);
  const rest = n - full * tileWidth;
  const parts = [
    { first: 0, tiles: full, width: tileWidth, columns: full * tileWidth },
    { first: full * tileWidth, tiles: 1, width: Math.ceil(rest / 4) * 4, columns: rest },
  ].filter(({ columns }) => columns > 0);
  const variables = [...variablesFor(sizes.length), "m"];
  const ofRow = ({ outer, rowStride }: Matrix, first: number): View => ({
    ...outer,
    offset: outer.offset + first,
    strides: [...outer.strides, m === 1 ? 0 : rowStride],
  });
  const calls = parts.map((part) => {
    const packed: number[] = [];
    for (let tile = 0; tile < part.tiles; tile++) {
      for (let row = 0; row < k; row++) {
        for (let j = 0; j < part.width; j++) packed.push(at(row, part.first + tile * part.width + j));
      }
    }
    const from = addressText(ofRow(x, 0), variables, context);
    const to = addressText(ofRow(y, part.first * y.columnStride), variables, context);
    const counts = `${part.tiles}, ${part.width}, ${part.columns}`;
    return `${context.isBlock ? "block" : "row"}_dense(fused, ${k}, ${from}, ${x.columnStride}, ${counts}, ${context.tables.nameOf(packed)}, ${to}, ${y.columnStride});`;
  });
  if (m > 1) return loopLines([...sizes, m], variables, calls);
  return sizes.length === 0 ? calls : loopLines(sizes, variables, calls);
}
