// An Arrow file or stream (Feather version 2 is such a file) as a table: of each batch only the buffers of the columns asked.

import { zstdDecompressSync } from "node:zlib";
import { type ByteSource, type Column, concat, readMerged, type Shape } from "@driftline/rootio";
import { decompressFrameSync } from "lz4-napi";
import { DriftlineError } from "../../errors/registry.ts";
import { type Buffers, buffersOf, decodeLeaf } from "./arrow/decode.ts";
import { type Batch, readMessages } from "./arrow/messages.ts";
import { type ArrowLeaf, leavesOf, shapeOf, type ValueKind } from "./arrow/schema.ts";
import { beginnings, checked } from "./asked.ts";
import { DamagedError } from "./damaged.ts";
import { reading, translated, unusable } from "./failure.ts";
import { fingerprintOf } from "./fingerprint.ts";
import { slice } from "./slice.ts";
import type { Chunk, ReadRange, Table } from "./table.ts";

/** Decompressed buffers of the columns asked in one batch. */
const mostBatchBytes = 512 * 1024 * 1024;

interface ArrowColumn {
  name: string;
  index: number;
  shape: Shape;
}

/** Opens an Arrow file or stream; takes over the source. Throws `invalid_data`. */
export async function openArrowTable(source: ByteSource, signal?: AbortSignal): Promise<Table> {
  const location = source.name;
  try {
    const { schema, batches } = await readMessages(source);
    const placedIn = new Map<Batch, ArrowLeaf[]>();
    /** Where columns of views lie differs from batch to batch. */
    const leavesIn = (batch: Batch) => {
      const known = placedIn.get(batch);
      if (known) return known;
      const counts = batch.header.structs(4, 8);
      const leaves = leavesOf(
        schema,
        Array.from({ length: counts.length }, (_, i) => counts.int64(i, 0)),
      );
      placedIn.set(batch, leaves);
      return leaves;
    };
    const leaves = leavesOf(schema);
    const shapes = leaves.map((leaf, index) => shapeOf(leaf, batches, (batch) => leavesIn(batch)[index]));
    const columns = leaves.map(({ name, typeName, problem }, i) => ({
      name,
      typeName,
      shape: shapes[i],
      problem,
    }));
    const entries = batches.reduce((sum, batch) => sum + batch.entries, 0);
    const table = { location, holder: "table", word: "column", entries, columns } as const;
    return {
      ...table,
      chunks: (names, size, range) => {
        const asked = checked(table, names, size, range);
        const chosen = names.map((name): ArrowColumn => {
          const index = columns.findIndex((column) => column.name === name);
          return { name, index, shape: shapes[index]! };
        });
        return chunks(source, batches, leavesIn, chosen, size, asked, signal);
      },
      boundaries: async () => beginnings(batches.map((batch) => batch.entries)),
      fingerprint: () => reading(location, () => fingerprintOf(source), signal),
      close: () => source.close(),
    };
  } catch (error) {
    await source.close();
    throw damaged(location, error, signal);
  }
}

