// The columns of an Arrow table: each leaf of its schema with the lists and structures it lies in, and where its buffers are.

import type { ElementType, Shape } from "@driftline/rootio";
import { DamagedError } from "../damaged.ts";
import type { Fields } from "./flatbuffer.ts";
import type { Batch } from "./messages.ts";

/** How single values lie in their buffers. */
export type ValueKind =
  | { kind: "number"; type: ElementType }
  | { kind: "half" }
  /** Integers of a unit of so many in a second, or days. */
  | { kind: "time"; wide: boolean; perSecond: number }
  | { kind: "decimal"; bytes: number; scale: number }
  | { kind: "text"; wide: boolean }
  | { kind: "views" }
  | { kind: "dictionary"; index: ElementType; id: number; values: ValueKind };

/** A field with its place among the nodes and buffers of a batch. */
export interface Placed {
  node: number;
  /** Number of its first buffer, which is that of validity. */
  buffer: number;
  /** Data buffers of views, which only the batch tells. */
  variadic: number;
}

export type Step = Placed &
  (
    | { kind: "struct" }
    | { kind: "list"; wide: boolean; child: number }
    | { kind: "fixed"; size: number; child: number }
  );

export interface ArrowLeaf {
  name: string;
  typeName: string;
  problem: string | null;
  steps: Step[];
  value: (Placed & ValueKind) | null;
}

const typeNames = [
  ...[
    "none",
    "null",
    "int",
    "float",
    "binary",
    "utf8",
    "bool",
    "decimal",
    "date",
    "time",
    "timestamp",
    "interval",
  ],
  ...["list", "struct", "union", "fixed_size_binary", "fixed_size_list", "map", "duration", "large_binary"],
  ...[
    "large_utf8",
    "large_list",
    "run_end_encoded",
    "binary_view",
    "utf8_view",
    "list_view",
    "large_list_view",
  ],
] as const;
type TypeName = (typeof typeNames)[number];
const perSecond = [1, 1e3, 1e6, 1e9];
const deepest = 32;

/** All leaves in the order of the schema, placed as in a batch with so many data buffers in each column of views. */
export function leavesOf(schema: Fields, variadic: number[] = []): ArrowLeaf[] {
  const leaves: ArrowLeaf[] = [];
  const next = { node: 0, buffer: 0, view: 0 };
  const take = (buffers: number, views = false): Placed => {
    const extra = views ? (variadic[next.view++] ?? 0) : 0;
    const placed = { node: next.node++, buffer: next.buffer, variadic: extra };
    next.buffer += buffers + extra;
    return placed;
  };
  const walk = (field: Fields, names: string[], steps: Step[], problem: string | null, depth: number) => {
    if (depth > deepest) throw new DamagedError("its schema is too deep");
    const type = typeNames[field.int8(2)] ?? "none";
    const children = field.tables(5);
    const about = field.table(3);
    const isDictionary = field.table(4) !== null;
    const own = problem ?? unreadable(type);
    const into = (child: Fields, step: Step, hidden: boolean) =>
      walk(child, hidden ? names : [...names, child.text(0)], [...steps, step], own, depth + 1);
    if (isDictionary) {
      const index = field.table(4)!;
      const kind = integerType(index.table(1), "int32");
      const values = children.length === 0 ? kindOf(type, about) : null;
      const value = values && { kind: "dictionary" as const, index: kind, id: index.int64(0), values };
      const placed = take(2);
      const why = value === null ? "is a dictionary of no plain values" : problem;
      leaves.push(leaf(value && { ...placed, ...value }, why));
      return;
    }
    switch (type) {
      case "list":
      case "large_list":
      case "map": {
        if (children.length !== 1) throw new DamagedError("a list without items");
        const placed = take(2);
        into(children[0], { ...placed, kind: "list", wide: type === "large_list", child: next.node }, true);
        return;
      }
      case "fixed_size_list": {
        if (children.length !== 1) throw new DamagedError("a list without items");
        const placed = take(1);
        const size = about?.int32(0) ?? -1;
        if (size < 0) throw new DamagedError("a list of fewer than no items");
        into(children[0], { ...placed, kind: "fixed", size, child: next.node }, true);
        return;
      }
      case "struct": {
        const placed = take(1);
        for (const child of children) into(child, { ...placed, kind: "struct" }, false);
        return;
      }
      case "union": {
        // Its own buffers have no validity among them.
        const placed = take(about?.int16(0) === 1 ? 2 : 1);
        for (const child of children) into(child, { ...placed, kind: "struct" }, false);
        return;
      }
      default: {
        const value = kindOf(type, about);
        const buffers =
          { null: 0, none: 0, utf8: 3, binary: 3, large_utf8: 3, large_binary: 3 }[type as string] ?? 2;
        if (
          type === "run_end_encoded" ||
          type === "list_view" ||
          type === "large_list_view" ||
          type === "none"
        )
          throw new DamagedError(
            `it has a column of the type ${type}, which keeps the others from being read`,
          );
        const placed = take(buffers, type === "utf8_view" || type === "binary_view");
        leaves.push(leaf(value && { ...placed, ...value }, own));
      }
    }
    function leaf(value: ArrowLeaf["value"], why: string | null): ArrowLeaf {
      const lists = steps.filter(({ kind }) => kind !== "struct").length;
      const inner = isDictionary ? `dictionary<${type}>` : value?.kind === "number" ? value.type : type;
      const typeName = "list<".repeat(lists) + inner + ">".repeat(lists);
      return { name: names.join("."), typeName, problem: why, steps, value };
    }
  };
  for (const field of schema.tables(1)) walk(field, [field.text(0)], [], null, 0);
  return leaves;
}

