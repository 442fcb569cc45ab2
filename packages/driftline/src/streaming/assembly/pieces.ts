// Shuffled pieces of a dataset: slices of several places of the files, encoded, their rows in random order.

import { streams, uniforms } from "@driftline/client/noise";
import { fail } from "../../errors/registry.ts";
import { emptyMatrix, encode, type Matrix } from "../features/encode.ts";
import { type Group, rowOrder } from "./blocks.ts";
import type { Encoding } from "./encoding.ts";
import { rowsOfBlock } from "./measure.ts";
import type { Assembly } from "./prepare.ts";
import type { Rows } from "./source.ts";

/** Tensors of rows: features and mask [rows, width], the others [rows]. */
export interface Piece {
  number: number;
  /** Entries read for it. */
  entries: number;
  matrix: Matrix;
  labels: Float32Array<ArrayBuffer>;
  /** Balanced where the specification says so. */
  weights: Float32Array<ArrayBuffer>;
  ids: BigInt64Array<ArrayBuffer>;
  parts: Uint8Array<ArrayBuffer>;
}

export interface PieceOptions {
  withScale: boolean;
  /** Code of the one part of the split that is wanted; null for all. */
  part: number | null;
  /** Another order of the same rows for each. */
  epoch: number;
  /** Rare training rows are repeated in place of weighted. */
  repeat: boolean;
  /** Pieces before are read past. */
  from?: number;
  signal?: AbortSignal;
}

/** Pieces of the groups in order. Memory is that of two pieces and of the blocks of a group as far as they are decoded. */
export async function* piecesOf(
  assembly: Assembly,
  encoding: Encoding,
  groups: Group[],
  options: PieceOptions,
): AsyncGenerator<Piece> {
  for (const group of groups) {
    if (group.firstPiece + group.pieces <= (options.from ?? 0)) continue;
    const readers = group.blocks.map((block, i) => rowsOfBlock(assembly, block, group.slices[i]));
    try {
      for (let turn = 0; turn < group.pieces; turn++) {
        const slices = await Promise.all(
          readers.map((reader, i) => take(reader, turn === group.pieces - 1 ? Infinity : group.slices[i])),
        );
        options.signal?.throwIfAborted();
        const number = group.firstPiece + turn;
        if (number >= (options.from ?? 0)) yield pieceOf(assembly, encoding, slices.flat(), number, options);
      }
    } finally {
      for (const reader of readers) await reader.return(undefined);
    }
  }
}

/** As many chunks as hold so many entries. */
async function take(reader: AsyncGenerator<Rows>, entries: number): Promise<Rows[]> {
  const taken: Rows[] = [];
  for (let count = 0; count < entries; ) {
    const { value, done } = await reader.next();
    if (done) break;
    taken.push(value);
    count += value.entries;
  }
  return taken;
}

function pieceOf(
  { features, specification }: Assembly,
  { features: encoded, width, factors }: Encoding,
  slices: Rows[],
  number: number,
  { withScale, part, epoch, repeat }: PieceOptions,
): Piece {
  const rows = slices.reduce((sum, slice) => sum + slice.rows, 0);
  const inOrder = emptyMatrix(rows, width);
  const labels = new Float32Array(rows);
  const weights = new Float32Array(rows);
  const ids = new BigInt64Array(rows);
  const parts = new Uint8Array(rows);
  const classes = new Float64Array(rows);
  let at = 0;
  for (const slice of slices) {
    encode(encoded, slice.columns, slice.rows, inOrder, at, withScale);
    labels.set(slice.labels, at);
    weights.set(slice.weights, at);
    ids.set(slice.ids, at);
    parts.set(slice.parts, at);
    classes.set(slice.classes, at);
    at += slice.rows;
  }
  if (specification.missing === "refuse") refuseMissing(features, encoded, slices, inOrder);
  if (factors && !repeat) for (let i = 0; i < rows; i++) weights[i] *= factors.get(classes[i]) ?? 0;
  const { seed } = specification.order;
  let order = rowOrder(rows, seed, epoch, number);
  if (part !== null) order = order.filter((row) => parts[row] === part);
  if (factors && repeat) order = repeated(order, classes, factors, seed, epoch, number);
  return {
    number,
    entries: slices.reduce((sum, slice) => sum + slice.entries, 0),
    matrix: permuted(inOrder, order),
    labels: Float32Array.from(order, (row) => labels[row]),
    weights: Float32Array.from(order, (row) => weights[row]),
    ids: BigInt64Array.from(order, (row) => ids[row]),
    parts: Uint8Array.from(order, (row) => parts[row]),
  };
}

/** Each row as often as its class is rarer than the most frequent one; of the fraction that is left, by chance. */
function repeated(
  order: Int32Array,
  classes: Float64Array,
  factors: Map<number, number>,
  seed: number,
  epoch: number,
  piece: number,
): Int32Array {
  const least = Math.min(...factors.values());
  const u = uniforms(seed, 2 ** 40 + epoch, piece, order.length, streams.order);
  const rows: number[] = [];
  order.forEach((row, i) => {
    const times = (factors.get(classes[row]) ?? 0) / least;
    for (let k = 0; k < Math.floor(times + u[i]); k++) rows.push(row);
  });
  // Copies of a row must not follow one another.
  const mixed = rowOrder(rows.length, seed, 2 ** 40 + epoch, piece);
  return mixed.map((i) => rows[i]);
}

function permuted({ width, values, mask }: Matrix, order: Int32Array): Matrix {
  const result = emptyMatrix(order.length, width);
  order.forEach((row, to) => {
    result.values.set(values.subarray(row * width, (row + 1) * width), to * width);
    result.mask.set(mask.subarray(row * width, (row + 1) * width), to * width);
  });
  return result;
}

/** A cell without a value where the column has one is a NaN or an infinity. */
function refuseMissing(
  features: Assembly["features"],
  encoded: Encoding["features"],
  slices: Rows[],
  { mask, width }: Matrix,
): void {
  let row = 0;
  for (const slice of slices) {
    for (let i = 0; i < slice.rows; i++, row++)
      encoded.forEach(({ first, width: own }, f) => {
        const column = slice.columns[f];
        const length = column.kind === "list" ? Math.min(own, column.offsets[i + 1] - column.offsets[i]) : 1;
        for (let k = 0; k < length; k++)
          if (mask[row * width + first + k] === 0)
            throw fail(
              "invalid_data",
              `Making a dataset: ${features[f].name} is not finite in the row with identity ${slice.ids[i]}.`,
              {
                field: "missing",
                remedy: "Cut such rows with isfinite(…), or write `missing: mask` to have them masked.",
              },
            );
      });
  }
}
