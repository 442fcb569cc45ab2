// Parquet: a row group for so many entries, or for as many as fit in the memory that one may take.

import { gzipSync, zstdCompressSync } from "node:zlib";
import { type Column, concat, type ElementType, type NumberColumn, type Shape } from "@driftline/rootio";
import type { CompressionCodec, DecodedArray, SchemaElement } from "hyparquet";
import { ByteWriter, ParquetWriter } from "hyparquet-writer";
import { fail } from "../../errors/registry.ts";
import { appendable } from "./appendable.ts";
import { compact, sliceOf } from "./compact.ts";
import { contains } from "./shapes.ts";
import type { Format } from "./writer.ts";

/** Bytes of the columns of a row group; while it is encoded one column takes several times its share. */
const groupBytes = 32 * 2 ** 20;

const codecs: Record<string, CompressionCodec> = {
  zstd: "ZSTD",
  snappy: "SNAPPY",
  gzip: "GZIP",
  none: "UNCOMPRESSED",
};
const compressors = {
  ZSTD: (bytes: Uint8Array) => zstdCompressSync(bytes),
  GZIP: (bytes: Uint8Array) => gzipSync(bytes),
};

export const parquet: Format = {
  name: "Parquet",
  compressions: ["zstd", "snappy", "gzip", "none"],
  problemOf: (shape) => {
    if (contains(shape, ({ kind }) => kind === "union")) return "it holds one type in a column";
    if (contains(shape, (part) => part.kind === "record" && part.fields.length === 0))
      return "its records have at least one field";
    return null;
  },
  open: async (path, columns, { compression, rowGroupEntries = Number.POSITIVE_INFINITY }) => {
    const file = await appendable(path);
    const buffer = new ByteWriter(2 ** 20);
    /** Empties the library's buffer, which counts on. */
    const flush = async () => {
      const bytes = buffer.getBytes();
      buffer.index = 0;
      await file.append(bytes);
    };
    const schema = [
      { name: "root", num_children: columns.length } satisfies SchemaElement,
      ...columns.flatMap(({ name, shape }) => elementsOf(name, shape)),
    ];
    const writer = new ParquetWriter({
      writer: buffer,
      schema,
      codec: codecs[compression],
      compressors,
      createdBy: "driftline",
    });
    let waiting: Record<string, Column>[] = [];
    let entries = 0;
    let bytes = 0;
    const writeGroup = async () => {
      if (entries === 0) return;
      const group = waiting;
      const rowGroupSize = entries;
      waiting = [];
      entries = 0;
      bytes = 0;
      // Made when the library comes to the column, so that one at a time takes the memory of plain arrays.
      const columnData = columns.map(({ name, shape }) => ({
        name,
        get data() {
          const parts = group.map((chunk) => chunk[name]);
          return valuesOf(concat(parts, shape), path, name);
        },
      }));
      await writer.write({ columnData, rowGroupSize });
      await flush();
    };
    return {
      append: async (chunk) => {
        const held = Object.fromEntries(columns.map(({ name }) => [name, compact(chunk.columns[name])]));
        const size = Object.values(held).reduce((sum, column) => sum + bytesOf(column), 0);
        if (bytes + size > groupBytes) await writeGroup();
        for (let at = 0; at < chunk.entries; ) {
          const stop = Math.min(chunk.entries, at + rowGroupEntries - entries);
          waiting.push(
            Object.fromEntries(
              Object.entries(held).map(([name, column]) => [name, sliceOf(column, at, stop)]),
            ),
          );
          entries += stop - at;
          at = stop;
          if (entries >= rowGroupEntries) await writeGroup();
        }
        bytes = entries === 0 ? 0 : bytes + size;
      },
      close: async () => {
        await writeGroup();
        await writer.finish();
        await flush();
        return file.close();
      },
      abort: () => file.abort(),
    };
  },
};

