// Baskets to one column of exactly the entries that were asked for.

import type { Take } from "../budget.ts";
import type { Column } from "../columns/column.ts";
import { BlockError } from "../compression/blocks.ts";
import { counted, startsOf } from "./counted.ts";
import { type Layout, valuesPerItem } from "./layout.ts";
import { placeNumbers } from "./numbers.ts";
import { ObjectBytes } from "./objectBytes.ts";
import {
  allNumbers,
  allocate,
  type Cut,
  nested,
  type Part,
  type SharedOffsets,
  setNumbers,
} from "./parts.ts";

/**
 * Entries start to stop - 1, all of which the parts hold, in order. Offsets that an array of the same counter has had in
 * `shared` are checked against this one's and used again.
 */
export function decode(
  parts: Part[],
  layout: Layout,
  start: number,
  stop: number,
  take: Take,
  shared: SharedOffsets,
): Column {
  const cuts = parts.map((part) => ({
    part,
    content: part.content,
    from: Math.max(start - part.basket.firstEntry, 0),
    to: Math.min(stop - part.basket.firstEntry, part.basket.entries),
  }));
  switch (layout.kind) {
    case "fixed":
      return fixed(cuts, layout, stop - start, take);
    case "counted":
      return counted(cuts, layout, stop - start, take, shared);
    case "objects":
      return objects(cuts, layout);
  }
}

function fixed(cuts: Cut[], layout: Extract<Layout, { kind: "fixed" }>, entries: number, take: Take): Column {
  const { format, dimensions } = layout;
  const perEntry = valuesPerItem(dimensions);
  const stride = perEntry * format.bytes;
  for (const { content } of cuts)
    if (content.values.length !== content.entries * stride)
      throw new BlockError(
        `a basket of ${content.entries} entries has ${content.values.length} bytes in place of ${content.entries * stride}`,
      );
  const number = { kind: "number", type: format.type } as const;
  if (cuts.length === 1) {
    const [{ part, content, from, to }] = cuts;
    part.whole ??= { values: allNumbers(content, content.values, format, take), offsets: null };
    return nested(
      { ...number, values: part.whole.values.subarray(from * perEntry, to * perEntry) },
      dimensions,
    );
  }
  const values = allocate(format, entries * perEntry, take);
  let at = 0;
  for (const { part, content, from, to } of cuts) {
    if (part.whole) setNumbers(values, at, part.whole.values, from * perEntry, to * perEntry);
    else placeNumbers(content.values.subarray(from * stride, to * stride), format, values, at);
    at += (to - from) * perEntry;
  }
  return nested({ ...number, values }, dimensions);
}

function objects(cuts: Cut[], layout: Extract<Layout, { kind: "objects" }>): Column {
  const collector = layout.reader.collect();
  for (const { content, from, to } of cuts) {
    const bytes = new ObjectBytes(content.values);
    const starts = content.table ? startsOf(content, from, to) : null;
    // Without a table all entries have the same length.
    const stride = content.values.length / Math.max(content.entries, 1);
    if (!starts && !Number.isInteger(stride))
      throw new BlockError("a basket's entries are not of one length");
    for (let i = from; i < to; i++) {
      bytes.at = starts ? starts[i - from] : i * stride;
      bytes.end = starts ? starts[i - from + 1] : (i + 1) * stride;
      collector.read(bytes);
      if (bytes.at !== bytes.end)
        throw new BlockError(`entry ${i} of a basket has ${bytes.end - bytes.at} bytes more than its type`);
    }
  }
  return collector.finish();
}
