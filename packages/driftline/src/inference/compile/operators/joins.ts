// Operators that copy elements into a new order: Concat and Gather.

import { elements, rowMajor, type Storage, unsupported, type Value, type View } from "../program.ts";
import type { OnnxNode } from "../readOnnx.ts";
import { argument, forEachIndex, knownInput, knownNumbers, type Lowering, stored } from "../values.ts";
import { moved } from "./moves.ts";
import { axisOf, numberAttribute, type Operator, required, rowAxis } from "./operator.ts";

const concat: Operator = (lowering, node, inputs) => {
  const values = inputs.map((_, i) => required(node, inputs, i));
  const [first] = values;
  const batch = values.find((value) => value.batch !== null)?.batch ?? null;
  const axis = axisOf(node, numberAttribute(node, "axis", 0), first.sizes.length);
  if (axis === batch) throw unsupported(node, "it works along the batch dimension, across rows");
  for (const value of values) {
    if (
      value.batch !== batch ||
      value.sizes.length !== first.sizes.length ||
      value.sizes.some((n, d) => d !== axis && n !== first.sizes[d])
    ) {
      throw unsupported(node, `shapes do not fit: ${values.map((v) => `[${v.sizes}]`).join(", ")}`);
    }
  }
  const sizes = first.sizes.with(
    axis,
    values.reduce((sum, value) => sum + value.sizes[axis], 0),
  );
  return [assembled(lowering, node, { dtype: first.dtype, sizes, batch }, axis, values)];
};

/** Values one after the other along an axis, in storage of their own. */
function assembled(
  lowering: Lowering,
  node: OnnxNode,
  result: Pick<Value, "dtype" | "sizes" | "batch">,
  axis: number,
  values: Value[],
): Value {
  const { sizes } = result;
  const strides = rowMajor(sizes);
  const known = values.map(knownNumbers);
  const isKnown = known.every((numbers) => numbers !== null);
  const storage: Storage = isKnown
    ? {
        kind: "constant",
        data: new Float64Array(elements(sizes)),
        symbolic: known.some(({ symbolic }) => symbolic),
      }
    : lowering.allocate(elements(sizes));
  let start = 0;
  for (const value of values) {
    const out: View = { storage, offset: start * strides[axis], strides };
    if (storage.kind === "constant") {
      const from = value.view!;
      forEachIndex(value.sizes, [out, from], ([to, at]) => {
        storage.data[to] = from.storage.kind === "constant" ? from.storage.data[at] : Number.NaN;
      });
    } else if (elements(value.sizes) > 0) {
      const expression = argument(lowering, node, value, value.sizes);
      lowering.statements.push({ kind: "map", sizes: value.sizes, out, value: expression });
    }
    start += value.sizes[axis];
  }
  return { ...result, view: { storage, offset: 0, strides }, pending: null };
}

const gather: Operator = (lowering, node, inputs) => {
  const value = required(node, inputs, 0);
  const axis = rowAxis(node, numberAttribute(node, "axis", 0), value);
  const where = required(node, inputs, 1);
  const n = value.sizes[axis];
  const indices = knownInput(node, where, "indices").map((index) => (index < 0 ? index + n : index));
  if (indices.some((index) => !(index >= 0 && index < n)))
    throw unsupported(node, `an index is not below ${n}`);
  const view = stored(lowering, value);
  const before = value.sizes.slice(0, axis);
  const after = value.sizes.slice(axis + 1);
  const batch =
    value.batch === null ? null : value.batch < axis ? value.batch : value.batch - 1 + where.sizes.length;
  // Indices at even steps are a stride; others are copied run by run.
  const runs = evenRuns(indices);
  const pieces = runs.map(({ start, step, count }) => ({
    dtype: value.dtype,
    sizes: [...before, count, ...after],
    batch: null,
    view: {
      ...view,
      offset: view.offset + start * view.strides[axis],
      strides: view.strides.with(axis, view.strides[axis] * step),
    },
    pending: null,
  }));
  const flat =
    pieces.length === 1
      ? pieces[0]
      : assembled(
          lowering,
          node,
          { dtype: value.dtype, sizes: [...before, indices.length, ...after], batch: null },
          axis,
          pieces,
        );
  const sizes = [...before, ...where.sizes, ...after];
  const inner = rowMajor(where.sizes).map((stride) => stride * flat.view!.strides[axis]);
  const strides = [...flat.view!.strides.slice(0, axis), ...inner, ...flat.view!.strides.slice(axis + 1)];
  return [moved(value, { ...flat.view!, strides }, sizes, batch)];
};

/** Indices as runs with an even step. */
function evenRuns(indices: number[]): { start: number; step: number; count: number }[] {
  const runs: { start: number; step: number; count: number }[] = [];
  for (const index of indices) {
    const last = runs.at(-1);
    if (last !== undefined && last.count === 1) {
      last.step = index - last.start;
      last.count = 2;
    } else if (last !== undefined && index === last.start + last.count * last.step) {
      last.count++;
    } else {
      runs.push({ start: index, step: 1, count: 1 });
    }
  }
  return runs;
}

export const joins: Record<string, Operator> = { Concat: concat, Gather: gather };
