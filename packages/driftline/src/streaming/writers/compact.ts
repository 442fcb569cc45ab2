// Entries cut out of a column: offsets begin at 0, and lists hold nothing more than the entries do.

import { type Column, lengthOf } from "@driftline/rootio";

/** The same entries; the column itself where it is compact already. */
export function compact(column: Column): Column {
  return sliceOf(column, 0, lengthOf(column));
}

/** Entries start to stop - 1. */
export function sliceOf(column: Column, start: number, stop: number): Column {
  const whole = start === 0 && stop === lengthOf(column);
  switch (column.kind) {
    case "number":
      return whole
        ? column
        : { ...column, values: column.values.subarray(start, stop) as typeof column.values };
    case "string": {
      const { offsets, bytes } = column;
      const [from, to] = [offsets[start], offsets[stop]];
      if (whole && from === 0 && to === bytes.length) return column;
      return { ...column, offsets: rebased(offsets, start, stop), bytes: bytes.subarray(from, to) };
    }
    case "list":
    case "optional": {
      const { offsets } = column;
      const content = sliceOf(column.content, offsets[start], offsets[stop]);
      if (whole && offsets[start] === 0) return content === column.content ? column : { ...column, content };
      return { ...column, offsets: rebased(offsets, start, stop), content };
    }
    case "record":
      return {
        kind: "record",
        length: stop - start,
        fields: new Map([...column.fields].map(([name, field]) => [name, sliceOf(field, start, stop)])),
      };
    case "union":
      return {
        ...column,
        tags: column.tags.subarray(start, stop),
        indices: column.indices.subarray(start, stop),
      };
  }
}

function rebased(offsets: Int32Array<ArrayBuffer>, start: number, stop: number): Int32Array<ArrayBuffer> {
  return offsets.slice(start, stop + 1).map((offset) => offset - offsets[start]);
}
