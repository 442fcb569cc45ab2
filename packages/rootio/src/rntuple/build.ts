// From the pages of a cluster to the column of a field: which pages are wanted, and the values once they are there.

import { arrayTypes, type Column, type ElementType, type Values } from "../columns/column.ts";
import { BlockError } from "../compression/blocks.ts";
import type { Cluster, ColumnPages, Page } from "./clusters.ts";
import type { Node } from "./nodes.ts";
import type { PhysicalColumn } from "./schema.ts";

/** A page that must be read before a column can be built. */
export interface WantedPage {
  page: Page;
  column: PhysicalColumn;
}

export interface Building {
  cluster: Cluster;
  /** Decoded pages. */
  loaded: Map<Page, Values>;
  /** Filled with what is missing; what was built is of use only where this stays empty. */
  wanted: WantedPage[];
  /** Counts the bytes that a column takes; throws where they become too many. */
  take(bytes: number): void;
}

/** All pages of a node in a cluster, for a range that is the whole cluster. */
export function pagesOf(node: Node, cluster: Cluster): WantedPage[] {
  const own = "representations" in node ? inUse(node.representations, cluster) : [];
  const pages = own.flatMap(({ column, pages }) => pages.pages.map((page) => ({ page, column })));
  const children =
    node.kind === "record"
      ? node.fields.map((field) => field.node)
      : node.kind === "union"
        ? node.alternatives
        : "content" in node
          ? [node.content]
          : [];
  return [...pages, ...children.flatMap((child) => pagesOf(child, cluster))];
}

/**
 * Items `from` to `to - 1` of a node, counted from the start of the cluster. `all` is how many items the cluster has,
 * known for nodes that are in no collection: a column that was added late begins with zeros that nobody wrote.
 */
export function build(node: Node, building: Building, from: number, to: number, all: number | null): Column {
  switch (node.kind) {
    case "number": {
      const [source] = inUse(node.representations, building.cluster);
      return {
        kind: "number",
        type: node.type,
        values: elements(source, building, from, to, all, node.type),
      };
    }
    case "cardinality": {
      const { offsets } = collection(node.representations, building, from, to, all);
      const values = new BigInt64Array(to - from);
      for (let i = 0; i < values.length; i++) values[i] = BigInt(offsets[i + 1] - offsets[i]);
      return { kind: "number", type: "int64", values };
    }
    case "string": {
      const { offsets, first, last, sources } = collection(node.representations, building, from, to, all);
      const bytes = elements(sources[1], building, first, last, null, "uint8") as Uint8Array<ArrayBuffer>;
      return { kind: "string", offsets, bytes };
    }
    case "list":
    case "optional": {
      const { offsets, first, last } = collection(node.representations, building, from, to, all);
      return { kind: node.kind, offsets, content: build(node.content, building, first, last, null) };
    }
    case "array": {
      const { length } = node;
      if ((to - from) * length > 2 ** 31 - 1) throw new BlockError(`an array of ${length} items is too long`);
      building.take(4 * (to - from + 1));
      const offsets = new Int32Array(to - from + 1);
      for (let i = 1; i < offsets.length; i++) offsets[i] = i * length;
      const content = build(
        node.content,
        building,
        from * length,
        to * length,
        all === null ? null : all * length,
      );
      return { kind: "list", offsets, content, length };
    }
    case "record":
      return {
        kind: "record",
        length: to - from,
        fields: new Map(node.fields.map(({ name, node }) => [name, build(node, building, from, to, all)])),
      };
    case "union":
      return union(node, building, from, to, all);
  }
}

interface Source {
  column: PhysicalColumn;
  pages: ColumnPages;
}

/** The columns of the representation that the cluster uses. */
function inUse(representations: PhysicalColumn[][], cluster: Cluster): Source[] {
  for (const columns of representations) {
    const pages = columns.map((column) => cluster.columns[column.id]);
    if (pages.includes(null)) continue;
    return columns.map((column, i) => ({ column, pages: pages[i] ?? { pages: [], elements: 0 } }));
  }
  throw new BlockError("a cluster has none of a field's representations");
}

