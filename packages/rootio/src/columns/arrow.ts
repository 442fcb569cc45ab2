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
  RecordBatch,
  Schema,
  Struct,
  Table,
  Uint8,
  Uint16,
  Uint32,
  Uint64,
  Utf8,
} from "apache-arrow";
import { arrayTypes, type Column, type ElementType, lengthOf, type NumberColumn } from "./column.ts";

/**
 * A table of one record batch; the numbers are not copied, but for bool, which Arrow packs into bits, and where some are
 * missing. A list of equal lengths becomes a FixedSizeList, an optional is null where it has no value (a List of one item
 * or none where the value is a variant), a variant becomes a DenseUnion.
 */
export function toArrow(columns: Record<string, Column>): Table {
  const named = Object.entries(columns).map(([name, column]) => ({ column, name, data: dataOf(column) }));
  const fields = named.map(({ name, column, data }) => fieldOf(name, column, data));
  const length = named.length > 0 ? named[0].data.length : 0;
  const children = named.map(({ data }) => data);
  const rows = makeData({ type: new Struct(fields), length, nullCount: 0, children });
  return new Table(new RecordBatch(new Schema(fields), rows));
}

/** Whether there can be nulls follows from the shape, so that all tables of one shape have one schema. */
function fieldOf(name: string, column: Column, data: Data): Field {
  return new Field(name, data.type, column.kind === "optional");
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
    case "list": {
      const child = dataOf(column.content);
      const item = fieldOf("item", column.content, child);
      if (column.length !== undefined)
        return makeData({ type: new FixedSizeList(column.length, item), length, nullCount: 0, child });
      return makeData({ type: new List(item), length, nullCount: 0, valueOffsets: column.offsets, child });
    }
    case "optional":
      return optionalData(column.offsets, column.content);
    case "record": {
      const children = [...column.fields.values()].map(dataOf);
      const fields = [...column.fields].map(([name, field], i) => fieldOf(name, field, children[i]));
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

/** Values of which some are missing: item i is that of `content` at `offsets[i]`, if the next offset is larger. */
function optionalData(offsets: Int32Array<ArrayBuffer>, content: Column): Data {
  const length = offsets.length - 1;
  const nullBitmap = new Uint8Array(Math.ceil(length / 8));
  for (let i = 0; i < length; i++) if (offsets[i + 1] > offsets[i]) nullBitmap[i >> 3] |= 1 << (i & 7);
  const nulls = { length, nullCount: length - (offsets[length] - offsets[0]), nullBitmap };
  switch (content.kind) {
    case "number": {
      const { type } = content;
      const values = new arrayTypes[type](length);
      for (let i = 0; i < length; i++)
        if (offsets[i + 1] > offsets[i]) values[i] = content.values[offsets[i]];
      const whole = numbers({ kind: "number", type, values });
      return makeData({ type: whole.type, data: whole.values, ...nulls } as never);
    }
    case "string": {
      const valueOffsets = offsets.map((at) => content.offsets[at]);
      return makeData({ type: new Utf8(), valueOffsets, data: content.bytes, ...nulls });
    }
    case "list": {
      const child = dataOf(content.content);
      const valueOffsets = offsets.map((at) => content.offsets[at]);
      return makeData({
        type: new List(fieldOf("item", content.content, child)),
        valueOffsets,
        child,
        ...nulls,
      });
    }
    case "optional":
      return optionalData(
        offsets.map((at) => content.offsets[at]),
        content.content,
      );
    case "record": {
      const children = [...content.fields.values()].map((field) => optionalData(offsets, field));
      const fields = [...content.fields.keys()].map((name, i) => new Field(name, children[i].type, true));
      return makeData({ type: new Struct(fields), children, ...nulls });
    }
    case "union": {
      const child = dataOf(content);
      const type = new List(new Field("item", child.type, false));
      return makeData({ type, length, nullCount: 0, valueOffsets: offsets, child });
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
