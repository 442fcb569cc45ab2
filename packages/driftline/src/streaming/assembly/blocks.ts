// The order in which data are read and mixed: blocks of entries in a seeded order, several at a time, so that rows
// that stand together in a file do not stand together in a batch.

import { streams, uniforms } from "@driftline/client/noise";

/** Consecutive entries of one file, read without decompressing what stands before them. */
export interface Block {
  source: number;
  file: number;
  start: number;
  stop: number;
}

/** Blocks that are read side by side, a slice of each at a time; the slices of one turn make a piece. */
export interface Group {
  blocks: Block[];
  /** Entries of each block that a piece takes. */
  slices: number[];
  pieces: number;
  /** Number of the group's first piece. */
  firstPiece: number;
}

/** Small neighbours are read as one block of at least this many entries. */
const leastEntries = 2048;
/** Longer blocks are cut, as of a tree whose branches begin their baskets at different entries: what is read twice at a
 * cut is one basket a branch. */
const mostEntries = 65_536;

/** Blocks of a file; where reading must begin at 0, the file is one block. */
export function blocksOf(
  source: number,
  file: number,
  entries: number,
  boundaries: number[] | null,
): Block[] {
  const starts = (boundaries ?? [0]).filter((start) => start < entries);
  const blocks: Block[] = [];
  starts.forEach((start, i) => {
    const stop = starts[i + 1] ?? entries;
    const last = blocks.at(-1);
    if (last && last.stop - last.start < leastEntries) last.stop = stop;
    else blocks.push({ source, file, start, stop });
  });
  return boundaries === null ? blocks : blocks.flatMap(cutLong);
}

function cutLong(block: Block): Block[] {
  const entries = block.stop - block.start;
  const parts = Math.ceil(entries / mostEntries);
  return Array.from({ length: parts }, (_, i) => ({
    ...block,
    start: block.start + Math.floor((i * entries) / parts),
    stop: block.start + Math.floor(((i + 1) * entries) / parts),
  }));
}

/**
 * Blocks of each source in random order, and the sources interleaved, so that every stretch of the list has about the
 * shares of the whole.
 */
export function shuffleBlocks(blocks: Block[], seed: number): Block[] {
  const u = uniforms(seed, 0, 0, 2 * blocks.length, streams.order);
  const sources = Map.groupBy(
    blocks.map((block, i) => ({ block, draw: u[2 * i], jitter: u[2 * i + 1] })),
    ({ block }) => block.source,
  );
  return [...sources.values()]
    .flatMap((own) =>
      own
        .sort((a, b) => a.draw - b.draw)
        .map(({ block, jitter }, i) => ({ block, place: (i + jitter) / own.length })),
    )
    .sort((a, b) => a.place - b.place)
    .map(({ block }) => block);
}

/** `places` blocks after `places` blocks; pieces of about `entries` entries. */
export function groupBlocks(blocks: Block[], places: number, entries: number): Group[] {
  const groups: Group[] = [];
  let firstPiece = 0;
  for (let i = 0; i < blocks.length; i += places) {
    const own = blocks.slice(i, i + places);
    const total = own.reduce((sum, { start, stop }) => sum + stop - start, 0);
    const pieces = Math.max(1, Math.round(total / entries));
    groups.push({
      blocks: own,
      slices: own.map(({ start, stop }) => Math.ceil((stop - start) / pieces)),
      pieces,
      firstPiece,
    });
    firstPiece += pieces;
  }
  return groups;
}

/** A random order of `rows` rows of a piece (Fisher-Yates); the same for the same seed, epoch and piece. */
export function rowOrder(rows: number, seed: number, epoch: number, piece: number): Int32Array {
  const order = Int32Array.from({ length: rows }, (_, i) => i);
  const u = uniforms(seed, 1 + epoch, piece, rows, streams.order);
  for (let i = rows - 1; i > 0; i--) {
    const j = Math.floor(u[i] * (i + 1));
    const kept = order[i];
    order[i] = order[j];
    order[j] = kept;
  }
  return order;
}
