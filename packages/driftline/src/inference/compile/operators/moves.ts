import { batchStandIn, elements, rowMajor, unsupported, type Value, type View } from "../program.ts";
import type { OnnxNode } from "../readOnnx.ts";
import { broadcastView, contiguous, dimensions, knownInput, type Lowering, stored } from "../values.ts";
import {
  axisOf,
  listAttribute,
  numberAttribute,
  numbersOf,
  type Operator,
  required,
  rowAxis,
} from "./operator.ts";

export function moved(value: Value, view: View, sizes: number[], batch: number | null): Value {
  return { dtype: value.dtype, sizes, batch, view, pending: null };
}

const identity: Operator = (_, node, inputs) => [required(node, inputs, 0)];

export function batchOf(node: OnnxNode, target: { isBatch: boolean }[]): number | null {
  const found = target.flatMap(({ isBatch }, d) => (isBatch ? [d] : []));
  if (found.length > 1) throw unsupported(node, "its result has the batch dimension twice");
  return found[0] ?? null;
}

const transpose: Operator = (lowering, node, inputs) => {
  const value = required(node, inputs, 0);
  const rank = value.sizes.length;
  const order = listAttribute(node, "perm") ?? Array.from({ length: rank }, (_, d) => rank - 1 - d);
  if ([...order].sort((a, b) => a - b).some((axis, d) => axis !== d) || order.length !== rank) {
    throw unsupported(node, `perm [${order}] for ${rank} dimensions`);
  }
  const view = stored(lowering, value);
  const strides = order.map((axis) => view.strides[axis]);
  const batch = value.batch === null ? null : order.indexOf(value.batch);
  return [
    moved(
      value,
      { ...view, strides },
      order.map((axis) => value.sizes[axis]),
      batch,
    ),
  ];
};

const reshape: Operator = (lowering, node, inputs) => {
  const value = required(node, inputs, 0);
  const asked = listAttribute(node, "shape") ?? knownInput(node, inputs[1], "shape");
  const keepsZero = numberAttribute(node, "allowzero", 0) === 0;
  const target = dimensions(asked).map((dimension, d) =>
    dimension.size === 0 && keepsZero
      ? { size: value.sizes[d], isBatch: d === value.batch }
      : { ...dimension },
  );
  const free = target.find(({ size }) => size === -1);
  if (free !== undefined) {
    const others = target.filter((dimension) => dimension !== free);
    free.size = elements(value.sizes) / elements(others.map(({ size }) => size));
    free.isBatch = value.batch !== null && !others.some(({ isBatch }) => isBatch);
  }
  return [reshaped(lowering, node, value, target)];
};

/** The same elements in the same order under another shape. */
function reshaped(
  lowering: Lowering,
  node: OnnxNode,
  value: Value,
  target: { size: number; isBatch: boolean }[],
): Value {
  const sizes = target.map(({ size }) => size);
  const batch = batchOf(node, target);
  const before = (shape: number[], axis: number | null) => elements(shape.slice(0, axis ?? 0));
  if (
    elements(sizes) !== elements(value.sizes) ||
    (batch === null) !== (value.batch === null) ||
    before(sizes, batch) !== before(value.sizes, value.batch)
  ) {
    throw unsupported(
      node,
      `from [${described(value.sizes, value.batch)}] to [${described(sizes, batch)}] it mixes rows`,
    );
  }
  const view = contiguous(lowering, node, value);
  return moved(value, { ...view, strides: rowMajor(sizes) }, sizes, batch);
}

function described(sizes: number[], batch: number | null): string {
  return sizes.map((size, d) => (d === batch ? (size === 1 ? "batch" : `${size}·batch`) : size)).join(", ");
}

const flatten: Operator = (lowering, node, inputs) => {
  const value = required(node, inputs, 0);
  const axis = numberAttribute(node, "axis", 1);
  const at = axis < 0 ? axis + value.sizes.length : axis;
  const side = (from: number, to: number) => ({
    size: elements(value.sizes.slice(from, to)),
    isBatch: value.batch !== null && value.batch >= from && value.batch < to,
  });
  return [reshaped(lowering, node, value, [side(0, at), side(at, value.sizes.length)])];
};

const squeeze: Operator = (lowering, node, inputs) => {
  const value = required(node, inputs, 0);
  const { sizes, batch } = value;
  const given = numbersOf(node, inputs, 1, "axes");
  const gone = new Set(
    given === undefined
      ? sizes.flatMap((size, d) => (size === 1 && d !== batch ? [d] : []))
      : given.map((axis) => axisOf(node, axis, sizes.length)),
  );
  for (const d of gone) {
    if (sizes[d] !== 1 || d === batch) throw unsupported(node, `dimension ${d} is not 1`);
  }
  const view = stored(lowering, value);
  const kept = sizes.flatMap((_, d) => (gone.has(d) ? [] : [d]));
  return [
    moved(
      value,
      { ...view, strides: kept.map((d) => view.strides[d]) },
      kept.map((d) => sizes[d]),
      batch === null ? null : kept.indexOf(batch),
    ),
  ];
};

