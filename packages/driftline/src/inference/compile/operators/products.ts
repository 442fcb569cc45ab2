// Matrix products: MatMul and Gemm.

import { elementFunctions as functions, rounded } from "../elementFunctions.ts";
import { elements, rowMajor, type Storage, unsupported, type Value, type View } from "../program.ts";
import type { OnnxNode } from "../readOnnx.ts";
import {
  applied,
  broadcastShape,
  broadcastView,
  forEachIndex,
  knownNumbers,
  type Lowering,
  load,
  scalar,
  stored,
} from "../values.ts";
import { numberAttribute, type Operator, required } from "./operator.ts";

/** a [..., m, k] times b [..., k, n]; dimensions before the last two broadcast. */
function product(lowering: Lowering, node: OnnxNode, a: Value, b: Value): Value {
  const [m, k] = a.sizes.slice(-2);
  const [inner, n] = b.sizes.slice(-2);
  const rankA = a.sizes.length;
  const rankB = b.sizes.length;
  if (k !== inner) throw unsupported(node, `${m} × ${k} times ${inner} × ${n}`);
  if (a.batch === rankA - 1 || b.batch === rankB - 2) {
    throw unsupported(node, "it sums over the batch dimension, across rows");
  }
  if ((a.batch === rankA - 2 && b.batch !== null) || (b.batch === rankB - 1 && a.batch !== null)) {
    throw unsupported(node, "it brings different rows together");
  }
  // Dimensions before the matrices; with the batch where it is among them.
  const outer = (value: Value): Value => {
    const sizes = value.sizes.slice(0, -2);
    return {
      ...value,
      sizes,
      batch: value.batch !== null && value.batch < sizes.length ? value.batch : null,
    };
  };
  const shape = broadcastShape(node, [outer(a), outer(b)]);
  const sizes = [...shape.sizes, m, n];
  const rank = sizes.length;
  const batch = shape.batch ?? (a.batch === rankA - 2 ? rank - 2 : b.batch === rankB - 1 ? rank - 1 : null);
  const widened = (value: Value): View => {
    const view = stored(lowering, value);
    const before = broadcastView(
      { ...view, strides: view.strides.slice(0, -2) },
      value.sizes.slice(0, -2),
      shape.sizes,
    );
    return { ...view, strides: [...before.strides, ...view.strides.slice(-2)] };
  };
  const left = widened(a);
  const right = widened(b);
  const strides = rowMajor(sizes);
  let storage: Storage;
  const known = [knownNumbers(a), knownNumbers(b)];
  if (known.every((numbers) => numbers !== null)) {
    const data = multiplied(left, right, shape.sizes, m, n, k);
    storage = { kind: "constant", data, symbolic: known.some(({ symbolic }) => symbolic) };
  } else {
    if (a.dtype !== "float32" || b.dtype !== "float32")
      throw unsupported(node, `of ${a.dtype} and ${b.dtype}`);
    load(node, left);
    load(node, right);
    storage = lowering.allocate(elements(sizes));
    const out: View = { storage, offset: 0, strides };
    lowering.statements.push({ kind: "product", sizes: shape.sizes, m, n, k, a: left, b: right, out });
  }
  return { dtype: a.dtype, sizes, batch, view: { storage, offset: 0, strides }, pending: null };
}

function multiplied(a: View, b: View, outer: number[], m: number, n: number, k: number): Float64Array {
  const sizes = [...outer, m, n, k];
  const rest = outer.map((_, d) => d);
  const [da, db] = [a.strides.length, b.strides.length];
  const left = { ...a, strides: [...rest.map((d) => a.strides[d]), a.strides[da - 2], 0, a.strides[da - 1]] };
  const right = {
    ...b,
    strides: [...rest.map((d) => b.strides[d]), 0, b.strides[db - 1], b.strides[db - 2]],
  };
  const out = { ...a, offset: 0, strides: [...rowMajor([...outer, m, n]), 0] };
  const data = new Float64Array(elements([...outer, m, n]));
  const numbers = (view: View) => (view.storage.kind === "constant" ? view.storage.data : new Float64Array());
  const [x, y] = [numbers(a), numbers(b)];
  forEachIndex(sizes, [out, left, right], ([to, i, j]) => {
    data[to] += x[i] * y[j];
  });
  return data.map((value) => rounded(value, "float32"));
}

const matMul: Operator = (lowering, node, inputs) => {
  const a = required(node, inputs, 0);
  const b = required(node, inputs, 1);
  if (a.sizes.length < 2 || b.sizes.length < 2) throw unsupported(node, "of vectors; both must be matrices");
  return [product(lowering, node, a, b)];
};

function transposed(lowering: Lowering, value: Value): Value {
  const view = stored(lowering, value);
  return {
    ...value,
    sizes: value.sizes.toReversed(),
    batch: value.batch === null ? null : 1 - value.batch,
    view: { ...view, strides: view.strides.toReversed() },
    pending: null,
  };
}

/** alpha · a b + beta · c */
const gemm: Operator = (lowering, node, inputs) => {
  let a = required(node, inputs, 0);
  let b = required(node, inputs, 1);
  if (a.sizes.length !== 2 || b.sizes.length !== 2) throw unsupported(node, "its operands are no matrices");
  if (numberAttribute(node, "transA", 0) === 1) a = transposed(lowering, a);
  if (numberAttribute(node, "transB", 0) === 1) b = transposed(lowering, b);
  const alpha = numberAttribute(node, "alpha", 1);
  const beta = numberAttribute(node, "beta", 1);
  let result = product(lowering, node, a, b);
  if (alpha !== 1) result = applied(lowering, node, "float32", functions.multiply, [result, scalar(alpha)]);
  const c = inputs[2];
  if (c === undefined || beta === 0) return [result];
  const scaled = beta === 1 ? c : applied(lowering, node, "float32", functions.multiply, [c, scalar(beta)]);
  return [applied(lowering, node, "float32", functions.add, [result, scaled])];
};

export const products: Record<string, Operator> = { Gemm: gemm, MatMul: matMul };
