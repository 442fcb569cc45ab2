// Values of the graph: constants, what is stored, what is still to be computed; and how shapes broadcast.

import { type ElementFunction, rounded } from "./elementFunctions.ts";
import {
  batchStandIn,
  type ConstantStorage,
  type Expression,
  elements,
  type RowStorage,
  rowMajor,
  type Statement,
  unsupported,
  type Value,
  type View,
} from "./program.ts";
import type { Dtype, OnnxNode, Tensor } from "./readOnnx.ts";

/** What lowering collects. */
export interface Lowering {
  opset: number;
  statements: Statement[];
  /** How many nodes read the value. */
  uses(value: Value): number;
  allocate(count: number): RowStorage;
}

export function constant(dtype: Dtype, shape: number[], data: Float64Array, symbolic = false): Value {
  const view: View = { storage: { kind: "constant", data, symbolic }, offset: 0, strides: rowMajor(shape) };
  return { dtype, sizes: shape, batch: null, view, pending: null };
}

export function scalar(value: number, dtype: Dtype = "float32"): Value {
  return constant(dtype, [], Float64Array.of(rounded(value, dtype)));
}

export function tensorValue(tensor: Tensor): Value {
  return constant(tensor.dtype, tensor.shape, tensor.data);
}

/** The numbers of a value that are known now, row-major; null where they depend on the row. */
export function knownNumbers(value: Value): { data: Float64Array; symbolic: boolean } | null {
  const { view } = value;
  if (view?.storage.kind !== "constant") return null;
  const data = new Float64Array(elements(value.sizes));
  let at = 0;
  forEachIndex(value.sizes, [view], ([index]) => {
    data[at++] = (view.storage as ConstantStorage).data[index];
  });
  // A part of a shape that holds no number of rows is as good as any constant.
  const symbolic = view.storage.symbolic && (value.dtype === "float32" || data.some((n) => n >= 2 ** 26));
  return { data, symbolic };
}

/** Numbers of an input that must be known now, such as axes and shapes. */
export function knownInput(node: OnnxNode, value: Value | undefined, what: string): number[] {
  const known = value === undefined ? null : knownNumbers(value);
  if (known === null) throw unsupported(node, `its ${what} must be constant`);
  return [...known.data];
}

/** Calls with the element index in every view, in row-major order of `sizes`. */
export function forEachIndex(sizes: number[], views: View[], call: (indices: number[]) => void): void {
  const counter = sizes.map(() => 0);
  const indices = views.map((view) => view.offset);
  const count = elements(sizes);
  for (let i = 0; i < count; i++) {
    call(indices);
    for (let d = sizes.length - 1; d >= 0; d--) {
      counter[d]++;
      views.forEach((view, v) => {
        indices[v] += view.strides[d];
      });
      if (counter[d] < sizes[d]) break;
      views.forEach((view, v) => {
        indices[v] -= view.strides[d] * sizes[d];
      });
      counter[d] = 0;
    }
  }
}

/** A value's elements in memory: computed now if that was put off. */
export function stored(lowering: Lowering, value: Value): View {
  if (value.view === null) {
    const out = {
      storage: lowering.allocate(elements(value.sizes)),
      offset: 0,
      strides: rowMajor(value.sizes),
    };
    lowering.statements.push({ kind: "map", sizes: value.sizes, out, value: value.pending! });
    value.view = out;
    value.pending = null;
  }
  return value.view;
}

/** The same elements in row-major order without gaps, copied if need be. */
export function contiguous(lowering: Lowering, node: OnnxNode, value: Value): View {
  const view = stored(lowering, value);
  const due = rowMajor(value.sizes);
  if (value.sizes.every((size, d) => size === 1 || view.strides[d] === due[d])) {
    return { ...view, strides: due };
  }
  const known = knownNumbers(value);
  if (known !== null) {
    return { storage: { kind: "constant", ...known }, offset: 0, strides: due };
  }
  const out = { storage: lowering.allocate(elements(value.sizes)), offset: 0, strides: due };
  lowering.statements.push({ kind: "map", sizes: value.sizes, out, value: load(node, view) });
  return out;
}

/** Reading from a view in a statement: of numbers that depend on how many rows there are, none can be read. */
export function load(node: OnnxNode, view: View): Expression {
  if (view.storage.kind === "constant" && view.storage.symbolic) {
    throw unsupported(node, "it computes with the number of rows");
  }
  return { kind: "load", view };
}

