// Text, a line for each entry: CSV for flat columns, JSON lines for all; as it is, or through gzip or Zstandard.

import { createGzip, createZstdCompress } from "node:zlib";
import type { Column } from "@driftline/rootio";
import { type Appendable, appendable } from "./appendable.ts";
import type { Format, FormatWriter, TableChunk, WrittenColumn } from "./writer.ts";

/** Characters that are gathered before they are written. */
const blockLength = 2 ** 20;

export const csv: Format = {
  name: "CSV",
  compressions: ["none", "gzip", "zstd"],
  problemOf: (shape) => {
    const item = shape.kind === "optional" ? shape.content : shape;
    return item.kind === "number" || item.kind === "string"
      ? null
      : "it holds numbers, strings and missing ones";
  },
  open: (path, columns, { compression }) => {
    const names = columns.map(({ name }) => quoted(name)).join(",");
    return openText(path, compression, `${names}\n`, columns, csvCell, (cells) => cells.join(","));
  },
};

export const jsonLines: Format = {
  name: "JSON lines",
  compressions: ["none", "gzip", "zstd"],
  problemOf: () => null,
  open: (path, columns, { compression }) => {
    const names = columns.map(({ name }) => `${JSON.stringify(name)}:`);
    const line = (cells: string[]) => `{${cells.map((cell, i) => names[i] + cell).join(",")}}`;
    return openText(path, compression, "", columns, jsonCell, line);
  },
};

type Cell = (i: number) => string;

async function openText(
  path: string,
  compression: string,
  head: string,
  columns: WrittenColumn[],
  cellOf: (column: Column) => Cell,
  lineOf: (cells: string[]) => string,
): Promise<FormatWriter> {
  const file = await appendable(path);
  const { push, end } = compressor(file, compression);
  let text = head;
  const flush = async () => {
    const block = Buffer.from(text);
    text = "";
    await push(block);
  };
  return {
    append: async ({ entries, columns: chunk }: TableChunk) => {
      const cells = columns.map(({ name }) => cellOf(chunk[name]));
      for (let i = 0; i < entries; i++) {
        text += `${lineOf(cells.map((cell) => cell(i)))}\n`;
        if (text.length >= blockLength) await flush();
      }
    },
    close: async () => {
      await flush();
      await end();
      return file.close();
    },
    abort: () => file.abort(),
  };
}

/** Hands bytes on to the file, compressed; no more than a block is held. */
function compressor(file: Appendable, compression: string) {
  if (compression === "none") return { push: (bytes: Uint8Array) => file.append(bytes), end: async () => {} };
  const stream = compression === "gzip" ? createGzip() : createZstdCompress();
  const ready: Uint8Array[] = [];
  stream.on("data", (bytes) => ready.push(bytes));
  const store = async () => {
    for (const bytes of ready.splice(0)) await file.append(bytes);
  };
  return {
    push: async (bytes: Uint8Array) => {
      await new Promise<void>((resolve, reject) =>
        stream.write(bytes, (error) => (error ? reject(error) : resolve())),
      );
      await store();
    },
    end: async () => {
      await new Promise((resolve, reject) => {
        stream.on("error", reject);
        stream.on("end", resolve);
        stream.end();
      });
      await store();
    },
  };
}

const utf8 = new TextDecoder();

function textOf(column: Column & { kind: "string" }, i: number): string {
  return utf8.decode(column.bytes.subarray(column.offsets[i], column.offsets[i + 1]));
}

/** In quotes where it must be: an empty text too, as nothing at all is a missing value. */
function quoted(text: string): string {
  return text === "" || /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function csvCell(column: Column): Cell {
  switch (column.kind) {
    case "number":
      return numberCell(column, { nan: "NaN", infinity: "inf", negative: "-inf" });
    case "string":
      return (i) => quoted(textOf(column, i));
    case "optional": {
      const content = csvCell(column.content);
      const { offsets } = column;
      return (i) => (offsets[i + 1] > offsets[i] ? content(offsets[i]) : "");
    }
    default:
      throw new TypeError(`a column of ${column.kind}`);
  }
}

/** JSON knows neither NaN nor infinities: null stands for them. */
function jsonCell(column: Column): Cell {
  switch (column.kind) {
    case "number":
      return numberCell(column, { nan: "null", infinity: "null", negative: "null" });
    case "string":
      return (i) => JSON.stringify(textOf(column, i));
    case "optional": {
      const content = jsonCell(column.content);
      const { offsets } = column;
      return (i) => (offsets[i + 1] > offsets[i] ? content(offsets[i]) : "null");
    }
    case "list": {
      const content = jsonCell(column.content);
      const { offsets } = column;
      return (i) => {
        let items = "";
        for (let k = offsets[i]; k < offsets[i + 1]; k++)
          items += k === offsets[i] ? content(k) : `,${content(k)}`;
        return `[${items}]`;
      };
    }
    case "record": {
      const fields = [...column.fields].map(([name, field]): [string, Cell] => [
        `${JSON.stringify(name)}:`,
        jsonCell(field),
      ]);
      return (i) => `{${fields.map(([name, cell]) => name + cell(i)).join(",")}}`;
    }
    case "union": {
      const cells = column.alternatives.map(jsonCell);
      return (i) => (column.tags[i] === 0 ? "null" : cells[column.tags[i] - 1](column.indices[i]));
    }
  }
}

function numberCell(
  column: Column & { kind: "number" },
  words: { nan: string; infinity: string; negative: string },
): Cell {
  const { type, values } = column;
  if (type === "bool") return (i) => (values[i] ? "true" : "false");
  if (type !== "float32" && type !== "float64") return (i) => String(values[i]);
  const digits = type === "float32" ? shortest32 : String;
  return (i) => {
    const value = values[i] as number;
    if (Number.isFinite(value)) return Object.is(value, -0) ? "-0.0" : digits(value);
    if (Number.isNaN(value)) return words.nan;
    return value > 0 ? words.infinity : words.negative;
  };
}

/** The fewest digits, from seven on, that give the same float32 again. */
function shortest32(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 2 ** 24) return String(value);
  for (const digits of [7, 8]) {
    const rounded = Number(value.toPrecision(digits));
    if (Math.fround(rounded) === value) return String(rounded);
  }
  return String(Number(value.toPrecision(9)));
}
