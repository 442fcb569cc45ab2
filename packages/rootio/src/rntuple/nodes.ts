// What is read for a field: a tree of nodes, each with the columns that it needs, and the shape of what comes out.

import type { ElementType, Shape } from "../columns/column.ts";
import { contentOf } from "./encodings.ts";
import type { Field, PhysicalColumn } from "./schema.ts";

/** Columns by representation. */
type Representations = PhysicalColumn[][];

export type Node =
  | { kind: "number"; type: ElementType; representations: Representations }
  /** The lengths of a collection, which its index column gives. */
  | { kind: "cardinality"; representations: Representations }
  | { kind: "string"; representations: Representations }
  | { kind: "list" | "optional"; representations: Representations; content: Node }
  | { kind: "array"; length: number; content: Node }
  | { kind: "record"; fields: { name: string; node: Node }[] }
  | { kind: "union"; representations: Representations; alternatives: Node[] };

/** A field of a kind that this reader does not read; says which and why. */
export class UnreadableFieldError extends Error {}

/** By the type names of the format; the columns of float and double have several encodings. */
const numberTypes: Record<string, ElementType> = {
  bool: "bool",
  char: "uint8",
  "std::byte": "uint8",
  "std::int8_t": "int8",
  "std::uint8_t": "uint8",
  "std::int16_t": "int16",
  "std::uint16_t": "uint16",
  "std::int32_t": "int32",
  "std::uint32_t": "uint32",
  "std::int64_t": "int64",
  "std::uint64_t": "uint64",
  float: "float32",
  double: "float64",
};

/** The node of a field or of a sub-field, whose path leaves out the items of collections. Throws UnreadableFieldError. */
export function nodeOf(field: Field, path: string[] = []): Node {
  const name = `field "${field.name}" of class ${field.typeName || "(none)"}`;
  const { representations, children } = field;
  const contents = representations[0]?.map((column) => contentOf(column.type, column.bits)) ?? [];
  const known = representations.every((columns) =>
    columns.every((column) => contentOf(column.type, column.bits) !== null),
  );
  if (!known)
    throw new UnreadableFieldError(
      `has ${name} with a column of type ${representations[0]?.[0]?.type}, which came after version 1.0`,
    );
  const onlyChild = () => {
    if (children.length !== 1)
      throw new UnreadableFieldError(`has ${name} with ${children.length} sub-fields`);
    return nodeOf(children[0], path);
  };
  const begins = (...wanted: string[]) => {
    if (contents.length !== wanted.length || wanted.some((content, i) => content !== contents[i]))
      throw new UnreadableFieldError(`has ${name} with columns that do not fit it`);
  };
  switch (field.role) {
    case "leaf": {
      if (field.repetition !== null) {
        if (contents.length === 0) return { kind: "array", length: field.repetition, content: onlyChild() };
        begins("bool");
        const content: Node = { kind: "number", type: "bool", representations };
        return { kind: "array", length: field.repetition, content };
      }
      if (contents.length === 0) return onlyChild(); // std::atomic and enumerations
      if (field.typeName.startsWith("ROOT::RNTupleCardinality")) {
        begins("index");
        return { kind: "cardinality", representations };
      }
      if (contents.length === 2) {
        begins("index", "uint8");
        return { kind: "string", representations };
      }
      const stored = contents[0];
      if (contents.length !== 1 || stored === "index" || stored === "switch" || stored === null)
        throw new UnreadableFieldError(`has ${name} with columns that do not fit it`);
      const type = Object.hasOwn(numberTypes, field.typeName) ? numberTypes[field.typeName] : stored;
      return { kind: "number", type, representations };
    }
    case "collection": {
      begins("index");
      const kind = /^(std::)?(optional|unique_ptr)</.test(field.typeName) ? "optional" : "list";
      return { kind, representations, content: onlyChild() };
    }
    case "record":
      if (field.repetition !== null)
        return { kind: "array", length: field.repetition, content: recordOf(children, path) };
      return recordOf(children, path);
    case "variant":
      begins("switch");
      return { kind: "union", representations, alternatives: children.map((child) => nodeOf(child)) };
    case "streamer":
      throw new UnreadableFieldError(
        `has ${name}, whose objects were written whole by ROOT's streamers; this reader does not decode them in an RNTuple`,
      );
  }
}

/** The members of a class; those of its base classes, whose fields are named ":_0", ":_1", are its own. */
export function membersOf(children: Field[]): Field[] {
  return children.flatMap((child) =>
    child.name.startsWith(":_") && child.role === "record" ? membersOf(child.children) : [child],
  );
}

function recordOf(children: Field[], [name, ...rest]: string[]): Node {
  const members = membersOf(children);
  if (name !== undefined) return nodeOf(members.find((member) => member.name === name)!, rest);
  return { kind: "record", fields: members.map((member) => ({ name: member.name, node: nodeOf(member) })) };
}

export function shapeOf(node: Node): Shape {
  switch (node.kind) {
    case "number":
      return { kind: "number", type: node.type };
    case "cardinality":
      return { kind: "number", type: "int64" };
    case "string":
      return { kind: "string" };
    case "list":
    case "optional":
      return { kind: node.kind, content: shapeOf(node.content) };
    case "array":
      return { kind: "list", content: shapeOf(node.content), length: node.length };
    case "record":
      return {
        kind: "record",
        fields: node.fields.map(({ name, node }) => ({ name, shape: shapeOf(node) })),
      };
    case "union":
      return { kind: "union", alternatives: node.alternatives.map(shapeOf) };
  }
}