/** The shape that values broadcast to together, NumPy's rule. */
export function broadcastShape(node: OnnxNode, values: Value[]): { sizes: number[]; batch: number | null } {
  const rank = Math.max(...values.map((value) => value.sizes.length));
  const batches = new Set(
    values.flatMap(({ batch, sizes }) => (batch === null ? [] : [rank - sizes.length + batch])),
  );
  if (batches.size > 1) throw unsupported(node, "it brings different rows together");
  const [batch = null] = batches;
  const sizes = Array.from({ length: rank }, (_, d) => {
    const found = values.map((value) => {
      const own = d - (rank - value.sizes.length);
      const size = own < 0 ? 1 : value.sizes[own];
      if (d === batch && value.batch === null && size !== 1) {
        throw unsupported(node, "it gives every row a number of its own");
      }
      return size;
    });
    const most = found.includes(0) ? 0 : Math.max(...found);
    if (found.some((size) => size !== most && size !== 1)) {
      throw unsupported(node, `shapes do not broadcast: ${values.map((v) => `[${v.sizes}]`).join(", ")}`);
    }
    return most;
  });
  return { sizes, batch };
}

/** A view as one of a shape that it broadcasts to. */
export function broadcastView(view: View, from: number[], to: number[]): View {
  const more = to.length - from.length;
  const strides = to.map((_, d) => (d < more || from[d - more] === 1 ? 0 : view.strides[d - more]));
  return { ...view, strides };
}

/** A function applied to every element of values that broadcast together. */
export function applied(
  lowering: Lowering,
  node: OnnxNode,
  dtype: Dtype,
  apply: ElementFunction,
  values: Value[],
): Value {
  const { sizes, batch } = broadcastShape(node, values);
  const computedAs = values.at(-1)!.dtype;
  const known = values.map(knownNumbers);
  if (known.every((numbers) => numbers !== null)) {
    const views = values.map((value) => broadcastView(value.view!, value.sizes, sizes));
    const data = new Float64Array(elements(sizes));
    let at = 0;
    forEachIndex(sizes, views, (indices) => {
      const args = indices.map((index, i) => (views[i].storage as ConstantStorage).data[index]);
      data[at++] = rounded(apply.compute(args, computedAs), dtype);
    });
    const symbolic = known.some((numbers) => numbers.symbolic);
    return { ...constant(dtype, sizes, data, symbolic), batch };
  }
  for (const value of [{ dtype }, ...values]) {
    if (value.dtype !== "float32" && value.dtype !== "bool") {
      throw unsupported(node, `it computes in ${value.dtype} with what depends on the row`);
    }
  }
  const args = values.map((value) => argument(lowering, node, value, sizes));
  const pending: Expression = { kind: "apply", function: apply, arguments: args };
  return { dtype, sizes, batch, view: null, pending };
}

/** A value within an expression over `sizes`: put in whole where nobody else needs it, else read from memory. */
export function argument(lowering: Lowering, node: OnnxNode, value: Value, sizes: number[]): Expression {
  if (
    value.pending !== null &&
    lowering.uses(value) === 1 &&
    elements(value.sizes) === elements(sizes) &&
    depth(value.pending) < 12
  ) {
    return widened(value.pending, value.sizes, sizes);
  }
  return load(node, broadcastView(stored(lowering, value), value.sizes, sizes));
}

/** The compiler reads a nest of any depth, people do not. */
function depth(expression: Expression): number {
  return expression.kind === "apply" ? 1 + Math.max(...expression.arguments.map(depth)) : 0;
}

/** An expression over a shape, as one over the same shape with leading ones. */
function widened(expression: Expression, from: number[], to: number[]): Expression {
  if (expression.kind === "load") return { kind: "load", view: broadcastView(expression.view, from, to) };
  if (expression.kind === "number") return expression;
  return { ...expression, arguments: expression.arguments.map((arg) => widened(arg, from, to)) };
}

/** Dimensions that a graph computed: a multiple of the stand-in is n·batch. */
export function dimensions(numbers: number[]): { size: number; isBatch: boolean }[] {
  return numbers.map((n) =>
    n !== 0 && n % batchStandIn === 0
      ? { size: n / batchStandIn, isBatch: true }
      : { size: n, isBatch: false },
  );
}
