// JSON values as columns: the shape that values have in common, and where values of a known shape end up.

import type { Column, Shape } from "@driftline/rootio";
import { append, type Growing, growing, reserve } from "../growing.ts";

/** What the values of one key look like; unknown where all are null or absent. */
export type Look =
  | { kind: "unknown" }
  | { kind: "number" | "bool" | "string"; mayMiss: boolean }
  | { kind: "list"; content: Look }
  | { kind: "other"; problem: string };

export const unknown: Look = { kind: "unknown" };

export function lookOf(value: unknown): Look {
  if (value === null || value === undefined) return unknown;
  if (Array.isArray(value)) {
    let content: Look = unknown;
    let mayMiss = false;
    for (const item of value) {
      if (item === null) mayMiss = true;
      content = common(content, lookOf(item));
    }
    return { kind: "list", content: mayMiss ? missing(content) : content };
  }
  if (typeof value === "object") return { kind: "other", problem: "holds objects within lists" };
  const kind = typeof value === "boolean" ? "bool" : (typeof value as "number" | "string");
  return { kind, mayMiss: false };
}

/** The same look where some values are absent. */
export function missing(look: Look): Look {
  return look.kind === "number" || look.kind === "bool" || look.kind === "string"
    ? { ...look, mayMiss: true }
    : look;
}

export function common(a: Look, b: Look): Look {
  if (a.kind === "unknown" || b.kind === "other") return b;
  if (b.kind === "unknown" || a.kind === "other") return a;
  if (a.kind === "list" && b.kind === "list") {
    const content = common(a.content, b.content);
    return content.kind === "other" ? content : { kind: "list", content };
  }
  if (a.kind === "list" || b.kind === "list" || a.kind !== b.kind)
    return { kind: "other", problem: `holds both ${nameOf(a)} and ${nameOf(b)}` };
  return { kind: a.kind, mayMiss: a.mayMiss || b.mayMiss };
}

const nameOf = ({ kind }: Look) =>
  ({ number: "numbers", bool: "bools", string: "texts", list: "lists", unknown: "nulls", other: "objects" })[
    kind
  ];

/** What a column of such values is; null where it can't be one. A bool that may be missing becomes a number. */
export function shapeOf(look: Look): Shape | null {
  switch (look.kind) {
    case "other":
      return null;
    case "string":
      return { kind: "string" };
    case "bool":
      return { kind: "number", type: look.mayMiss ? "float64" : "bool" };
    case "list": {
      const content = shapeOf(look.content);
      return content && { kind: "list", content };
    }
    default:
      return { kind: "number", type: "float64" };
  }
}

export function typeNameOf(look: Look): string {
  if (look.kind === "list") return `list<${typeNameOf(look.content)}>`;
  if (look.kind === "other") return "other";
  return look.kind === "unknown" ? "null" : look.kind === "string" ? "text" : look.kind;
}

export interface JsonCells {
  /** Adds a value; false where it has another shape. Null and absent are NaN, an empty text or an empty list. */
  add(value: unknown): boolean;
  /** The column of all values so far; the next go to a new one. */
  take(): Column;
}

export function jsonCells(look: Look): JsonCells {
  if (look.kind === "list") return listCells(jsonCells(look.content));
  if (look.kind === "string") return stringCells();
  if (look.kind === "bool" && !look.mayMiss) return boolCells();
  return numberCells(look.kind === "bool");
}

function numberCells(isBool: boolean): JsonCells {
  let into = growing("float64");
  return {
    add(value) {
      reserve(into, 1);
      if (value === null || value === undefined) into.array[into.length++] = Number.NaN;
      else if (typeof value === (isBool ? "boolean" : "number")) into.array[into.length++] = Number(value);
      else return false;
      return true;
    },
    take() {
      const values = into.array.slice(0, into.length);
      into = growing("float64", Math.max(64, into.length));
      return { kind: "number", type: "float64", values };
    },
  };
}

function boolCells(): JsonCells {
  let into = growing("bool");
  return {
    add(value) {
      if (typeof value !== "boolean") return false;
      reserve(into, 1);
      into.array[into.length++] = value ? 1 : 0;
      return true;
    },
    take() {
      const values = into.array.slice(0, into.length);
      into = growing("bool", Math.max(64, into.length));
      return { kind: "number", type: "bool", values };
    },
  };
}

function stringCells(): JsonCells {
  let text = growing("uint8");
  let ends = startingAtZero();
  return {
    add(value) {
      if (value !== null && value !== undefined) {
        if (typeof value !== "string") return false;
        append(text, new Uint8Array(Buffer.from(value)));
      }
      end(ends, text.length);
      return true;
    },
    take() {
      const column = {
        kind: "string" as const,
        offsets: ends.array.slice(0, ends.length),
        bytes: text.array.slice(0, text.length),
      };
      text = growing("uint8");
      ends = startingAtZero();
      return column;
    },
  };
}

function listCells(content: JsonCells): JsonCells {
  let ends = startingAtZero();
  let items = 0;
  return {
    add(value) {
      if (value !== null && value !== undefined) {
        if (!Array.isArray(value)) return false;
        for (const item of value) if (!content.add(item)) return false;
        items += value.length;
      }
      end(ends, items);
      return true;
    },
    take() {
      const offsets = ends.array.slice(0, ends.length);
      ends = startingAtZero();
      items = 0;
      return { kind: "list", offsets, content: content.take() };
    },
  };
}

function startingAtZero(): Growing<Int32Array<ArrayBuffer>> {
  return { ...growing("int32"), length: 1 };
}

function end(ends: Growing<Int32Array<ArrayBuffer>>, at: number): void {
  reserve(ends, 1);
  ends.array[ends.length++] = at;
}