function unreadable(type: TypeName): string | null {
  const bad: readonly TypeName[] = [
    "binary",
    "large_binary",
    "binary_view",
    "fixed_size_binary",
    "interval",
    "null",
  ];
  if (type === "union" || type === "map") return `is part of a ${type}`;
  return bad.includes(type) ? `is ${type}, which is not read` : null;
}

function kindOf(type: TypeName, about: Fields | null): ValueKind | null {
  switch (type) {
    case "int":
      return { kind: "number", type: integerType(about, "int32") };
    case "float": {
      const precision = about?.int16(0) ?? 0;
      return precision === 0
        ? { kind: "half" }
        : { kind: "number", type: precision === 1 ? "float32" : "float64" };
    }
    case "bool":
      return { kind: "number", type: "bool" };
    case "utf8":
    case "large_utf8":
      return { kind: "text", wide: type === "large_utf8" };
    case "utf8_view":
      return { kind: "views" };
    case "decimal":
      return { kind: "decimal", scale: about?.int32(1) ?? 0, bytes: (about?.int32(2, 128) ?? 128) / 8 };
    case "date":
      return about?.int16(0, 1) === 0
        ? { kind: "time", wide: false, perSecond: 1 / 86_400 }
        : { kind: "time", wide: true, perSecond: 1e3 };
    case "time":
      return {
        kind: "time",
        wide: (about?.int32(1, 32) ?? 32) === 64,
        perSecond: perSecond[about?.int16(0, 1) ?? 1],
      };
    case "timestamp":
      return { kind: "time", wide: true, perSecond: perSecond[about?.int16(0, 0) ?? 0] };
    case "duration":
      return { kind: "time", wide: true, perSecond: perSecond[about?.int16(0, 1) ?? 1] };
    default:
      return null;
  }
}

function integerType(about: Fields | null, absent: ElementType): ElementType {
  if (about === null) return absent;
  const bits = about.int32(0);
  if (![8, 16, 32, 64].includes(bits)) throw new DamagedError(`integers of ${bits} bits`);
  return `${about.int8(1) === 0 ? "uint" : "int"}${bits}` as ElementType;
}

/** What the column looks like: floating where a value is missing in any batch, and fixed lists where none is. */
export function shapeOf(
  leaf: ArrowLeaf,
  batches: Batch[],
  placed: (batch: Batch) => ArrowLeaf,
): Shape | null {
  if (leaf.problem !== null || leaf.value === null) return null;
  const missing = (pick: (leaf: ArrowLeaf) => Placed[]) =>
    batches.some((batch) => {
      const nodes = batch.header.structs(1, 16);
      return pick(placed(batch)).some(({ node }) => nodes.int64(node, 8) !== 0);
    });
  const lastList = leaf.steps.findLastIndex(({ kind }) => kind !== "struct");
  const mayMiss = missing(({ steps, value }) => [...steps.slice(lastList + 1), value!]);
  const type = elementOf(leaf.value, mayMiss);
  let shape: Shape = type === null ? { kind: "string" } : { kind: "number", type };
  for (const [i, step] of [...leaf.steps.entries()].reverse()) {
    if (step.kind === "struct") continue;
    const isWhole = step.kind === "fixed" && !missing(({ steps }) => steps.slice(0, i + 1));
    shape = { kind: "list", content: shape, ...(isWhole ? { length: step.size } : {}) };
  }
  return shape;
}

/** null for text. */
function elementOf(value: ValueKind, mayMiss: boolean): ElementType | null {
  switch (value.kind) {
    case "text":
    case "views":
      return null;
    case "half":
      return "float32";
    case "number":
      return mayMiss && value.type !== "float32" ? "float64" : value.type;
    case "dictionary":
      // A dictionary may itself lack values.
      return elementOf(value.values, true);
    default:
      return "float64";
  }
}
