// Operators that move elements: most are strides and cost nothing, the others copy.

import { elementFunctions } from "../elementFunctions.ts";
import {
  batchStandIn,
  elements,
  rowMajor,
  type Storage,
  unsupported,
  type Value,
  type View,
} from "../program.ts";
import { dtypes, type OnnxNode, type Tensor } from "../readOnnx.ts";
import {
  applied,
  argument,
  broadcastView,
  constant,
  contiguous,
  dimensions,
  forEachIndex,
  knownInput,
  knownNumbers,
  type Lowering,
  stored,
  tensorValue,
} from "../values.ts";
import {
  axisOf,
  listAttribute,
  numberAttribute,
  numbersOf,
  type Operator,
  required,
  rowAxis,
} from "./operator.ts";

function moved(value: Value, view: View, sizes: number[], batch: number | null): Value {
  return { dtype: value.dtype, sizes, batch, view, pending: null };
}

const identity: Operator = (_, node, inputs) => [required(node, inputs, 0)];

const constantNode: Operator = (_, node) => {
  const { attributes } = node;
  const tensor = attributes.get("value");
  if (typeof tensor === "object" && !Array.isArray(tensor)) return [tensorValue(tensor)];
  for (const [name, dtype] of [
    ["value_float", "float32"],
    ["value_int", "int64"],
    ["value_floats", "float32"],
    ["value_ints", "int64"],
  ] as const) {
    const value = attributes.get(name);
    if (typeof value === "number") return [constant(dtype, [], Float64Array.of(value))];
    if (Array.isArray(value)) return [constant(dtype, [value.length], Float64Array.from(value))];
  }
  throw unsupported(node, "its value is neither a tensor nor numbers");
};

const shape: Operator = (_, node, inputs) => {
  const { sizes, batch } = required(node, inputs, 0);
  const all = sizes.map((size, d) => (d === batch ? size * batchStandIn : size));
  const clamp = (at: number) => Math.min(Math.max(at < 0 ? at + all.length : at, 0), all.length);
  const part = all.slice(
    clamp(numberAttribute(node, "start", 0)),
    clamp(numberAttribute(node, "end", all.length)),
  );
  return [constant("int64", [part.length], Float64Array.from(part), batch !== null)];
};

const constantOfShape: Operator = (_, node, inputs) => {
  const target = dimensions(knownInput(node, inputs[0], "shape"));
  const { dtype, data } = (node.attributes.get("value") as Tensor | undefined) ?? {
    dtype: "float32" as const,
    data: Float64Array.of(0),
  };
  const storage: Storage = { kind: "constant", data: Float64Array.of(data[0]), symbolic: false };
  const sizes = target.map(({ size }) => size);
  return [
    {
      dtype,
      sizes,
      batch: batchOf(node, target),
      view: { storage, offset: 0, strides: sizes.map(() => 0) },
      pending: null,
    },
  ];
};

function batchOf(node: OnnxNode, target: { isBatch: boolean }[]): number | null {
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

const range: Operator = (_, node, inputs) => {
  const [start, limit, step] = [0, 1, 2].map((i) => knownInput(node, inputs[i], "bounds")[0]);
  const count = Math.max(0, Math.ceil((limit - start) / step));
  if (count >= batchStandIn / 2) throw unsupported(node, "it counts the rows");
  const data = Float64Array.from({ length: count }, (__, i) => start + i * step);
  return [constant(required(node, inputs, 0).dtype, [count], data)];
};

const cast: Operator = (lowering, node, inputs) => {
  const value = required(node, inputs, 0);
  const dtype = dtypes[numberAttribute(node, "to", 0)];
  if (dtype === undefined) throw unsupported(node, `to ONNX data type ${node.attributes.get("to")}`);
  if (dtype === value.dtype) return [value];
  const known = knownNumbers(value);
  if (known !== null) {
    const isInteger = dtype === "int32" || dtype === "int64";
    const convert =
      dtype === "bool"
        ? (n: number) => Number(n !== 0)
        : dtype === "float32"
          ? Math.fround
          : isInteger
            ? Math.trunc
            : (n: number) => n;
    return [{ ...constant(dtype, value.sizes, known.data.map(convert), known.symbolic), batch: value.batch }];
  }
  if (dtype === "float32" && value.dtype === "bool") {
    // Truth is 1 or 0 already.
    if (lowering.uses(value) > 1) stored(lowering, value);
    return [{ ...value, dtype }];
  }
  if (dtype === "bool" && value.dtype === "float32") {
    return [applied(lowering, node, "bool", elementFunctions.truth, [value])];
  }
  throw unsupported(node, `from ${value.dtype} to ${dtype}, of what depends on the row`);
};

export const moves: Record<string, Operator> = {
  Cast: cast,
  Concat: concat,
  Constant: constantNode,
  ConstantOfShape: constantOfShape,
  Dropout: identity,
  Expand: expand,
  Flatten: flatten,
  Gather: gather,
  Identity: identity,
  Range: range,
  Reshape: reshape,
  Shape: shape,
  Slice: slice,
  Split: split,
  Squeeze: squeeze,
  Transpose: transpose,
  Unsqueeze: unsqueeze,
};