const unsqueeze: Operator = (lowering, node, inputs) => {
  const value = required(node, inputs, 0);
  const axes = numbersOf(node, inputs, 1, "axes");
  if (axes === undefined) throw unsupported(node, "its axes are missing");
  const rank = value.sizes.length + axes.length;
  const added = new Set(axes.map((axis) => axisOf(node, axis, rank)));
  const view = stored(lowering, value);
  let next = 0;
  const from = Array.from({ length: rank }, (_, d) => (added.has(d) ? null : next++));
  return [
    moved(
      value,
      { ...view, strides: from.map((d) => (d === null ? 0 : view.strides[d])) },
      from.map((d) => (d === null ? 1 : value.sizes[d])),
      value.batch === null ? null : from.indexOf(value.batch),
    ),
  ];
};

const expand: Operator = (lowering, node, inputs) => {
  const value = required(node, inputs, 0);
  const target = dimensions(knownInput(node, inputs[1], "shape"));
  const rank = Math.max(value.sizes.length, target.length);
  const from = rank - value.sizes.length;
  const dims = Array.from({ length: rank }, (_, d) => {
    const own = d - from;
    const size = own < 0 ? 1 : value.sizes[own];
    const isBatch = own >= 0 && own === value.batch;
    const due = target[d - (rank - target.length)] ?? { size: 1, isBatch: false };
    const fits = due.isBatch
      ? isBatch
        ? due.size === size
        : size === 1
      : due.size === 1 || due.size === size || (size === 1 && !isBatch);
    if (!fits) throw unsupported(node, `[${described(value.sizes, value.batch)}] does not expand so`);
    return { size: Math.max(size, due.size), isBatch: isBatch || due.isBatch };
  });
  const sizes = dims.map(({ size }) => size);
  const view = stored(lowering, value);
  return [moved(value, broadcastView(view, value.sizes, sizes), sizes, batchOf(node, dims))];
};

const slice: Operator = (lowering, node, inputs) => {
  const value = required(node, inputs, 0);
  const starts = numbersOf(node, inputs, 1, "starts") ?? [];
  const ends = numbersOf(node, inputs, 2, "ends") ?? [];
  const axes = numbersOf(node, inputs, 3, "axes") ?? starts.map((_, i) => i);
  const steps = numbersOf(node, inputs, 4, "steps") ?? starts.map(() => 1);
  const view = stored(lowering, value);
  const sizes = [...value.sizes];
  const strides = [...view.strides];
  let { offset } = view;
  for (const [i, axis] of axes.entries()) {
    const d = axisOf(node, axis, sizes.length);
    const step = steps[i];
    if (d === value.batch) {
      // All of it: where the end is the number of rows, or anything beyond.
      if (starts[i] === 0 && step === 1 && ends[i] >= batchStandIn) continue;
      throw unsupported(node, "it takes some of the rows");
    }
    const n = sizes[d];
    const clamped = (at: number, low: number, high: number) =>
      Math.min(Math.max(at < 0 ? at + n : at, low), high);
    const start = step > 0 ? clamped(starts[i], 0, n) : clamped(starts[i], 0, n - 1);
    const end = step > 0 ? clamped(ends[i], 0, n) : clamped(ends[i], -1, n - 1);
    offset += start * strides[d];
    strides[d] *= step;
    sizes[d] = Math.max(0, Math.ceil((end - start) / step));
  }
  return [moved(value, { ...view, offset, strides }, sizes, value.batch)];
};

const split: Operator = (lowering, node, inputs) => {
  const value = required(node, inputs, 0);
  const axis = rowAxis(node, numberAttribute(node, "axis", 0), value);
  const n = value.sizes[axis];
  const parts = node.outputs.length;
  const even = Math.ceil(n / parts);
  const lengths =
    numbersOf(node, inputs, 1, "split") ??
    Array.from({ length: parts }, (_, i) => Math.min(even, n - i * even));
  if (lengths.length !== parts || lengths.reduce((sum, length) => sum + length, 0) !== n) {
    throw unsupported(node, `${n} elements into [${lengths}]`);
  }
  const view = stored(lowering, value);
  let start = 0;
  return lengths.map((length) => {
    const part = { ...view, offset: view.offset + start * view.strides[axis] };
    start += length;
    return moved(value, part, value.sizes.with(axis, length), value.batch);
  });
};

export const moves: Record<string, Operator> = {
  Dropout: identity,
  Expand: expand,
  Flatten: flatten,
  Identity: identity,
  Reshape: reshape,
  Slice: slice,
  Split: split,
  Squeeze: squeeze,
  Transpose: transpose,
  Unsqueeze: unsqueeze,
};
