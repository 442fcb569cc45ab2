// The columns that an expression may name: which column a name means, its type, and which collection its lists belong to.

import type { Shape } from "@driftline/rootio";
import type { Axis, Type } from "./types.ts";

export interface Scope {
  columns: ReadonlyMap<string, Shape>;
  /** What the lists of defined columns belong to, where it is known from their definition. */
  lists?: ReadonlyMap<string, Axis[]>;
}

/** A column, and the fields of records to follow in it. */
export interface ColumnPath {
  column: string;
  fields: string[];
}

/** What a name means: the column itself; or of `a.b` field b of column a, or the column a_b. */
export function resolve(name: string, { columns }: Scope): ColumnPath | null {
  if (columns.has(name)) return { column: name, fields: [] };
  const parts = name.split(/[./]/);
  for (let count = parts.length - 1; count > 0; count--) {
    const fields = parts.slice(count);
    const column = name.slice(0, name.length - fields.reduce((sum, field) => sum + field.length + 1, 0));
    const shape = columns.get(column);
    if (shape !== undefined && fieldOf(shape, fields) !== null) return { column, fields };
  }
  if (parts.length === 2 && name.includes(".") && columns.has(`${parts[0]}_${parts[1]}`))
    return { column: `${parts[0]}_${parts[1]}`, fields: [] };
  return null;
}

function fieldOf(shape: Shape, fields: string[]): Shape | null {
  if (fields.length === 0) return shape;
  if (shape.kind === "list" || shape.kind === "optional") return fieldOf(shape.content, fields);
  if (shape.kind !== "record") return null;
  const field = shape.fields.find(({ name }) => name === fields[0]);
  return field === undefined ? null : fieldOf(field.shape, fields.slice(1));
}

/** Columns that give the four-vectors of a collection: `Jet` where there are `Jet_pt`, `Jet_eta`, `Jet_phi`, `Jet_mass`. */
export function vectorColumns(
  name: string,
  scope: Scope,
): { pt: string; eta: string; phi: string; mass: string } | null {
  for (const joint of ["_", "."]) {
    const find = (field: string) =>
      resolve(`${name}${joint}${field}`, scope) ? `${name}${joint}${field}` : null;
    const [pt, eta, phi, mass] = [find("pt"), find("eta"), find("phi"), find("mass") ?? find("m")];
    if (pt && eta && phi && mass) return { pt, eta, phi, mass };
  }
  return null;
}

/** The type of a column, or why it cannot be used. */
export function typeOf(name: string, path: ColumnPath, scope: Scope): Type | { cannot: string } {
  const lists: (number | undefined)[] = [];
  let fields = path.fields;
  let shape: Shape = scope.columns.get(path.column)!;
  for (;;) {
    if (shape.kind === "optional") shape = shape.content;
    else if (shape.kind === "list") {
      lists.push(shape.length);
      shape = shape.content;
    } else if (shape.kind === "record" && fields.length > 0) {
      const [next] = fields;
      shape = shape.fields.find((field) => field.name === next)!.shape;
      fields = fields.slice(1);
    } else break;
  }
  if (shape.kind === "record") {
    const names = shape.fields.slice(0, 5).map((field) => `${name}.${field.name}`);
    return { cannot: `holds records: name a field of it, as ${names.join(", ")}` };
  }
  if (shape.kind === "union") return { cannot: "holds values of several types" };
  const known = scope.lists?.get(path.column);
  const collection = collectionOf(path, scope);
  const axes = lists.map((length, level): Axis => {
    if (known?.[level] !== undefined) return known[level];
    return {
      collection: level === 0 ? collection : null,
      filtered: false,
      label: name,
      ...(length !== undefined && { length }),
    };
  });
  if (shape.kind === "string") return { kind: "string", axes };
  if (shape.type === "bool") return { kind: "bool", axes };
  return { kind: "number", axes, single: shape.type === "float32" };
}

/**
 * The collection that the lists of a column belong to, where its name tells: fields of one column of records, or the
 * part of the name for which there is a counter (`nJet`, `NJet` or `Jet_n` for `Jet_pt`).
 */
function collectionOf({ column, fields }: ColumnPath, { columns }: Scope): string | null {
  if (fields.length > 0) return column;
  for (
    let end = column.length;
    end > 0;
    end = Math.max(column.lastIndexOf("_", end - 1), column.lastIndexOf(".", end - 1))
  ) {
    const prefix = column.slice(0, end);
    for (const counter of [`n${prefix}`, `N${prefix}`, `${prefix}_n`])
      if (counter !== column && isNumber(columns.get(counter))) return prefix;
  }
  return null;
}

function isNumber(shape: Shape | undefined): boolean {
  return shape?.kind === "number" || (shape?.kind === "optional" && shape.content.kind === "number");
}
