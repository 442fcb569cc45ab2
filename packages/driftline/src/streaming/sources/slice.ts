// Parts of columns: entries [from, to), and the entries of several such ranges.

import { type Column, concat, type Shape, type Values } from "@driftline/rootio";
import { rebased, stringsOf } from "./growing.ts";

/** A column of entries [from, to), copied, so that the rest can be let go. */
export function slice(column: Column, from: number, to: number): Column {
  switch (column.kind) {
    case "number":
      return { ...column, values: column.values.slice(from, to) as Values };
    case "string":
      return stringsOf(column.offsets, column.bytes, from, to);
    case "list":
    case "optional": {
      const content = slice(column.content, column.offsets[from], column.offsets[to]);
      return { ...column, offsets: rebased(column.offsets, from, to), content };
    }
    case "record": {
      const fields = [...column.fields].map(([name, field]) => [name, slice(field, from, to)] as const);
      return { kind: "record", length: to - from, fields: new Map(fields) };
    }
    case "union":
      return {
        ...column,
        tags: column.tags.slice(from, to),
        indices: column.indices.slice(from, to),
      };
  }
}

/** The entries of the lists that are kept, side by side. */
export function keptItems(content: Column, shape: Shape, offsets: Int32Array, keep: Uint8Array): Column {
  const parts: Column[] = [];
  for (let i = 0; i < keep.length; ) {
    if (!keep[i]) {
      i++;
      continue;
    }
    let end = i;
    while (end < keep.length && keep[end]) end++;
    parts.push(slice(content, offsets[i], offsets[end]));
    i = end;
  }
  return parts.length === 0 ? slice(content, 0, 0) : concat(parts, shape);
}

/** Offsets of the same lists, those that are not kept being empty. */
export function keptOffsets(offsets: Int32Array, keep: Uint8Array): Int32Array<ArrayBuffer> {
  const kept = new Int32Array(offsets.length);
  for (let i = 0; i < keep.length; i++) kept[i + 1] = kept[i] + (keep[i] ? offsets[i + 1] - offsets[i] : 0);
  return kept;
}
