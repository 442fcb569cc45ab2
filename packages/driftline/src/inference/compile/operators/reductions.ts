// Operators that bring the elements of a row together: sums, means, extremes, norms and softmax.

import { type ElementFunction, elementFunctions as functions, rounded } from "../elementFunctions.ts";
import {
  elements,
  type ReduceStatement,
  rowMajor,
  type Storage,
  unsupported,
  type Value,
  type View,
} from "../program.ts";
import type { OnnxNode } from "../readOnnx.ts";
import { applied, forEachIndex, knownNumbers, type Lowering, load, scalar, stored } from "../values.ts";
import { axisOf, numberAttribute, numbersOf, type Operator, required, rowAxis } from "./operator.ts";

type Reduction = ReduceStatement["reduction"];

const starts: Record<Reduction, number> = {
  sum: 0,
  product: 1,
  max: Number.NEGATIVE_INFINITY,
  min: Number.POSITIVE_INFINITY,
};
const joins: Record<Reduction, (a: number, b: number) => number> = {
  sum: (a, b) => a + b,
  product: (a, b) => a * b,
  max: Math.max,
  min: Math.min,
};

/** One number for all elements along the axes; the axes stay as ones. */
function reduced(
  lowering: Lowering,
  node: OnnxNode,
  value: Value,
  axes: number[],
  reduction: Reduction,
): Value {
  const gone = new Set(axes);
  const kept = value.sizes.flatMap((_, d) => (gone.has(d) ? [] : [d]));
  const sizes = value.sizes.map((size, d) => (gone.has(d) ? 1 : size));
  const view = stored(lowering, value);
  const order = [...kept, ...axes];
  const from: View = { ...view, strides: order.map((d) => view.strides[d]) };
  const strides = rowMajor(sizes);
  const keptSizes = kept.map((d) => value.sizes[d]);
  const overSizes = axes.map((d) => value.sizes[d]);
  const known = knownNumbers(value);
  let storage: Storage;
  if (known !== null && from.storage.kind === "constant") {
    const numbers = from.storage.data;
    const data = new Float64Array(elements(sizes)).fill(starts[reduction]);
    const to: View = { ...from, offset: 0, strides: [...kept.map((d) => strides[d]), ...axes.map(() => 0)] };
    forEachIndex([...keptSizes, ...overSizes], [to, from], ([out, at]) => {
      data[out] = rounded(joins[reduction](data[out], numbers[at]), value.dtype);
    });
    storage = { kind: "constant", data, symbolic: known.symbolic };
  } else {
    load(node, from);
    if (value.dtype !== "float32") throw unsupported(node, `of ${value.dtype}, which depends on the row`);
    storage = lowering.allocate(elements(sizes));
    const out: View = { storage, offset: 0, strides: kept.map((d) => strides[d]) };
    lowering.statements.push({
      kind: "reduce",
      reduction,
      sizes: keptSizes,
      over: overSizes,
      out,
      in: from,
    });
  }
  return {
    dtype: value.dtype,
    sizes,
    batch: value.batch,
    view: { storage, offset: 0, strides },
    pending: null,
  };
}

function axesOf(node: OnnxNode, inputs: (Value | undefined)[], value: Value): number[] {
  const given = numbersOf(node, inputs, 1, "axes") ?? [];
  if (given.length === 0) {
    if (numberAttribute(node, "noop_with_empty_axes", 0) === 1) return [];
    if (value.batch !== null) throw unsupported(node, "it works along the batch dimension, across rows");
    return value.sizes.map((_, d) => d);
  }
  return given.map((axis) => rowAxis(node, axis, value)).sort((a, b) => a - b);
}

/** `before` acts on the elements, `after` on the result and the number of elements that it was made from. */
function reduction(
  kind: Reduction,
  before?: ElementFunction,
  after?: (lowering: Lowering, node: OnnxNode, value: Value, count: number) => Value,
): Operator {
  return (lowering, node, inputs) => {
    const value = required(node, inputs, 0);
    const axes = axesOf(node, inputs, value);
    let inner = value;
    if (before !== undefined) {
      stored(lowering, value);
      const args = before === functions.multiply ? [value, value] : [value];
      inner = applied(lowering, node, value.dtype, before, args);
    }
    let result = axes.length === 0 ? inner : reduced(lowering, node, inner, axes, kind);
    const count = axes.reduce((product, d) => product * value.sizes[d], 1);
    if (after !== undefined) result = after(lowering, node, result, count);
    if (numberAttribute(node, "keepdims", 1) === 1 || axes.length === 0) return [result];
    return [without(lowering, result, axes)];
  };
}

function without(lowering: Lowering, value: Value, axes: number[]): Value {
  const view = stored(lowering, value);
  const kept = value.sizes.flatMap((_, d) => (axes.includes(d) ? [] : [d]));
  return {
    dtype: value.dtype,
    sizes: kept.map((d) => value.sizes[d]),
    batch: value.batch === null ? null : kept.indexOf(value.batch),
    view: { ...view, strides: kept.map((d) => view.strides[d]) },
    pending: null,
  };
}

function softmax(takeLogarithm: boolean): Operator {
  return (lowering, node, inputs) => {
    const value = required(node, inputs, 0);
    const rank = value.sizes.length;
    const axis = axisOf(node, numberAttribute(node, "axis", lowering.opset < 13 ? 1 : -1), rank);
    // Until opset 12 all dimensions from the axis on counted as one.
    if (lowering.opset < 13 && axis !== rank - 1)
      throw unsupported(node, "before opset 13 only over the last axis");
    rowAxis(node, axis, value);
    stored(lowering, value);
    const most = reduced(lowering, node, value, [axis], "max");
    const shifted = applied(lowering, node, "float32", functions.subtract, [value, most]);
    if (takeLogarithm) stored(lowering, shifted);
    const powers = applied(lowering, node, "float32", functions.exponential, [shifted]);
    stored(lowering, powers);
    const sum = reduced(lowering, node, powers, [axis], "sum");
    if (!takeLogarithm) return [applied(lowering, node, "float32", functions.divide, [powers, sum])];
    const logarithm = applied(lowering, node, "float32", functions.logarithm, [sum]);
    return [applied(lowering, node, "float32", functions.subtract, [shifted, logarithm])];
  };
}

const divided = (lowering: Lowering, node: OnnxNode, value: Value, count: number) =>
  applied(lowering, node, value.dtype, functions.divide, [value, scalar(count, value.dtype)]);
const root = (lowering: Lowering, node: OnnxNode, value: Value) =>
  applied(lowering, node, value.dtype, functions.squareRoot, [value]);
const logged = (lowering: Lowering, node: OnnxNode, value: Value) =>
  applied(lowering, node, value.dtype, functions.logarithm, [value]);

export const reductions: Record<string, Operator> = {
  LogSoftmax: softmax(true),
  ReduceL1: reduction("sum", functions.absolute),
  ReduceL2: reduction("sum", functions.multiply, root),
  ReduceLogSum: reduction("sum", undefined, logged),
  ReduceMax: reduction("max"),
  ReduceMean: reduction("sum", undefined, divided),
  ReduceMin: reduction("min"),
  ReduceProd: reduction("product"),
  ReduceSum: reduction("sum"),
  ReduceSumSquare: reduction("sum", functions.multiply),
  Softmax: softmax(false),
};
