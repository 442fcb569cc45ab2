// Columns as values of an expression, and its result as a column.

import type { Column, Shape } from "@driftline/rootio";
import { spread, take } from "./take.ts";
import type { Type } from "./types.ts";
import type { Flags, Leaf, Numbers, Offsets, Value } from "./values.ts";

/** Items `from` to `to - 1` of a column. Integers become float64; a missing optional becomes NaN, false, "" or an empty list. */
export function load(column: Column, fields: string[], from: number, to: number): Value {
  switch (column.kind) {
    case "number": {
      const values = column.values.subarray(from, to);
      if (column.type === "bool") return { kind: "bool", data: values as Flags };
      if (values instanceof Float32Array || values instanceof Float64Array)
        return { kind: "number", data: values };
      return { kind: "number", data: toFloat64(values) };
    }
    case "string": {
      const offsets = fromZero(column.offsets, from, to);
      return {
        kind: "string",
        offsets,
        bytes: column.bytes.subarray(column.offsets[from], column.offsets[to]),
      };
    }
    case "list": {
      const content = load(column.content, fields, column.offsets[from], column.offsets[to]);
      return { kind: "list", offsets: fromZero(column.offsets, from, to), content };
    }
    case "optional": {
      const content = load(column.content, fields, column.offsets[from], column.offsets[to]);
      return present(content, fromZero(column.offsets, from, to));
    }
    case "record":
      return load(column.fields.get(fields[0])!, fields.slice(1), from, to);
    default:
      throw new TypeError(`a column of ${column.kind}`);
  }
}

function toFloat64(values: ArrayLike<number> | BigInt64Array | BigUint64Array): Numbers {
  if (values instanceof BigInt64Array || values instanceof BigUint64Array) {
    const out = new Float64Array(values.length);
    for (let i = 0; i < out.length; i++) out[i] = Number(values[i]);
    return out;
  }
  return new Float64Array(values);
}

function fromZero(offsets: Offsets, from: number, to: number): Offsets {
  const part = offsets.subarray(from, to + 1);
  const first = part[0];
  return first === 0 ? part : part.map((offset) => offset - first);
}

/** What the optional items are, those without a value as missing. */
function present(content: Value, offsets: Offsets): Value {
  const items = offsets.length - 1;
  if (offsets[items] === items) return content;
  const places = new Int32Array(items);
  for (let i = 0; i < items; i++) places[i] = offsets[i + 1] > offsets[i] ? offsets[i] : -1;
  return take(content, places);
}

/** The shape of a result. */
export function shapeOf({ kind, axes, single }: Type): Shape {
  const leaf: Shape =
    kind === "string"
      ? { kind }
      : { kind: "number", type: kind === "bool" ? "bool" : single ? "float32" : "float64" };
  return axes.reduceRight<Shape>(
    (content, { length }) => ({ kind: "list", content, ...(length !== undefined && { length }) }),
    leaf,
  );
}

/** A value of so many items as a column of the shape. */
export function toColumn(value: Value, shape: Shape, items: number): Column {
  if (value.kind === "list") {
    if (shape.kind !== "list") throw new TypeError("a list that was not expected");
    const { offsets } = value;
    const content = toColumn(value.content, shape.content, offsets[offsets.length - 1]);
    return { kind: "list", offsets, content, ...(shape.length !== undefined && { length: shape.length }) };
  }
  const leaf: Leaf = spread(value, items);
  switch (leaf.kind) {
    case "number":
      return {
        kind: "number",
        type: leaf.data instanceof Float32Array ? "float32" : "float64",
        values: leaf.data,
      };
    case "bool":
      return { kind: "number", type: "bool", values: leaf.data };
    case "string":
      return { kind: "string", offsets: leaf.offsets, bytes: leaf.bytes };
    default:
      throw new TypeError("four-vectors are no column");
  }
}
