// Parquet's schema of a table: the elements of its tree, and the leaves, which are what a file has columns for.

import type { ElementType, Shape } from "@driftline/rootio";
import type { SchemaElement } from "hyparquet";
import type { WrittenColumn } from "./writer.ts";

/** A leaf of the schema's tree: numbers or strings, and how deep lists and missing values go above them. */
export interface LeafPlan {
  /** The column of the table that it is within. */
  column: string;
  path: string[];
  element: SchemaElement;
  maxRepetition: number;
  maxDefinition: number;
}

const numberElements: Record<ElementType, Pick<SchemaElement, "type" | "converted_type">> = {
  bool: { type: "BOOLEAN" },
  int8: { type: "INT32", converted_type: "INT_8" },
  uint8: { type: "INT32", converted_type: "UINT_8" },
  int16: { type: "INT32", converted_type: "INT_16" },
  uint16: { type: "INT32", converted_type: "UINT_16" },
  int32: { type: "INT32" },
  uint32: { type: "INT32", converted_type: "UINT_32" },
  int64: { type: "INT64" },
  uint64: { type: "INT64", converted_type: "UINT_64" },
  float32: { type: "FLOAT" },
  float64: { type: "DOUBLE" },
};

/** All elements, each before those within it, and the leaves in the same order. */
export function planSchema(columns: WrittenColumn[]): { elements: SchemaElement[]; leaves: LeafPlan[] } {
  const elements: SchemaElement[] = [{ name: "root", num_children: columns.length }];
  const leaves: LeafPlan[] = [];
  const walk = (shape: Shape, path: string[], repetition: number, definition: number, optional = false) => {
    const name = path[path.length - 1];
    const own = { name, repetition_type: optional ? "OPTIONAL" : "REQUIRED" } satisfies SchemaElement;
    const leaf = (element: SchemaElement) => {
      elements.push(element);
      leaves.push({
        column: path[0],
        path,
        element,
        maxRepetition: repetition,
        maxDefinition: definition,
      });
    };
    switch (shape.kind) {
      case "number":
        return leaf({ ...own, ...numberElements[shape.type] });
      case "string":
        return leaf({ ...own, type: "BYTE_ARRAY", converted_type: "UTF8" });
      case "list":
        elements.push({ ...own, num_children: 1, converted_type: "LIST" });
        elements.push({ name: "list", num_children: 1, repetition_type: "REPEATED" });
        return walk(shape.content, [...path, "list", "element"], repetition + 1, definition + 1);
      case "optional":
        return walk(shape.content, path, repetition, definition + 1, true);
      case "record":
        elements.push({ ...own, num_children: shape.fields.length });
        for (const field of shape.fields) walk(field.shape, [...path, field.name], repetition, definition);
        return;
      case "union":
        throw new TypeError("a union");
    }
  };
  for (const { name, shape } of columns) walk(shape, [name], 0, 0);
  return { elements, leaves };
}
