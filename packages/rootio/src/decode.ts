// The content of a basket to typed arrays: big-endian values, and offsets of the entries counted in values.

import type { BasketContent } from "./basket.ts";
import type { ElementType, Layout } from "./branch.ts";
import { BlockError } from "./decompress.ts";

export type Values =
  | Uint8Array<ArrayBuffer>
  | Int8Array<ArrayBuffer>
  | Int16Array<ArrayBuffer>
  | Uint16Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | Uint32Array<ArrayBuffer>
  | BigInt64Array<ArrayBuffer>
  | BigUint64Array<ArrayBuffer>
  | Float32Array<ArrayBuffer>
  | Float64Array<ArrayBuffer>;

export const arrayTypes = {
  bool: Uint8Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  float32: Float32Array,
  float64: Float64Array,
} as const;

/** Values of a basket and, for entries of more than one value, entries + 1 offsets into them. */
export interface DecodedBasket {
  entries: number;
  values: Values;
  offsets: Int32Array | null;
}

/** Bytes before the values of a std::vector: byte count (4), version (2), length (4). */
const vectorHeaderBytes = 10;

export function decodeBasket(content: BasketContent, type: ElementType, layout: Layout): DecodedBasket {
  const { entries } = content;
  const size = arrayTypes[type].BYTES_PER_ELEMENT;
  if (layout.kind === "scalar" || layout.kind === "fixed") {
    const perEntry = layout.kind === "fixed" ? layout.length : 1;
    if (content.values.length !== entries * perEntry * size)
      throw new BlockError(
        `a basket of ${entries} entries has ${content.values.length} bytes in place of ${entries * perEntry * size}`,
      );
    const offsets =
      layout.kind === "fixed" ? Int32Array.from({ length: entries + 1 }, (_, i) => i * perEntry) : null;
    return { entries, values: toValues(content.values, type), offsets };
  }
  const header = layout.kind === "vector" ? vectorHeaderBytes : 0;
  const starts = content.entryOffsets;
  if (starts.length !== entries) throw new BlockError("a basket has no table of entry offsets");
  const offsets = new Int32Array(entries + 1);
  for (let i = 0; i < entries; i++) {
    const end = i + 1 < entries ? starts[i + 1] : content.values.length;
    const count = (end - starts[i] - header) / size;
    if (starts[i] < 0 || end > content.values.length || !Number.isInteger(count) || count < 0)
      throw new BlockError(`entry ${i} of a basket has impossible offsets (${starts[i]} to ${end})`);
    offsets[i + 1] = offsets[i] + count;
  }
  if (entries > 0 && starts[0] !== 0) throw new BlockError("the first entry of a basket does not begin at 0");
  const bytes = header === 0 ? content.values : withoutHeaders(content, offsets, size);
  return { entries, values: toValues(bytes, type), offsets };
}

function withoutHeaders(
  { values, entryOffsets }: BasketContent,
  offsets: Int32Array,
  size: number,
): Uint8Array {
  const view = new DataView(values.buffer, values.byteOffset, values.byteLength);
  const bytes = new Uint8Array(offsets[offsets.length - 1] * size);
  entryOffsets.forEach((start, i) => {
    const count = offsets[i + 1] - offsets[i];
    if (view.getInt32(start + 6) !== count)
      throw new BlockError(`entry ${i} of a basket says ${view.getInt32(start + 6)} values but has ${count}`);
    const from = start + vectorHeaderBytes;
    bytes.set(values.subarray(from, from + count * size), offsets[i] * size);
  });
  return bytes;
}

/** A copy of the bytes in the machine's order (little-endian), in an aligned buffer of its own. */
function toValues(bigEndian: Uint8Array, type: ElementType): Values {
  const bytes = Buffer.from(new Uint8Array(bigEndian).buffer);
  const size = arrayTypes[type].BYTES_PER_ELEMENT;
  if (size === 2) bytes.swap16();
  else if (size === 4) bytes.swap32();
  else if (size === 8) bytes.swap64();
  return new arrayTypes[type](bytes.buffer, bytes.byteOffset, bytes.length / size);
}
