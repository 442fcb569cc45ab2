// One item of a column as a plain value, for printing and for tests; loops over columns need no such thing.

import type { Column } from "./column.ts";

const utf8 = new TextDecoder();

/**
 * Numbers, bigints (64-bit integers), booleans, strings, arrays and objects; null for an optional or variant without
 * a value.
 */
export function itemOf(column: Column, i: number): unknown {
  switch (column.kind) {
    case "number":
      return column.type === "bool" ? column.values[i] !== 0 : column.values[i];
    case "string":
      return utf8.decode(column.bytes.subarray(column.offsets[i], column.offsets[i + 1]));
    case "list": {
      const from = column.offsets[i];
      return Array.from({ length: column.offsets[i + 1] - from }, (_, k) => itemOf(column.content, from + k));
    }
    case "optional":
      return column.offsets[i + 1] > column.offsets[i] ? itemOf(column.content, column.offsets[i]) : null;
    case "record":
      return Object.fromEntries([...column.fields].map(([name, field]) => [name, itemOf(field, i)]));
    case "union":
      return column.tags[i] === 0 ? null : itemOf(column.alternatives[column.tags[i] - 1], column.indices[i]);
  }
}
