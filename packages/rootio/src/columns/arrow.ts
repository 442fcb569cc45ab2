// Columns as an Arrow table, for what reads Arrow. It needs the package apache-arrow, which the rest does not.

import {
  Bool,
  type Data,
  type DataType,
  DenseUnion,
  Field,
  FixedSizeList,
  Float32,
  Float64,
  Int8,
  Int16,
  Int32,
  Int64,
  List,
  makeData,
  Struct,
  Table,
  Uint8,
  Uint16,
  Uint32,
  Uint64,
  Utf8,
  Vector,
} from "apache-arrow";
import { type Column, type ElementType, lengthOf, type NumberColumn } from "./column.ts";

/**
 * A table of one record batch; the numbers are not copied, but for bool, which Arrow packs into bits. A list of equal
 * lengths becomes a FixedSizeList, an optional a List of one item or none, a variant a DenseUnion.
 */
export function toArrow(columns: Record<string, Column>): Table {
  return new Table(
    Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, new Vector([dataOf(column)])])),
  );
}

const numberTypes: Record<Exclude<ElementType, "bool">, () => DataType> = {
  int8: () => new Int8(),
  uint8: () => new Uint8(),
  int16: () => new Int16(),
  uint16: () => new Uint16(),
  int32: () => new Int32(),
  uint32: () => new Uint32(),
  int64: () => new Int64(),
  uint64: () => new Uint64(),
  float32: () => new Float32(),
  float64: () => new Float64(),
};

function dataOf(column: Column): Data {
  const length = lengthOf(column);
  switch (column.kind) {
    case "number":
      return numbers(column);
    case "string":
      return makeData({
        type: new Utf8(),
        length,
        nullCount: 0,
        valueOffsets: column.offsets,
        data: column.bytes,
      });
    case "list":
    case "optional": {
      const child = dataOf(column.content);
      const item = new Field("item", child.type, false);
      if (column.kind === "list" && column.length !== undefined)
        return makeData({ type: new FixedSizeList(column.length, item), length, nullCount: 0, child });
      return makeData({ type: new List(item), length, nullCount: 0, valueOffsets: column.offsets, child });
    }
    case "record": {
      const children = [...column.fields.values()].map(dataOf);
      const fields = [...column.fields.keys()].map((name, i) => new Field(name, children[i].type, false));
      return makeData({ type: new Struct(fields), length, nullCount: 0, children });
    }
    case "union": {
      const children = column.alternatives.map(dataOf);
      // A variant without a value has tag 0, for which Arrow needs an alternative: one that is always empty text.
      const absent = makeData({
        type: new Utf8(),
        length: 1,
        nullCount: 0,
        valueOffsets: new Int32Array(2),
        data: new Uint8Array(0),
      });
      const all = [absent, ...children];
      const fields = all.map((child, i) => new Field(String(i), child.type, false));
      return makeData({
        type: new DenseUnion(Int32Array.from(all.keys()), fields),
        length,
        nullCount: 0,
        typeIds: Int8Array.from(column.tags),
        valueOffsets: column.indices,
        children: all,
      });
    }
  }
}

function numbers({ type, values }: NumberColumn): Data {
  const { length } = values;
  if (type !== "bool")
    return makeData({ type: numberTypes[type](), length, nullCount: 0, data: values } as never);
  const bits = new Uint8Array(Math.ceil(length / 8));
  for (let i = 0; i < length; i++) if (values[i]) bits[i >> 3] |= 1 << (i & 7);
  return makeData({ type: new Bool(), length, nullCount: 0, data: bits });
}
