// The pages of a column chunk: headers, decompression, levels and values, one page at a time.

import { brotliDecompressSync, crc32, gunzipSync, zstdDecompressSync } from "node:zlib";
import { type ColumnMetaData, snappyUncompress } from "hyparquet";
import { parquetHeader } from "hyparquet/src/column.js";
import { uncompressSync } from "lz4-napi";
import { DamagedError } from "../damaged.ts";
import type { Builder } from "./builder.ts";
import { bitsFor, readHybrid } from "./levels.ts";
import type { Leaf } from "./schema.ts";
import { type Decoded, decodeDictionary, decodeValues } from "./values.ts";

/** No writer makes pages of more bytes or slots; a damaged header may claim any. */
const mostPageBytes = 256 * 1024 * 1024;
const mostSlots = 32 * 1024 * 1024;

/** A decompressor with how many bytes one byte can become at most. */
type Decompressor = { ratio: number; run: (bytes: Uint8Array, length: number) => Uint8Array };
const atMost = (length: number) => ({ maxOutputLength: Math.max(length, 1) });
const decompressors: Partial<Record<ColumnMetaData["codec"], Decompressor>> = {
  UNCOMPRESSED: { ratio: 1, run: (bytes) => bytes },
  SNAPPY: {
    ratio: 64,
    run(bytes, length) {
      const output = new Uint8Array(length);
      snappyUncompress(bytes, output);
      return output;
    },
  },
  GZIP: { ratio: 1100, run: (bytes, length) => gunzipSync(bytes, atMost(length)) },
  ZSTD: {
    ratio: Number.POSITIVE_INFINITY,
    run: (bytes, length) => zstdDecompressSync(bytes, atMost(length)),
  },
  BROTLI: {
    ratio: Number.POSITIVE_INFINITY,
    run: (bytes, length) => brotliDecompressSync(bytes, atMost(length)),
  },
  LZ4_RAW: {
    ratio: 256,
    run(bytes, length) {
      // The library expects the length before the block.
      const sized = new Uint8Array(bytes.length + 4);
      new DataView(sized.buffer).setUint32(0, length, true);
      sized.set(bytes, 4);
      return uncompressSync(sized);
    },
  },
};

export interface PageReader {
  /** Reads the next page into the builder; false at the end. */
  next(): boolean;
}

/** Reads the pages of the column chunk that these bytes are. Throws DamagedError, and what decoders throw. */
export function pageReader(leaf: Leaf, meta: ColumnMetaData, bytes: Uint8Array, into: Builder): PageReader {
  const decompressor = decompressors[meta.codec];
  if (!decompressor) throw new DamagedError(`it is compressed by ${meta.codec}, which is not read`);
  const reader = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), offset: 0 };
  const values = Number(meta.num_values);
  let seen = 0;
  let dictionary: Decoded | null = null;

  function decompressed(from: Uint8Array, length: number): Uint8Array {
    const { ratio, run } = decompressor!;
    if (!(length >= 0 && length <= mostPageBytes && length <= ratio * from.length + 64))
      throw new DamagedError(`a page of ${from.length} bytes claims to hold ${length}`);
    const page = length === 0 ? new Uint8Array(0) : run(from, length);
    if (page.length !== length)
      throw new DamagedError(`a page holds ${page.length} bytes and claims to hold ${length}`);
    return page;
  }

  function levels(page: Uint8Array, from: number, to: number, largest: number, count: number): Uint8Array {
    const found = new Uint8Array(count);
    if (from < 0 || to > page.length || to < from) throw new DamagedError("levels end early");
    readHybrid(page, from, to, bitsFor(largest), found);
    return found;
  }

  /** Levels and values of a page; each kind of levels begins with its length, where it is not given. */
  function add(
    page: Uint8Array,
    count: number,
    encoding: string,
    lengths: { repetition: number; definition: number } | null,
    body: (from: number) => Uint8Array,
  ): void {
    if (!(count >= 0 && count <= mostSlots)) throw new DamagedError(`a page claims ${count} values`);
    if (seen + count > values)
      throw new DamagedError(`its pages hold more than the ${values} values announced`);
    let at = 0;
    const part = (largest: number, given: number | undefined) => {
      if (largest === 0 && given === undefined) return null;
      if (given === undefined && at + 4 > page.length) throw new DamagedError("levels end early");
      const length = given ?? new DataView(page.buffer, page.byteOffset).getUint32(at, true);
      const from = given === undefined ? at + 4 : at;
      at = from + length;
      return largest === 0 ? null : levels(page, from, at, largest, count);
    };
    const repetition = part(leaf.lists.length, lengths?.repetition);
    const definition = part(leaf.maxDefinition, lengths?.definition);
    let present = count;
    if (definition !== null) {
      present = 0;
      for (const level of definition) if (level === leaf.maxDefinition) present++;
    }
    into.add(count, repetition, definition, decodeValues(leaf, encoding, body(at), present, dictionary));
    seen += count;
  }

  return {
    next() {
      while (seen < values && reader.offset < bytes.length) {
        const header = parquetHeader(reader);
        const length = header.compressed_page_size;
        if (!(length >= 0 && reader.offset + length <= bytes.length))
          throw new DamagedError("a page ends early");
        const raw = bytes.subarray(reader.offset, reader.offset + length);
        reader.offset += length;
        // Few writers give one, of the page as it is stored.
        if (header.crc !== undefined && crc32(raw) !== header.crc >>> 0)
          throw new DamagedError("the checksum of a page differs");
        if (header.type === "DICTIONARY_PAGE") {
          const { num_values } = header.dictionary_page_header ?? {};
          if (num_values === undefined || num_values < 0)
            throw new DamagedError("a dictionary without a size");
          dictionary = decodeDictionary(leaf, decompressed(raw, header.uncompressed_page_size), num_values);
        } else if (header.type === "DATA_PAGE" && header.data_page_header) {
          const { num_values, encoding } = header.data_page_header;
          const page = decompressed(raw, header.uncompressed_page_size);
          add(page, num_values, encoding, null, (from) => page.subarray(from));
          return true;
        } else if (header.type === "DATA_PAGE_V2" && header.data_page_header_v2) {
          const v2 = header.data_page_header_v2;
          const repetition = v2.repetition_levels_byte_length;
          const definition = v2.definition_levels_byte_length;
          if (!(repetition >= 0 && definition >= 0 && repetition + definition <= raw.length))
            throw new DamagedError("levels end early");
          const rest = header.uncompressed_page_size - repetition - definition;
          // Levels are never compressed here; values are, unless the page says no.
          const body = (from: number) =>
            v2.is_compressed ? decompressed(raw.subarray(from), rest) : raw.subarray(from);
          add(raw, v2.num_values, v2.encoding, { repetition, definition }, body);
          return true;
        }
      }
      if (seen !== values) throw new DamagedError(`its pages hold ${seen} of the ${values} values announced`);
      into.end();
      return false;
    },
  };
}
