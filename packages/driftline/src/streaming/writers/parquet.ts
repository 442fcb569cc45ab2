// Parquet: pages as they come full, row groups of so many bytes or entries; its metadata through hyparquet-writer.

import { type Column, concat } from "@driftline/rootio";
import type { ColumnChunk, RowGroup, Statistics } from "hyparquet";
import { ByteWriter } from "hyparquet-writer";
import { writeMetadata } from "hyparquet-writer/src/metadata.js";
import { fail } from "../../errors/registry.ts";
import { appendable } from "./appendable.ts";
import { sliceOf } from "./compact.ts";
import { leavesOf } from "./parquetLevels.ts";
import { codecs, type Page, pageOf, statisticsOf, widen } from "./parquetPages.ts";
import { planSchema } from "./parquetSchema.ts";
import { contains } from "./shapes.ts";
import type { Format, WrittenColumn } from "./writer.ts";

/** Bytes of a column that make a page, and of all columns that make a row group. Compressed pages wait for its end. */
const pageBytes = 2 ** 20;
const groupBytes = 64 * 2 ** 20;

const magic = Buffer.from("PAR1");

/** Of a leaf, in the row group that is being made. */
const noPages = () => ({ pages: [] as Page[], statistics: {} as Statistics });

export const parquet: Format = {
  name: "Parquet",
  compressions: ["zstd", "snappy", "gzip", "none"],
  problemOf: (shape) => {
    if (contains(shape, ({ kind }) => kind === "union")) return "it holds one type in a column";
    if (contains(shape, (part) => part.kind === "record" && part.fields.length === 0))
      return "its records have at least one field";
    return contains(shape, (part) => part.kind === "optional" && part.content.kind === "optional")
      ? "a missing value is missing in one way"
      : null;
  },
  open: async (path, columns, { compression, rowGroupEntries = Number.POSITIVE_INFINITY }) => {
    const { elements, leaves } = planSchema(columns);
    const file = await appendable(path);
    await file.append(magic);
    const groups: RowGroup[] = [];
    const parts = new Map(columns.map(({ name }) => [name, { waiting: [] as Column[], bytes: 0 }]));
    let done = leaves.map(noPages);
    let entries = 0;
    let bytes = 0;

    /** Makes pages, one for each leaf of the column, of what waits. */
    const finishPages = async ({ name, shape }: WrittenColumn) => {
      const part = parts.get(name)!;
      if (part.waiting.length === 0) return;
      const column = concat(part.waiting, shape);
      parts.set(name, { waiting: [], bytes: 0 });
      checkText(column, path, name);
      let at = leaves.findIndex((leaf) => leaf.column === name);
      for (const leaf of leavesOf(column)) {
        const { pages, statistics } = done[at];
        done[at].statistics = widen(statistics, leaf);
        pages.push(await pageOf(leaf, leaves[at], compression));
        at++;
      }
    };
    const finishGroup = async () => {
      if (entries === 0) return;
      const chunks: ColumnChunk[] = [];
      const start = file.size;
      for (const column of columns) await finishPages(column);
      for (const [i, { pages, statistics }] of done.entries()) {
        const offset = BigInt(file.size);
        for (const page of pages) await file.append(page.bytes);
        chunks.push({
          file_offset: offset,
          meta_data: {
            type: leaves[i].element.type!,
            encodings: ["PLAIN", "RLE"],
            path_in_schema: leaves[i].path,
            codec: codecs[compression].name,
            num_values: BigInt(pages.reduce((sum, page) => sum + page.places, 0)),
            total_uncompressed_size: BigInt(pages.reduce((sum, page) => sum + page.uncompressedBytes, 0)),
            total_compressed_size: BigInt(file.size) - offset,
            data_page_offset: offset,
            statistics: statisticsOf(statistics, leaves[i]),
          },
        });
      }
      const total = chunks.reduce((sum, { meta_data }) => sum + meta_data!.total_uncompressed_size, 0n);
      groups.push({
        columns: chunks,
        total_byte_size: total,
        num_rows: BigInt(entries),
        total_compressed_size: BigInt(file.size - start),
      });
      done = leaves.map(noPages);
      entries = 0;
      bytes = 0;
    };
    return {
      append: async (chunk) => {
        for (let at = 0; at < chunk.entries; ) {
          const stop = Math.min(chunk.entries, at + rowGroupEntries - entries);
          for (const column of columns) {
            const values = sliceOf(chunk.columns[column.name], at, stop);
            const part = parts.get(column.name)!;
            part.waiting.push(values);
            part.bytes += bytesOf(values);
            bytes += bytesOf(values);
            if (part.bytes >= pageBytes) await finishPages(column);
          }
          entries += stop - at;
          at = stop;
          if (entries >= rowGroupEntries || bytes >= groupBytes) await finishGroup();
        }
      },
      close: async () => {
        await finishGroup();
        const footer = new ByteWriter();
        writeMetadata(footer, {
          version: 2,
          created_by: "driftline",
          schema: elements,
          num_rows: groups.reduce((sum, { num_rows }) => sum + num_rows, 0n),
          row_groups: groups,
          metadata_length: 0,
        });
        await file.append(footer.getBytes());
        await file.append(magic);
        return file.close();
      },
      abort: () => file.abort(),
    };
  },
};

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Parquet's strings are UTF-8; those of a ROOT file need not be. */
function checkText(column: Column, path: string, name: string): void {
  switch (column.kind) {
    case "string":
      try {
        utf8.decode(column.bytes);
      } catch (cause) {
        throw fail("invalid_data", `cannot write ${path}: column "${name}" has a text that is not UTF-8`, {
          remedy: "Leave the column out, or write a ROOT file, whose strings are any bytes.",
          cause,
        });
      }
      return;
    case "list":
    case "optional":
      checkText(column.content, path, name);
      return;
    case "record":
      for (const field of column.fields.values()) checkText(field, path, name);
      return;
  }
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
      throw new TypeError("a union");
  }
}
