// Columns of consecutive entries joined to one: of baskets, clusters or files.

import { arrayTypes, type Column, lengthOf, type Shape, type Values } from "./column.ts";

/** More values than 32-bit offsets count. */
export class TooManyValuesError extends Error {}

/** One column of the items of all parts in order; no parts give an empty column. */
export function concat(parts: Column[], shape: Shape): Column {
  if (parts.length === 1) return parts[0];
  switch (shape.kind) {
    case "number":
      return {
        kind: "number",
        type: shape.type,
        values: joinValues(
          parts.map((part) => only(part, "number").values),
          shape.type,
        ),
      };
    case "string": {
      const strings = parts.map((part) => only(part, "string"));
      const bytes = joinValues(
        strings.map((part) => part.bytes),
        "uint8",
      ) as Uint8Array<ArrayBuffer>;
      return { kind: "string", offsets: joinOffsets(strings.map((part) => part.offsets)), bytes };
    }
    case "list":
    case "optional": {
      const lists = parts.map((part) => {
        if (part.kind !== "list" && part.kind !== "optional") throw new TypeError("parts of different kinds");
        return part;
      });
      return {
        kind: shape.kind,
        offsets: joinOffsets(lists.map((part) => part.offsets)),
        content: concat(
          lists.map((part) => part.content),
          shape.content,
        ),
        ...(shape.kind === "list" && shape.length !== undefined ? { length: shape.length } : {}),
      };
    }
    case "record": {
      const records = parts.map((part) => only(part, "record"));
      return {
        kind: "record",
        length: records.reduce((sum, part) => sum + part.length, 0),
        fields: new Map(
          shape.fields.map(({ name, shape }) => [
            name,
            concat(
              records.map((part) => part.fields.get(name)!),
              shape,
            ),
          ]),
        ),
      };
    }
    case "union": {
      const unions = parts.map((part) => only(part, "union"));
      const tags = joinValues(
        unions.map((part) => part.tags),
        "uint8",
      ) as Uint8Array<ArrayBuffer>;
      const indices = new Int32Array(tags.length);
      const before = shape.alternatives.map(() => 0);
      let item = 0;
      for (const part of unions) {
        for (let i = 0; i < part.tags.length; i++, item++)
          indices[item] = part.indices[i] + (part.tags[i] > 0 ? before[part.tags[i] - 1] : 0);
        part.alternatives.forEach((alternative, k) => {
          before[k] += lengthOf(alternative);
        });
      }
      const alternatives = shape.alternatives.map((alternative, k) =>
        concat(
          unions.map((part) => part.alternatives[k]),
          alternative,
        ),
      );
      return { kind: "union", tags, indices, alternatives };
    }
  }
}

function only<K extends Column["kind"]>(column: Column, kind: K): Extract<Column, { kind: K }> {
  if (column.kind !== kind) throw new TypeError("parts of different kinds");
  return column as Extract<Column, { kind: K }>;
}

function joinValues(parts: Values[], type: keyof typeof arrayTypes): Values {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  if (length > 2 ** 31 - 1)
    throw new TooManyValuesError(`there are ${length} values; read fewer entries at a time`);
  const joined = new arrayTypes[type](length);
  let at = 0;
  for (const part of parts) {
    (joined as Float64Array).set(part as Float64Array, at);
    at += part.length;
  }
  return joined;
}

function joinOffsets(parts: Int32Array[]): Int32Array<ArrayBuffer> {
  const items = parts.reduce((sum, part) => sum + part.length - 1, 0);
  const joined = new Int32Array(items + 1);
  let at = 0;
  let base = 0;
  for (const part of parts) {
    for (let i = 1; i < part.length; i++) joined[++at] = part[i] + base;
    base += part[part.length - 1];
  }
  return joined;
}