async function* chunks(
  source: ByteSource,
  batches: Batch[],
  leavesIn: (batch: Batch) => ArrowLeaf[],
  columns: ArrowColumn[],
  size: number,
  { start, stop }: Required<ReadRange>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Chunk> {
  const dictionaries = dictionaryCache(source);
  const load = async (batch: Batch): Promise<Column[]> => {
    try {
      const leaves = columns.map(({ index }) => leavesIn(batch)[index]);
      const buffers = await readBuffers(source, batch, leaves.flatMap(buffersOf));
      const decoded: Column[] = [];
      for (const [i, leaf] of leaves.entries()) {
        const { value } = leaf;
        const dictionary = value?.kind === "dictionary" ? await dictionaries(value, batch) : null;
        decoded.push(decodeLeaf(leaf, columns[i].shape, batch, buffers, () => dictionary!));
      }
      return decoded;
    } catch (error) {
      throw damaged(source.name, error, signal);
    }
  };
  const wanted: { batch: Batch; first: number }[] = [];
  let row = 0;
  for (const batch of batches) {
    if (batch.entries > 0 && row < stop && row + batch.entries > start) wanted.push({ batch, first: row });
    row += batch.entries;
  }
  let coming = wanted.length > 0 ? load(wanted[0].batch) : null;
  for (const [i, { batch, first }] of wanted.entries()) {
    const decoded = await coming!;
    coming = i + 1 < wanted.length ? load(wanted[i + 1].batch) : null;
    coming?.catch(() => {});
    const to = Math.min(stop - first, batch.entries);
    for (let at = Math.max(0, start - first); at < to; at += size) {
      signal?.throwIfAborted();
      const end = Math.min(at + size, to);
      yield {
        start: first + at,
        entries: end - at,
        columns: Object.fromEntries(columns.map(({ name }, k) => [name, slice(decoded[k], at, end)])),
      };
    }
  }
}

/** The buffers of these numbers, by their numbers. */
async function readBuffers(source: ByteSource, batch: Batch, numbers: number[]): Promise<Buffers> {
  const { header, body } = batch;
  const regions = header.structs(2, 16);
  const wanted = [...new Set(numbers)];
  const ranges = wanted.map((number) => {
    const offset = regions.int64(number, 0);
    const length = regions.int64(number, 8);
    if (offset < 0 || length < 0 || offset + length > body.length)
      throw new DamagedError("a buffer lies outside its batch");
    return { position: body.position + offset, length };
  });
  const compression = header.table(3);
  const read = await readMerged(source, ranges);
  const left = { bytes: mostBatchBytes };
  const byNumber = new Map(
    wanted.map((number, i) => {
      const bytes = compression ? decompressed(read[i], compression.int8(0), left) : read[i];
      return [number, bytes];
    }),
  );
  return (number) => byNumber.get(number)!;
}

/** Eight bytes of length, or -1 where what follows is as it is. */
function decompressed(bytes: Uint8Array, codec: number, left: { bytes: number }): Uint8Array {
  if (bytes.length === 0) return bytes;
  if (bytes.length < 8) throw new DamagedError("a compressed buffer without its length");
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigInt64(0, true));
  const content = bytes.subarray(8);
  if (length === -1) return content;
  // LZ4 makes at most 255 bytes of one.
  left.bytes -= length;
  if (length < 0 || left.bytes < 0 || (codec === 0 && length > 256 * content.length))
    throw new DamagedError(`a buffer of ${bytes.length} bytes claims to hold ${length}`);
  if (length === 0) return new Uint8Array(0);
  const found =
    codec === 0
      ? decompressFrameSync(Buffer.from(content.buffer, content.byteOffset, content.byteLength))
      : zstdDecompressSync(content, { maxOutputLength: length });
  if (found.length !== length)
    throw new DamagedError(`a buffer holds ${found.length} bytes and claims ${length}`);
  return found;
}

type DictionaryValue = Extract<ValueKind, { kind: "dictionary" }>;

/** Dictionaries that were read, for as long as they are in force. */
function dictionaryCache(source: ByteSource) {
  const held = new Map<number, { parts: Batch[]; column: Column }>();
  return async ({ id, values }: DictionaryValue, { dictionaries }: Batch): Promise<Column> => {
    const parts = dictionaries.get(id) ?? [];
    const known = held.get(id);
    if (known?.parts === parts) return known.column;
    const columns: Column[] = [];
    const shape = dictionaryShape(values);
    for (const part of parts) {
      const variadic = values.kind === "views" ? part.header.structs(4, 8).int64(0, 0) : 0;
      const value = { ...values, node: 0, buffer: 0, variadic };
      const leaf: ArrowLeaf = { name: "", typeName: "", problem: null, steps: [], value };
      const buffers = await readBuffers(source, part, buffersOf(leaf));
      columns.push(
        decodeLeaf(leaf, shape, part, buffers, () => {
          throw new DamagedError("a dictionary of a dictionary");
        }),
      );
    }
    const column = columns.length === 1 ? columns[0] : concat(columns, shape);
    held.set(id, { parts, column });
    return column;
  };
}

/** Integers of 64 bits lose nothing that a column of numbers with gaps would keep. */
function dictionaryShape(values: ValueKind): Shape {
  if (values.kind === "text" || values.kind === "views") return { kind: "string" };
  return {
    kind: "number",
    type:
      values.kind === "half" || (values.kind === "number" && values.type === "float32")
        ? "float32"
        : "float64",
  };
}

function damaged(location: string, error: unknown, signal?: AbortSignal): unknown {
  if (signal?.aborted) return signal.reason;
  const known = translated(location, error);
  if (known instanceof DriftlineError) return known;
  const reason = error instanceof Error ? error.message : String(error);
  return unusable(
    location,
    `it is no readable Arrow file (${reason})`,
    "Write the file again, uncompressed or with LZ4 or Zstandard, or leave it out.",
    { cause: error },
  );
}
