// An RNTuple opened for reading: its schema, its clusters, and entry ranges of its fields as columns.

import { budget, OverBudgetError } from "../budget.ts";
import { readMerged } from "../bytes/merge.ts";
import type { ByteSource } from "../bytes/source.ts";
import type { Column, Values } from "../columns/column.ts";
import { concat, TooManyValuesError } from "../columns/concat.ts";
import { BlockError } from "../compression/blocks.ts";
import { RootError } from "../errors.ts";
import { checkRange, chunksOf, selectBranches } from "../selection.ts";
import type { BranchInfo, Tree } from "../tree.ts";
import { readAnchor } from "./anchor.ts";
import { build, pagesOf, type WantedPage } from "./build.ts";
import { type Cluster, type ClusterGroup, type Page, readFooter, readPageList } from "./clusters.ts";
import { openEnvelope, readFeatureFlags, UnknownFeatureError } from "./envelope.ts";
import { membersOf, type Node, nodeOf, shapeOf, UnreadableFieldError } from "./nodes.ts";
import { loadPages } from "./pages.ts";
import { emptySchema, extendSchema, type Field } from "./schema.ts";

/** Opens the RNTuple of an anchor. Throws RootError `damaged` or `unsupported`. */
export async function openNTuple(
  source: ByteSource,
  name: string,
  anchorBytes: Uint8Array,
  maxBytes: number,
): Promise<Tree> {
  const where = { file: source.name, tree: name };
  const { schema, groups, headerChecksum } = await named(where, () => readSchema(source, anchorBytes));
  const entries = groups.reduce((last, group) => Math.max(last, group.firstEntry + group.entries), 0);
  const nodes = new Map<string, Node>();
  const branches = new Map<string, BranchInfo>();
  for (const field of schema.top) describe(field, field, [], nodes, branches);
  const pageLists = new Map<ClusterGroup, Promise<Cluster[]>>();
  const clustersOf = (group: ClusterGroup) => {
    const known = pageLists.get(group);
    if (known) return known;
    const { position, stored, length } = group.pageList;
    const clusters = (async () => {
      const [block] = await source.read([{ position, length: stored }]);
      const { content } = await openEnvelope(block, length, "page list");
      return readPageList(content, headerChecksum, group);
    })();
    pageLists.set(group, clusters);
    clusters.catch(() => pageLists.delete(group));
    return clusters;
  };
  const allClusters = () => named(where, async () => (await Promise.all(groups.map(clustersOf))).flat());
  const reader = (): Tree["read"] => {
    // The next range often begins in the cluster in which the last one ended: the pages of that read are kept.
    let kept = new Map<Page, Values>();
    return async (names, range = {}) => {
      const { start, stop } = checkRange(range, { name, entries });
      const selected = selectBranches(names, branches, ".", where);
      const columns = new Map<string, Column>();
      await named(where, async () => {
        const inRange = groups.filter((g) => g.firstEntry < stop && g.firstEntry + g.entries > start);
        const all = (await Promise.all(inRange.map(clustersOf))).flat();
        const clusters = covering(all, start, stop);
        const loaded = kept;
        for (;;) {
          const take = budget(maxBytes);
          const wanted: WantedPage[] = [];
          for (const branch of selected) {
            const node = nodes.get(branch)!;
            const parts = await named({ ...where, branch }, async () =>
              clusters.flatMap((cluster) => {
                const from = Math.max(start - cluster.firstEntry, 0);
                const to = Math.min(stop - cluster.firstEntry, cluster.entries);
                // Of a whole cluster all pages are known before any is read; of a part, those of a collection's
                // items only when its own are there.
                if (from === 0 && to === cluster.entries) {
                  const missing = pagesOf(node, cluster).filter(({ page }) => !loaded.has(page));
                  wanted.push(...missing);
                  if (missing.length > 0) return [];
                }
                return [build(node, { cluster, loaded, wanted, take }, from, to, cluster.entries)];
              }),
            );
            if (wanted.length === 0) columns.set(branch, joined(parts, node));
          }
          if (wanted.length === 0) break;
          await loadPages(source, wanted, loaded, take);
        }
        const last = clusters.at(-1);
        kept = last && stop < last.firstEntry + last.entries ? pagesOfCluster(last, loaded) : new Map();
      });
      return Object.fromEntries(selected.map((branch) => [branch, columns.get(branch)!]));
    };
  };
  return {
    name,
    className: "ROOT::RNTuple",
    entries,
    branches: [...branches.values()],
    read: reader(),
    chunks: (names, size, range) => chunksOf({ name, entries, read: reader() }, names, size, range),
    boundaries: async (names) => {
      selectBranches(names, branches, ".", where);
      const starts = (await allClusters()).map(({ firstEntry }) => firstEntry).filter((start) => start > 0);
      return [0, ...starts.sort((a, b) => a - b)];
    },
    storedBytes: async (names) => {
      const selected = selectBranches(names, branches, ".", where);
      const clusters = await allClusters();
      return selected.map((name) =>
        clusters
          .flatMap((cluster) => pagesOf(nodes.get(name)!, cluster))
          .reduce((sum, { page }) => sum + page.stored, 0),
      );
    },
  };
}

