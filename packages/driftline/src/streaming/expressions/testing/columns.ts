// What the tests of this folder share: columns written as plain arrays, results as plain arrays.

import { type Column, itemOf, type Shape } from "@driftline/rootio";
import { compileExpression, type Scope } from "../compile.ts";

type Plain = number | boolean | string | bigint | Plain[];

/** A column of plain values: numbers are float32 where `single`, bigints int64. */
export function columnOf(values: Plain[], shape: Shape): Column {
  switch (shape.kind) {
    case "list": {
      const lists = values as Plain[][];
      const offsets = new Int32Array(lists.length + 1);
      lists.forEach((list, i) => {
        offsets[i + 1] = offsets[i] + list.length;
      });
      return {
        kind: "list",
        offsets,
        content: columnOf(lists.flat() as Plain[], shape.content),
        ...(shape.length !== undefined && { length: shape.length }),
      };
    }
    case "string": {
      const texts = values.map((value) => Buffer.from(value as string));
      const offsets = new Int32Array(texts.length + 1);
      texts.forEach((text, i) => {
        offsets[i + 1] = offsets[i] + text.length;
      });
      return { kind: "string", offsets, bytes: new Uint8Array(Buffer.concat(texts)) };
    }
    case "number":
      if (shape.type === "bool")
        return { kind: "number", type: "bool", values: Uint8Array.from(values as number[], Number) };
      if (shape.type === "int64")
        return { kind: "number", type: "int64", values: BigInt64Array.from(values as bigint[]) };
      if (shape.type === "int32")
        return { kind: "number", type: "int32", values: Int32Array.from(values as number[]) };
      if (shape.type === "float32")
        return { kind: "number", type: "float32", values: Float32Array.from(values as number[]) };
      return { kind: "number", type: "float64", values: Float64Array.from(values as number[]) };
    default:
      throw new TypeError(shape.kind);
  }
}

export const number: Shape = { kind: "number", type: "float64" };
export const single: Shape = { kind: "number", type: "float32" };
export const integer: Shape = { kind: "number", type: "int32" };
export const bool: Shape = { kind: "number", type: "bool" };
export const text: Shape = { kind: "string" };
export const list = (content: Shape, length?: number): Shape => ({
  kind: "list",
  content,
  ...(length !== undefined && { length }),
});

/** Columns by name, with their shapes, as a chunk. */
export interface Data {
  entries: number;
  scope: Scope;
  columns: Record<string, Column>;
}

export function dataOf(given: Record<string, [Shape, Plain[]]>): Data {
  const columns = Object.entries(given).map(([name, [shape, values]]): [string, Column] => [
    name,
    columnOf(values, shape),
  ]);
  const [first] = Object.values(given);
  return {
    entries: first?.[1].length ?? 0,
    scope: { columns: new Map(Object.entries(given).map(([name, [shape]]) => [name, shape])) },
    columns: Object.fromEntries(columns),
  };
}

/** The result of an expression for each entry. */
export function evaluate(expression: string, data: Data): unknown[] {
  const column = compileExpression(expression, data.scope).evaluate(data);
  return Array.from({ length: data.entries }, (_, entry) => itemOf(column, entry));
}