const numberElements: Record<ElementType, Pick<SchemaElement, "type" | "converted_type">> = {
  bool: { type: "BOOLEAN" },
  int8: { type: "INT32", converted_type: "INT_8" },
  uint8: { type: "INT32", converted_type: "UINT_8" },
  int16: { type: "INT32", converted_type: "INT_16" },
  uint16: { type: "INT32", converted_type: "UINT_16" },
  int32: { type: "INT32" },
  uint32: { type: "INT32", converted_type: "UINT_32" },
  int64: { type: "INT64" },
  uint64: { type: "INT64", converted_type: "UINT_64" },
  float32: { type: "FLOAT" },
  float64: { type: "DOUBLE" },
};

/** Parquet's schema of a column: the elements of its tree, each before those within it. */
function elementsOf(
  name: string,
  shape: Shape,
  repetition: SchemaElement["repetition_type"] = "REQUIRED",
): SchemaElement[] {
  const own = { name, repetition_type: repetition };
  switch (shape.kind) {
    case "number":
      return [{ ...own, ...numberElements[shape.type] }];
    case "string":
      return [{ ...own, type: "BYTE_ARRAY", converted_type: "UTF8" }];
    case "list":
      return [
        { ...own, num_children: 1, converted_type: "LIST" },
        { name: "list", num_children: 1, repetition_type: "REPEATED" },
        ...elementsOf("element", shape.content),
      ];
    case "optional":
      return elementsOf(name, shape.content, "OPTIONAL");
    case "record":
      return [
        { ...own, num_children: shape.fields.length },
        ...shape.fields.flatMap((field) => elementsOf(field.name, field.shape)),
      ];
    case "union":
      throw new TypeError("a union");
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Items as the library takes them; within lists and records as plain arrays and objects. */
function valuesOf(column: Column, path: string, name: string): DecodedArray {
  const items = (part: Column) => {
    const values = valuesOf(part, path, name);
    return Array.isArray(values) ? values : Array.from<unknown>(values);
  };
  switch (column.kind) {
    case "number":
      return numbersOf(column);
    case "string": {
      const { offsets, bytes } = column;
      return Array.from({ length: offsets.length - 1 }, (_, i) => {
        try {
          return utf8.decode(bytes.subarray(offsets[i], offsets[i + 1]));
        } catch (cause) {
          throw fail("invalid_data", `cannot write ${path}: column "${name}" has a text that is not UTF-8`, {
            remedy: "Leave the column out, or write a ROOT file, whose strings are any bytes.",
            cause,
          });
        }
      });
    }
    case "list": {
      const { offsets } = column;
      const content = items(column.content);
      return Array.from({ length: offsets.length - 1 }, (_, i) => content.slice(offsets[i], offsets[i + 1]));
    }
    case "optional": {
      const { offsets } = column;
      const content = items(column.content);
      return Array.from({ length: offsets.length - 1 }, (_, i) =>
        offsets[i + 1] > offsets[i] ? content[offsets[i]] : null,
      );
    }
    case "record": {
      const fields = [...column.fields].map(([field, part]): [string, unknown[]] => [field, items(part)]);
      return Array.from({ length: column.length }, (_, i) =>
        Object.fromEntries(fields.map(([field, part]) => [field, part[i]])),
      );
    }
    case "union":
      throw new TypeError("a union");
  }
}

function numbersOf({ type, values }: NumberColumn): DecodedArray {
  if (type === "bool") return Array.from<number | bigint, boolean>(values, (value) => value !== 0);
  // The library takes the bits of a Uint32Array for signed numbers, and refuses the larger ones.
  if (type === "uint32") return Array.from<number | bigint>(values);
  if (values instanceof Int8Array || values instanceof Int16Array || values instanceof Uint16Array)
    return Int32Array.from(values);
  return values as Exclude<typeof values, Int8Array | Int16Array | Uint16Array>;
}

function bytesOf(column: Column): number {
  switch (column.kind) {
    case "number":
      return column.values.byteLength;
    case "string":
      return column.offsets.byteLength + column.bytes.length;
    case "list":
    case "optional":
      return column.offsets.byteLength + bytesOf(column.content);
    case "record":
      return [...column.fields.values()].reduce((sum, field) => sum + bytesOf(field), 0);
    case "union":
      return column.alternatives.reduce(
        (sum, alternative) => sum + bytesOf(alternative),
        column.indices.byteLength,
      );
  }
}