function joined(parts: Column[], node: Node): Column {
  const shape = shapeOf(node);
  return concat(parts.length > 0 ? parts : [emptyOf(node)], shape);
}

function emptyOf(node: Node): Column {
  const cluster: Cluster = { firstEntry: 0, entries: 0, columns: [] };
  return build(node, { cluster, loaded: new Map(), wanted: [], take: () => {} }, 0, 0, 0);
}

async function readSchema(source: ByteSource, anchorBytes: Uint8Array) {
  const { header, footer } = readAnchor(anchorBytes);
  const blocks = await readMerged(source, [
    { position: header.position, length: header.stored },
    { position: footer.position, length: footer.stored },
  ]);
  const { content, checksum } = await openEnvelope(blocks[0], header.length, "header");
  readFeatureFlags(content);
  for (let i = 0; i < 3; i++) content.string(); // name, description and writer
  const schema = emptySchema();
  extendSchema(schema, content);
  const end = await openEnvelope(blocks[1], footer.length, "footer");
  readFeatureFlags(end.content);
  const groups = readFooter(end.content, schema, checksum);
  return { schema, groups, headerChecksum: checksum };
}

/** Lists a field and those within it, and keeps for each readable one what reads it. */
function describe(
  top: Field,
  field: Field,
  path: string[],
  nodes: Map<string, Node>,
  branches: Map<string, BranchInfo>,
): void {
  const name = [top.name, ...path].join(".");
  const info = { name, typeName: field.typeName, counter: null };
  try {
    const node = nodeOf(top, path);
    nodes.set(name, node);
    branches.set(name, { ...info, shape: shapeOf(node), problem: null });
  } catch (error) {
    if (!(error instanceof UnreadableFieldError)) throw error;
    branches.set(name, { ...info, shape: null, problem: error.message });
  }
  // The item of a collection or array has no name of its own.
  let holder = field;
  while (holder.role !== "record" && holder.role !== "variant" && holder.children.length === 1)
    holder = holder.children[0];
  if (holder.role !== "record") return;
  for (const member of membersOf(holder.children))
    describe(top, member, [...path, member.name], nodes, branches);
}

/** The clusters that hold entries of the range, in order; they must cover it. */
function covering(clusters: Cluster[], start: number, stop: number): Cluster[] {
  const chosen = clusters
    .filter((cluster) => cluster.firstEntry < stop && cluster.firstEntry + cluster.entries > start)
    .sort((a, b) => a.firstEntry - b.firstEntry);
  let covered = start;
  for (const cluster of chosen) {
    if (covered === start ? cluster.firstEntry > start : cluster.firstEntry !== covered)
      throw new BlockError(`its clusters do not cover entry ${covered} once`);
    covered = cluster.firstEntry + cluster.entries;
  }
  if (covered < stop) throw new BlockError(`its clusters do not cover entry ${covered}`);
  return chosen;
}

function pagesOfCluster(cluster: Cluster, loaded: Map<Page, Values>): Map<Page, Values> {
  const kept = new Map<Page, Values>();
  for (const column of cluster.columns)
    for (const page of column?.pages ?? []) {
      const values = loaded.get(page);
      if (values) kept.set(page, values);
    }
  return kept;
}

async function named<T>(
  where: { file: string; tree: string; branch?: string },
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof UnknownFeatureError) throw new RootError("unsupported", where, error.message, error);
    if (error instanceof OverBudgetError || error instanceof TooManyValuesError)
      throw new RootError("too_large", where, error.message, error);
    if (error instanceof BlockError)
      throw new RootError("damaged", where, `is truncated or damaged: ${error.message}`, error);
    throw error;
  }
}
