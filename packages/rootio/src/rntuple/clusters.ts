// The clusters of an RNTuple: which entries each holds and where the pages of every column lie, from footer and page lists.

import { BlockError } from "../compression/blocks.ts";
import type { Cursor } from "./cursor.ts";
import { type Link, readLocator } from "./envelope.ts";
import { extendSchema, type Schema } from "./schema.ts";

export interface Page {
  position: number;
  /** Bytes in the file, without the checksum that may follow. */
  stored: number;
  elements: number;
  hasChecksum: boolean;
}

/** The pages of a column in a cluster; null where another representation is in use there. */
export interface ColumnPages {
  pages: Page[];
  elements: number;
}

export interface Cluster {
  firstEntry: number;
  entries: number;
  /** By column id. A column that came later than the cluster is absent. */
  columns: (ColumnPages | null)[];
}

export interface ClusterGroup {
  firstEntry: number;
  entries: number;
  clusters: number;
  pageList: Link;
}

/** Reads a footer into the schema, and gives the cluster groups. */
export function readFooter(content: Cursor, schema: Schema, headerChecksum: bigint): ClusterGroup[] {
  checkBelongs(content, headerChecksum, "footer");
  const extension = content.record();
  if (extension.at < extension.end) extendSchema(schema, extension);
  const groups: ClusterGroup[] = [];
  content.list((list) => {
    const record = list.record();
    const firstEntry = record.count64();
    const entries = record.count64();
    const clusters = record.uint32();
    const length = record.count64();
    groups.push({ firstEntry, entries, clusters, pageList: { length, ...readLocator(record) } });
  });
  return groups;
}

export function readPageList(content: Cursor, headerChecksum: bigint, group: ClusterGroup): Cluster[] {
  checkBelongs(content, headerChecksum, "page list");
  const clusters: Cluster[] = [];
  content.list((list) => {
    const record = list.record();
    const firstEntry = record.count64();
    const word = record.int64();
    const entries = Number(word & 0xffffffffffffffn);
    if (((word >> 56n) & 1n) === 1n) throw new BlockError("it has sharded clusters");
    if (!Number.isSafeInteger(firstEntry + entries))
      throw new BlockError(`a cluster claims ${entries} entries`);
    clusters.push({ firstEntry, entries, columns: [] });
  });
  if (clusters.length !== group.clusters)
    throw new BlockError(`a page list has ${clusters.length} clusters in place of ${group.clusters}`);
  let listed = 0;
  content.list((list, index) => {
    const cluster = clusters[index];
    if (!cluster) throw new BlockError("a page list has pages of a cluster that it does not list");
    listed++;
    list.list((columns) => {
      cluster.columns.push(readPages(columns));
    });
  });
  if (listed !== clusters.length) throw new BlockError("a page list lacks the pages of a cluster");
  return clusters;
}

function readPages(columns: Cursor): ColumnPages | null {
  const pages: Page[] = [];
  let elements = 0;
  const rest = columns.list((content) => {
    const count = content.int32();
    const page = { ...readLocator(content), elements: Math.abs(count), hasChecksum: count < 0 };
    pages.push(page);
    elements += page.elements;
  });
  const suppressed = rest.int64() < 0n;
  return suppressed ? null : { pages, elements };
}

function checkBelongs(content: Cursor, headerChecksum: bigint, what: string): void {
  if (BigInt.asUintN(64, content.int64()) !== headerChecksum)
    throw new BlockError(`its ${what} belongs to another header`);
}
