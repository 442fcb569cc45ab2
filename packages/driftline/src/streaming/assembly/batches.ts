// Batches for a trainer, straight from the files: pieces in their shuffled order, cut to batches of one size. For data
// that are larger than the disk, or that are read once.

import type { Split } from "../../family/responses.ts";
import type { Matrix } from "../features/encode.ts";
import { splits } from "../split.ts";
import { groupsOf } from "./build.ts";
import type { Encoding } from "./encoding.ts";
import type { Measured } from "./measure.ts";
import { type Piece, piecesOf } from "./pieces.ts";
import type { Assembly } from "./prepare.ts";

/** Where in the stream a batch begins: a trainer that stored the place after its last batch goes on there. */
export interface Place {
  epoch: number;
  piece: number;
  row: number;
}

export interface Batch {
  matrix: Matrix;
  labels: Float32Array<ArrayBuffer>;
  weights: Float32Array<ArrayBuffer>;
  ids: BigInt64Array<ArrayBuffer>;
  /** Where the next batch begins. */
  next: Place;
}

export interface BatchOptions {
  rows: number;
  part: Split;
  epochs: number;
  from?: Place;
  signal?: AbortSignal;
  /** Entries read so far. */
  onProgress?: (entries: number) => void;
}

/** Rows in a new order each epoch. The last batch of an epoch may be smaller. */
export async function* batchesOf(
  assembly: Assembly,
  measured: Measured,
  encoding: Encoding,
  { rows, part, epochs, from, signal, onProgress }: BatchOptions,
): AsyncGenerator<Batch> {
  const groups = groupsOf(assembly, measured);
  const repeat = assembly.specification.balance?.how === "repeat" && part === "train";
  let entries = 0;
  for (let epoch = from?.epoch ?? 0; epoch < epochs; epoch++) {
    const start = from?.epoch === epoch ? from : { epoch, piece: 0, row: 0 };
    let held: Held = emptyHeld();
    const pieces = piecesOf(assembly, encoding, groups, {
      withScale: true,
      part: splits.indexOf(part),
      epoch,
      repeat,
      from: start.piece,
      signal,
    });
    for await (const piece of pieces) {
      entries += piece.entries;
      onProgress?.(entries);
      held.parts.push({ piece, row: piece.number === start.piece ? start.row : 0 });
      held.rows += piece.matrix.rows - held.parts.at(-1)!.row;
      while (held.rows >= rows) yield cut(held, rows, epoch);
    }
    if (held.rows > 0) yield cut(held, held.rows, epoch);
    held = emptyHeld();
  }
}

/** Pieces of which rows are left, and how many rows those are. */
interface Held {
  parts: { piece: Piece; row: number }[];
  rows: number;
}

function emptyHeld(): Held {
  return { parts: [], rows: 0 };
}

function cut(held: Held, rows: number, epoch: number): Batch {
  const width = held.parts[0].piece.matrix.width;
  const values = new Float32Array(rows * width);
  const mask = new Uint8Array(rows * width);
  const labels = new Float32Array(rows);
  const weights = new Float32Array(rows);
  const ids = new BigInt64Array(rows);
  let next: Place = { epoch, piece: 0, row: 0 };
  for (let at = 0; at < rows; ) {
    const part = held.parts[0];
    const { matrix } = part.piece;
    const count = Math.min(rows - at, matrix.rows - part.row);
    const end = part.row + count;
    values.set(matrix.values.subarray(part.row * width, end * width), at * width);
    mask.set(matrix.mask.subarray(part.row * width, end * width), at * width);
    labels.set(part.piece.labels.subarray(part.row, end), at);
    weights.set(part.piece.weights.subarray(part.row, end), at);
    ids.set(part.piece.ids.subarray(part.row, end), at);
    at += count;
    part.row = end;
    next = { epoch, piece: part.piece.number, row: end };
    if (end === matrix.rows) held.parts.shift();
  }
  held.rows -= rows;
  return { matrix: { rows, width, values, mask }, labels, weights, ids, next };
}
