// safetensors: a tensor for each column of numbers, two for a jagged one. As the header comes first and needs all lengths,
// the values wait in a spool file beside the file.

import { randomUUID } from "node:crypto";
import { type FileHandle, open, rm } from "node:fs/promises";
import type { Column, ElementType, NumberColumn, Shape } from "@driftline/rootio";
import { appendable } from "./appendable.ts";
import { compact } from "./compact.ts";
import { fixedNumbers } from "./shapes.ts";
import type { Format, WrittenColumn } from "./writer.ts";

/** The format's names of types, in the order in which its own library lays tensors out: every one stays aligned. */
const dtypes: [ElementType, string][] = [
  ["uint64", "U64"],
  ["int64", "I64"],
  ["float64", "F64"],
  ["float32", "F32"],
  ["uint32", "U32"],
  ["int32", "I32"],
  ["uint16", "U16"],
  ["int16", "I16"],
  ["int8", "I8"],
  ["uint8", "U8"],
  ["bool", "BOOL"],
];
const order = dtypes.map(([type]) => type);

interface Tensor {
  name: string;
  type: ElementType;
  /** Lengths of all dimensions but the first. */
  inner: number[];
  rows: number;
  bytes: number;
  /** Where its values lie in the spool file. */
  blocks: { position: number; length: number }[];
}

export const safetensors: Format = {
  name: "a safetensors file",
  compressions: ["none"],
  problemOf,
  open: async (path, columns) => {
    const file = await appendable(path);
    const spoolPath = `${path}.${randomUUID()}.values.tmp`;
    let spool: FileHandle;
    try {
      spool = await open(spoolPath, "wx+");
    } catch (error) {
      await file.abort();
      throw error;
    }
    const plans = columns.map(planOf);
    let spooled = 0;
    const put = async (tensor: Tensor, values: NumberColumn["values"]) => {
      const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
      for (let at = 0; at < bytes.length; )
        at += (await spool.write(bytes, at, bytes.length - at, spooled + at)).bytesWritten;
      tensor.blocks.push({ position: spooled, length: bytes.length });
      tensor.bytes += bytes.length;
      tensor.rows += values.length / tensor.inner.reduce((product, length) => product * length, 1);
      spooled += bytes.length;
    };
    const discard = async () => {
      await spool.close();
      await rm(spoolPath, { force: true });
    };
    return {
      append: async ({ columns: chunk }) => {
        for (const { name, values, offsets } of plans) {
          let column = compact(chunk[name]);
          if (offsets && column.kind === "list") {
            const before = values.rows;
            // The first offset, 0, stands before those of the first chunk.
            const from = offsets.rows === 0 ? 0 : 1;
            await put(
              offsets,
              BigInt64Array.from(column.offsets.subarray(from), (end) => BigInt(before + end)),
            );
            column = column.content;
          }
          await put(values, numbersOf(column));
        }
      },
      close: async () => {
        const tensors = plans.flatMap(({ values, offsets }) => (offsets ? [values, offsets] : [values]));
        for (const { offsets } of plans) if (offsets?.rows === 0) await put(offsets, BigInt64Array.of(0n));
        tensors.sort((a, b) => order.indexOf(a.type) - order.indexOf(b.type) || (a.name < b.name ? -1 : 1));
        await file.append(header(tensors));
        for (const { blocks } of tensors)
          for (const block of blocks) await copy(spool, block, (bytes) => file.append(bytes));
        const size = await file.close();
        await discard();
        return size;
      },
      abort: async () => {
        await file.abort();
        await discard();
      },
    };
  },
};

function problemOf(shape: Shape): string | null {
  const item = shape.kind === "list" && shape.length === undefined ? shape.content : shape;
  return fixedNumbers(item) ? null : "it holds numbers, fixed arrays, and lists of these";
}

function planOf({ name, shape }: WrittenColumn): { name: string; values: Tensor; offsets: Tensor | null } {
  const jagged = shape.kind === "list" && shape.length === undefined;
  const { type, dimensions } = fixedNumbers(jagged ? shape.content : shape)!;
  const tensor = (suffix: string, of: ElementType, inner: number[]): Tensor => ({
    name: name + suffix,
    type: of,
    inner,
    rows: 0,
    bytes: 0,
    blocks: [],
  });
  return jagged
    ? { name, values: tensor(".values", type, dimensions), offsets: tensor(".offsets", "int64", []) }
    : { name, values: tensor("", type, dimensions), offsets: null };
}

function numbersOf(column: Column): NumberColumn["values"] {
  let at = column;
  while (at.kind === "list") at = at.content;
  if (at.kind !== "number") throw new TypeError(`a column of ${at.kind}`);
  return at.values;
}

/** Length and JSON, filled with spaces to a multiple of 8. */
function header(tensors: Tensor[]): Buffer {
  let end = 0;
  const entries = tensors.map(({ name, type, inner, rows, bytes }) => {
    const begin = end;
    end += bytes;
    const dtype = dtypes.find(([of]) => of === type)![1];
    return [name, { dtype, shape: [rows, ...inner], data_offsets: [begin, end] }];
  });
  const json = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  const padded = Buffer.alloc(8 + Math.ceil(json.length / 8) * 8, " ");
  padded.writeBigUInt64LE(BigInt(padded.length - 8), 0);
  json.copy(padded, 8);
  return padded;
}

/** Bytes that are held while values are copied out of the spool file. */
const copied = 2 ** 20;

async function copy(
  from: FileHandle,
  { position, length }: { position: number; length: number },
  to: (bytes: Uint8Array) => Promise<void>,
): Promise<void> {
  for (let at = 0; at < length; ) {
    const buffer = Buffer.alloc(Math.min(copied, length - at));
    const { bytesRead } = await from.read(buffer, 0, buffer.length, position + at);
    if (bytesRead === 0) throw new Error("the spool file of the values was cut short");
    await to(buffer.subarray(0, bytesRead));
    at += bytesRead;
  }
}
