// Pages of Parquet: levels packed into bits, values plain, compressed; and the least and greatest value of a column.

import { promisify } from "node:util";
import { gzip, zstdCompress } from "node:zlib";
import type { NumberColumn, StringColumn } from "@driftline/rootio";
import type { CompressionCodec, Statistics } from "hyparquet";
import { ByteWriter } from "hyparquet-writer";
import { writePageHeader } from "hyparquet-writer/src/datapage.js";
import { snappyCompress } from "hyparquet-writer/src/snappy.js";
import type { LeafValues } from "./parquetLevels.ts";
import type { LeafPlan } from "./parquetSchema.ts";

const gzipAsync = promisify(gzip);
const zstdAsync = promisify(zstdCompress);

export const codecs: Record<
  string,
  { name: CompressionCodec; compress: (bytes: Uint8Array) => Promise<Uint8Array> }
> = {
  zstd: { name: "ZSTD", compress: (bytes) => zstdAsync(bytes) },
  snappy: { name: "SNAPPY", compress: async (bytes) => snappyCompress(bytes) },
  gzip: { name: "GZIP", compress: (bytes) => gzipAsync(bytes) },
  none: { name: "UNCOMPRESSED", compress: async (bytes) => bytes },
};

export interface Page {
  bytes: Uint8Array;
  /** With its header, as `bytes` is. */
  uncompressedBytes: number;
  places: number;
}

/** A data page of version 1, which all readers know. */
export async function pageOf(leaf: LeafValues, plan: LeafPlan, codec: string): Promise<Page> {
  const content = Buffer.concat([
    leaf.repetition ? packLevels(leaf.repetition, plan.maxRepetition) : new Uint8Array(0),
    leaf.definition ? packLevels(leaf.definition, plan.maxDefinition) : new Uint8Array(0),
    plainBytes(leaf.values),
  ]);
  const stored = await codecs[codec].compress(content);
  const header = new ByteWriter();
  writePageHeader(header, {
    type: "DATA_PAGE",
    uncompressed_page_size: content.length,
    compressed_page_size: stored.length,
    data_page_header: {
      num_values: leaf.places,
      encoding: "PLAIN",
      definition_level_encoding: "RLE",
      repetition_level_encoding: "RLE",
    },
  });
  const head = header.getBytes();
  return {
    bytes: Buffer.concat([head, stored]),
    uncompressedBytes: head.length + content.length,
    places: leaf.places,
  };
}

/** Four bytes of length, then one run of the hybrid encoding: groups of eight levels, the lowest bits first. */
function packLevels(levels: Uint8Array, most: number): Uint8Array {
  const width = 32 - Math.clz32(most);
  const groups = Math.ceil(levels.length / 8);
  const run = new ByteWriter();
  run.appendVarInt(groups * 2 + 1);
  const head = run.getBytes();
  const packed = new Uint8Array(4 + head.length + groups * width);
  new DataView(packed.buffer).setUint32(0, packed.length - 4, true);
  packed.set(head, 4);
  const start = 4 + head.length;
  for (let i = 0, bit = 0; i < levels.length; i++, bit += width) {
    const at = start + (bit >> 3);
    const shifted = levels[i] << (bit & 7);
    packed[at] |= shifted;
    if (shifted > 255) packed[at + 1] |= shifted >> 8;
  }
  return packed;
}

/** The bits of the values as they are; integers below 32 bits are widened, bool is packed, strings follow their length. */
function plainBytes(column: NumberColumn | StringColumn): Uint8Array {
  if (column.kind === "string") {
    const { offsets, bytes } = column;
    const plain = Buffer.alloc(bytes.length + 4 * (offsets.length - 1));
    for (let i = 0, at = 0; i + 1 < offsets.length; i++) {
      at = plain.writeUInt32LE(offsets[i + 1] - offsets[i], at);
      plain.set(bytes.subarray(offsets[i], offsets[i + 1]), at);
      at += offsets[i + 1] - offsets[i];
    }
    return plain;
  }
  const { type, values } = column;
  if (type === "bool") {
    const packed = new Uint8Array(Math.ceil(values.length / 8));
    for (let i = 0; i < values.length; i++) if (values[i]) packed[i >> 3] |= 1 << (i & 7);
    return packed;
  }
  const wide = values.BYTES_PER_ELEMENT < 4 ? Int32Array.from(values as Int16Array) : values;
  return new Uint8Array(wide.buffer, wide.byteOffset, wide.byteLength);
}

/** With more values; of strings there are none. As the format asks, NaN does not count, and a zero has both signs. */
export function widen(before: Statistics, { values: column }: LeafValues): Statistics {
  if (column.kind === "string") return before;
  const { type, values } = column;
  let [min, max] = [before.min_value, before.max_value] as [
    number | bigint | undefined,
    number | bigint | undefined,
  ];
  for (const value of values) {
    if (Number.isNaN(value)) continue;
    if (min === undefined || value < min) min = value;
    if (max === undefined || value > max) max = value;
  }
  if (min === undefined || max === undefined) return before;
  const isFloat = type === "float32" || type === "float64";
  return { min_value: isFloat && min === 0 ? -0 : min, max_value: isFloat && max === 0 ? 0 : max };
}

/** As the library wants them, which tells bool from numbers. */
export function statisticsOf(found: Statistics, { element }: LeafPlan): Statistics | undefined {
  if (found.min_value === undefined) return undefined;
  const isBool = element.type === "BOOLEAN";
  return isBool ? { min_value: found.min_value !== 0, max_value: found.max_value !== 0 } : found;
}
