// The schema of an RNTuple: fields in a tree, each with its columns, from the header and its extension in the footer.

import { BlockError } from "../compression/blocks.ts";
import type { Cursor } from "./cursor.ts";

export type Role = "leaf" | "collection" | "record" | "variant" | "streamer";
const roles: Role[] = ["leaf", "collection", "record", "variant", "streamer"];

export interface PhysicalColumn {
  id: number;
  /** Encoding, see encodings.ts. */
  type: number;
  bits: number;
  /** Name of the field, for messages. */
  fieldName: string;
  representation: number;
  /** Elements before this one were never written and are zero. */
  deferred: boolean;
  range: { min: number; max: number } | null;
}

export interface Field {
  id: number;
  name: string;
  /** Levels above it; readers recurse over fields. */
  depth: number;
  typeName: string;
  role: Role;
  /** Items of a fixed-size array or bitset; null where it is none. */
  repetition: number | null;
  children: Field[];
  /** By representation; of each cluster one is in use. A projected field has the columns of its source. */
  representations: PhysicalColumn[][];
}

export interface Schema {
  fields: Field[];
  columns: PhysicalColumn[];
  top: Field[];
}

export function emptySchema(): Schema {
  return { fields: [], columns: [], top: [] };
}

const deferredColumn = 1;
const columnWithRange = 2;
const repetitive = 1;
const projected = 2;
/** Deeper than any class: what is nested more is damaged. */
const deepestField = 100;

/** Adds what a schema description lists: that of the header, then that of the footer. */
export function extendSchema(schema: Schema, description: Cursor): void {
  description.list((content) => addField(schema, content.record()));
  description.list((content) => addColumn(schema, content.record()));
  description.list((content) => {
    const alias = content.record();
    const column = schema.columns[alias.uint32()];
    const field = schema.fields[alias.uint32()];
    if (!column || !field) throw new BlockError("a projected field refers to no column");
    attach(field, column);
  });
}

function addField(schema: Schema, record: Cursor): void {
  record.at += 8; // versions of the field and its type, for schema evolution
  const parentId = record.uint32();
  const role = roles[record.uint16()];
  const flags = record.uint16();
  const name = record.string();
  const typeName = record.string();
  record.string();
  record.string();
  const repetition = flags & repetitive ? record.count64() : null;
  if (flags & projected) record.at += 4;
  if (!role) throw new BlockError(`field "${name}" has a role that version 1.0 does not have`);
  const id = schema.fields.length;
  // A parent comes before its children, so that the fields cannot form a circle.
  const parent = parentId === id ? null : schema.fields[parentId];
  if (parent === undefined) throw new BlockError(`field "${name}" has no parent`);
  const depth = parent ? parent.depth + 1 : 0;
  if (depth > deepestField) throw new BlockError(`field "${name}" is nested too deeply`);
  const field: Field = { id, name, depth, typeName, role, repetition, children: [], representations: [] };
  schema.fields.push(field);
  (parent ? parent.children : schema.top).push(field);
}

function addColumn(schema: Schema, record: Cursor): void {
  const type = record.uint16();
  const bits = record.uint16();
  const fieldId = record.uint32();
  const flags = record.uint16();
  const representation = record.uint16();
  if (flags & deferredColumn) record.int64();
  const range = flags & columnWithRange ? { min: record.float64(), max: record.float64() } : null;
  const field = schema.fields[fieldId];
  if (!field) throw new BlockError("a column belongs to no field");
  const column: PhysicalColumn = {
    id: schema.columns.length,
    type,
    bits,
    fieldName: field.name,
    representation,
    deferred: (flags & deferredColumn) !== 0,
    range,
  };
  schema.columns.push(column);
  attach(field, column);
}

function attach(field: Field, column: PhysicalColumn): void {
  if (column.representation > field.representations.length)
    throw new BlockError(`field "${field.name}" lacks a representation`);
  field.representations[column.representation] ??= [];
  field.representations[column.representation].push(column);
}