/** Elements `from` to `to - 1` of a column in the cluster, converted to the type where it is stored as another. */
function elements(
  { column, pages }: Source,
  building: Building,
  from: number,
  to: number,
  all: number | null,
  type: ElementType,
): Values {
  const leading = column.deferred && all !== null ? Math.max(all - pages.elements, 0) : 0;
  if (to > leading + pages.elements)
    throw new BlockError(`a column has ${pages.elements} elements in a cluster, of which ${to} are needed`);
  const arrayType = arrayTypes[type];
  building.take((to - from) * arrayType.BYTES_PER_ELEMENT);
  const values = new arrayType(to - from);
  let first = leading;
  for (const page of pages.pages) {
    const start = Math.max(first, from);
    const stop = Math.min(first + page.elements, to);
    if (start < stop) {
      const decoded = building.loaded.get(page);
      if (decoded) place(decoded.subarray(start - first, stop - first), values, start - from);
      else building.wanted.push({ page, column });
    }
    first += page.elements;
  }
  return values;
}

function place(part: Values, values: Values, at: number): void {
  const isBig = (array: Values) => array instanceof BigInt64Array || array instanceof BigUint64Array;
  if (isBig(part) === isBig(values)) (values as Float64Array).set(part as Float64Array, at);
  else if (isBig(part)) (values as Float64Array).set(Float64Array.from(part, Number), at);
  else for (let i = 0; i < part.length; i++) (values as BigInt64Array)[at + i] = BigInt(part[i]);
}

/** Offsets of the lists, and the range of their items in the cluster. */
function collection(
  representations: PhysicalColumn[][],
  building: Building,
  from: number,
  to: number,
  all: number | null,
) {
  const sources = inUse(representations, building.cluster);
  const begin = Math.max(from - 1, 0);
  const ends = elements(sources[0], building, begin, to, all, "float64") as Float64Array;
  building.take(4 * (to - from + 1));
  const offsets = new Int32Array(to - from + 1);
  if (building.wanted.length > 0) return { offsets, first: 0, last: 0, sources };
  const first = from === 0 ? 0 : ends[0];
  let previous = first;
  for (let i = 0; i < to - from; i++) {
    const end = ends[from - begin + i];
    if (!(end >= previous && end - first <= 2 ** 31 - 1))
      throw new BlockError(`a collection ends at ${end}, after one that ends at ${previous}`);
    offsets[i + 1] = end - first;
    previous = end;
  }
  return { offsets, first, last: previous, sources };
}

function union(
  node: Extract<Node, { kind: "union" }>,
  building: Building,
  from: number,
  to: number,
  all: number | null,
): Column {
  const [source] = inUse(node.representations, building.cluster);
  const begin = source.column.deferred && all !== null ? Math.max(all - source.pages.elements, 0) : 0;
  building.take(5 * (to - from));
  const tags = new Uint8Array(to - from);
  const indices = new Int32Array(to - from);
  const first = node.alternatives.map(() => Number.POSITIVE_INFINITY);
  const last = node.alternatives.map(() => 0);
  const places = new Float64Array(to - from);
  let element = begin;
  if (to > begin + source.pages.elements) throw new BlockError("a variant has too few elements in a cluster");
  for (const page of source.pages.pages) {
    const words = building.loaded.get(page) as Uint32Array | undefined;
    const start = Math.max(element, from);
    const stop = Math.min(element + page.elements, to);
    if (start < stop && !words) building.wanted.push({ page, column: source.column });
    for (let i = start; i < stop && words; i++) {
      const at = 3 * (i - element);
      const tag = words[at + 2];
      if (tag > node.alternatives.length) throw new BlockError(`a variant holds alternative ${tag}`);
      const place = words[at] + words[at + 1] * 2 ** 32;
      tags[i - from] = tag;
      places[i - from] = place;
      if (tag === 0) continue;
      first[tag - 1] = Math.min(first[tag - 1], place);
      last[tag - 1] = Math.max(last[tag - 1], place + 1);
    }
    element += page.elements;
  }
  const alternatives = node.alternatives.map((alternative, k) =>
    last[k] === 0
      ? build(alternative, building, 0, 0, null)
      : build(alternative, building, first[k], last[k], null),
  );
  for (let i = 0; i < tags.length; i++) if (tags[i] > 0) indices[i] = places[i] - first[tags[i] - 1];
  return { kind: "union", tags, indices, alternatives };
}
