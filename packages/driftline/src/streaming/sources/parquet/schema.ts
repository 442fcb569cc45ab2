// The columns of a Parquet file: each leaf of its schema with the lists it lies in, and what its numbers mean.

import type { ElementType, Shape } from "@driftline/rootio";
import type { FileMetaData, SchemaElement, SchemaTree } from "hyparquet";

export interface Leaf {
  /** Path without the groups that only make a list: `Muon_pt`, and `MET.pt` of a structure. */
  name: string;
  typeName: string;
  shape: Shape | null;
  problem: string | null;
  /** Path in the schema, joined by zero bytes: tells the column chunks of a row group. */
  key: string;
  element: SchemaElement;
  /** Definition level of a value that is there. */
  maxDefinition: number;
  /** For each list from the outermost, the definition level from which on it has an item. */
  lists: number[];
  /** What values become; a number where some may be missing is float32 or float64. */
  target: ElementType | "string";
}

/** All leaves in the order of the file. */
export function leavesOf(metadata: FileMetaData, root: SchemaTree): Leaf[] {
  const leaves: Leaf[] = [];
  const walk = (node: SchemaTree, above: Place) => {
    const { element } = node;
    const repeated = element.repetition_type === "REPEATED";
    const definition = above.definition + (element.repetition_type === "REQUIRED" ? 0 : 1);
    const place: Place = {
      names: above.hides(node) ? above.names : [...above.names, element.name],
      path: [...above.path, element.name],
      definition,
      lists: repeated ? [...above.lists, definition] : above.lists,
      problem: above.problem ?? groupProblem(element),
      hides: () => false,
    };
    if (node.children.length === 0) {
      leaves.push(leafOf(metadata, node, place));
      return;
    }
    if (isList(node)) {
      const [wrapper] = node.children;
      // `group (LIST) { repeated group list { element } }`: the middle and what it alone holds have no name of their own.
      place.hides = (child) => child === wrapper;
      if (wrapper.children.length === 1) {
        walk(wrapper.children[0], {
          ...below(wrapper, place),
          hides: () => true,
        });
        return;
      }
    }
    for (const child of node.children) walk(child, place);
  };
  for (const child of root.children)
    walk(child, { names: [], path: [], definition: 0, lists: [], problem: null, hides: () => false });
  return leaves;
}

interface Place {
  names: string[];
  path: string[];
  definition: number;
  lists: number[];
  problem: string | null;
  /** Whether a child's name says nothing. */
  hides: (child: SchemaTree) => boolean;
}

function below(wrapper: SchemaTree, { names, path, definition, lists, problem }: Place): Place {
  return {
    names,
    path: [...path, wrapper.element.name],
    definition: definition + 1,
    lists: [...lists, definition + 1],
    problem,
    hides: () => false,
  };
}

function isList({ element, children }: SchemaTree): boolean {
  const marked = element.converted_type === "LIST" || element.logical_type?.type === "LIST";
  return marked && children.length === 1 && children[0].element.repetition_type === "REPEATED";
}

function groupProblem({ converted_type, logical_type }: SchemaElement): string | null {
  if (converted_type === "MAP" || converted_type === "MAP_KEY_VALUE" || logical_type?.type === "MAP")
    return "is part of a map";
  return logical_type?.type === "VARIANT" ? "is a variant" : null;
}

function leafOf(metadata: FileMetaData, node: SchemaTree, place: Place): Leaf {
  const { element } = node;
  const key = place.path.join("\0");
  const kind = kindOf(element);
  const problem = place.problem ?? (kind === null ? `is ${describe(element)}, which is not read` : null);
  const plain = kind ?? "float64";
  const nulls = place.definition > (place.lists.at(-1) ?? 0) ? nullsOf(metadata, key) : "none";
  const isWide = plain === "int64" || plain === "uint64";
  // Whole numbers of 64 bits would not all survive as float64, so without statistics they are taken to be there.
  const mayMiss = nulls === "some" || (nulls === "unknown" && !isWide);
  const target = mayMiss && plain !== "string" && plain !== "float32" ? "float64" : plain;
  let shape: Shape = target === "string" ? { kind: "string" } : { kind: "number", type: target };
  for (let i = 0; i < place.lists.length; i++) shape = { kind: "list", content: shape };
  return {
    name: place.names.join("."),
    typeName: "list<".repeat(place.lists.length) + describe(element) + ">".repeat(place.lists.length),
    shape: problem === null ? shape : null,
    problem,
    key,
    element,
    maxDefinition: place.definition,
    lists: place.lists,
    target,
  };
}

/** Writers of tables call every column optional; whether one misses values is told by the statistics, if there are any. */
function nullsOf({ row_groups }: FileMetaData, key: string): "none" | "some" | "unknown" {
  const counts = row_groups.map(({ columns }) => {
    const meta = columns.find((column) => column.meta_data?.path_in_schema.join("\0") === key)?.meta_data;
    return meta?.statistics?.null_count;
  });
  if (counts.every((count) => count === 0n)) return "none";
  return counts.some((count) => count !== undefined && count !== 0n) ? "some" : "unknown";
}

const integers: Record<string, ElementType> = {
  INT_8: "int8",
  INT_16: "int16",
  INT_32: "int32",
  INT_64: "int64",
  UINT_8: "uint8",
  UINT_16: "uint16",
  UINT_32: "uint32",
  UINT_64: "uint64",
};

/** null where it is not read. */
function kindOf(element: SchemaElement): ElementType | "string" | null {
  const { type, type_length, converted_type, logical_type } = element;
  const logical = logical_type?.type;
  if (logical === "FLOAT16") return type_length === 2 ? "float32" : null;
  if (converted_type === "DECIMAL" || logical === "DECIMAL") return "float64";
  if (isTime(element)) return "float64";
  switch (type) {
    case "BOOLEAN":
      return "bool";
    case "INT32":
    case "INT64":
      return integerOf(element);
    case "FLOAT":
      return "float32";
    case "DOUBLE":
      return "float64";
    case "INT96":
      return "float64";
    case "BYTE_ARRAY": {
      const isOther = converted_type === "BSON" || logical === "GEOMETRY" || logical === "GEOGRAPHY";
      return isOther ? null : "string";
    }
    default:
      return null;
  }
}

function integerOf({ type, converted_type, logical_type }: SchemaElement): ElementType {
  if (logical_type?.type === "INTEGER") {
    const { bitWidth, isSigned } = logical_type;
    const found = integers[`${isSigned ? "INT" : "UINT"}_${bitWidth}`];
    if (found) return found;
  }
  return integers[converted_type ?? ""] ?? (type === "INT32" ? "int32" : "int64");
}

function isTime({ converted_type, logical_type }: SchemaElement): boolean {
  const logical = logical_type?.type;
  if (logical === "DATE" || logical === "TIME" || logical === "TIMESTAMP") return true;
  return /^(DATE|TIME_|TIMESTAMP_)/.test(converted_type ?? "");
}

/** "float", "int64", "timestamp": the type as the format calls it, in lower case. */
function describe({ type, converted_type, logical_type }: SchemaElement): string {
  if (logical_type?.type === "INTEGER")
    return `${logical_type.isSigned ? "int" : "uint"}${logical_type.bitWidth}`;
  return (logical_type?.type ?? converted_type ?? type ?? "group").toLowerCase();
}
