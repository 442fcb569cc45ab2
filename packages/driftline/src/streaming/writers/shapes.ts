// Shapes of columns in words and in checks: what a column holds, and whether one is of the shape that was announced.

import type { Column, Shape } from "@driftline/rootio";

/** "int32", "string", "list<float32>", "float32[3]", "optional<string>", "record<x: int8>", "union<int8, string>". */
export function describeShape(shape: Shape): string {
  switch (shape.kind) {
    case "number":
      return shape.type;
    case "string":
      return "string";
    case "list": {
      const content = describeShape(shape.content);
      return shape.length === undefined ? `list<${content}>` : `${content}[${shape.length}]`;
    }
    case "optional":
      return `optional<${describeShape(shape.content)}>`;
    case "record":
      return `record<${shape.fields.map((field) => `${field.name}: ${describeShape(field.shape)}`).join(", ")}>`;
    case "union":
      return `union<${shape.alternatives.map(describeShape).join(", ")}>`;
  }
}

/** What the columns of a chunk really are, in the words of `describeShape`. */
export function shapeOf(column: Column): Shape {
  switch (column.kind) {
    case "number":
      return { kind: "number", type: column.type };
    case "string":
      return { kind: "string" };
    case "list": {
      const content = shapeOf(column.content);
      const { length } = column;
      return length === undefined ? { kind: "list", content } : { kind: "list", content, length };
    }
    case "optional":
      return { kind: "optional", content: shapeOf(column.content) };
    case "record":
      return {
        kind: "record",
        fields: [...column.fields].map(([name, field]) => ({ name, shape: shapeOf(field) })),
      };
    case "union":
      return { kind: "union", alternatives: column.alternatives.map(shapeOf) };
  }
}

/** A number, or fixed arrays of them: how many values an entry has in each dimension. Null for all else. */
export function fixedNumbers(
  shape: Shape,
): { type: (Shape & { kind: "number" })["type"]; dimensions: number[] } | null {
  if (shape.kind === "number") return { type: shape.type, dimensions: [] };
  if (shape.kind !== "list" || shape.length === undefined) return null;
  const content = fixedNumbers(shape.content);
  return content && { ...content, dimensions: [shape.length, ...content.dimensions] };
}

/** Whether there is such a shape anywhere in it. */
export function contains(shape: Shape, test: (part: Shape) => boolean): boolean {
  if (test(shape)) return true;
  switch (shape.kind) {
    case "list":
    case "optional":
      return contains(shape.content, test);
    case "record":
      return shape.fields.some((field) => contains(field.shape, test));
    case "union":
      return shape.alternatives.some((alternative) => contains(alternative, test));
    default:
      return false;
  }
}
