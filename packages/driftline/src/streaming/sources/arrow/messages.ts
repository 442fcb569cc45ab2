// The messages of an Arrow file or stream: where the schema, the dictionaries and the record batches lie.
// Format: https://arrow.apache.org/docs/format/Columnar.html#serialization-and-interprocess-communication-ipc

import { type ByteSource, readMerged } from "@driftline/rootio";
import { DamagedError } from "../damaged.ts";
import { type Fields, rootTable } from "./flatbuffer.ts";

export interface Batch {
  entries: number;
  /** The table RecordBatch of Arrow's Message.fbs. */
  header: Fields;
  /** Where its buffers lie in the file. */
  body: { position: number; length: number };
  /** The dictionaries in force, by id: one batch, or one and what was added. */
  dictionaries: Map<number, Batch[]>;
}

export interface Messages {
  schema: Fields;
  batches: Batch[];
}

const headerKinds = { schema: 1, dictionary: 2, batch: 3 };
const mostMetadata = 64 * 1024 * 1024;
const continuation = 0xffffffff;

/** Reads all metadata, no data. Throws DamagedError. */
export async function readMessages(source: ByteSource): Promise<Messages> {
  const [head] = await source.read([{ position: 0, length: Math.min(8, source.size) }]);
  return Buffer.from(head).toString("latin1", 0, 6) === "ARROW1" ? ofFile(source) : ofStream(source);
}

interface Block {
  position: number;
  metadata: number;
  body: number;
}

/** A footer tells where all is, so that all metadata are read at once. */
async function ofFile(source: ByteSource): Promise<Messages> {
  const { size } = source;
  if (size < 18) throw new DamagedError("it is cut off");
  const [tail] = await source.read([{ position: size - 10, length: 10 }]);
  const length = new DataView(tail.buffer, tail.byteOffset).getInt32(0, true);
  if (Buffer.from(tail).toString("latin1", 4) !== "ARROW1" || length <= 0 || length > size - 18)
    throw new DamagedError("its end is not that of an Arrow file; it is cut off or damaged");
  if (length > mostMetadata) throw new DamagedError(`its footer claims ${length} bytes`);
  const [bytes] = await source.read([{ position: size - 10 - length, length }]);
  const footer = rootTable(bytes);
  const schema = footer.table(1);
  if (!schema) throw new DamagedError("it has no schema");
  const blocks = (field: number): Block[] => {
    const found = footer.structs(field, 24);
    return Array.from({ length: found.length }, (_, i) => ({
      position: found.int64(i, 0),
      metadata: found.int32(i, 8),
      body: found.int64(i, 16),
    }));
  };
  const messages = await metadataOf(source, [...blocks(2), ...blocks(3)]);
  return collect(schema, messages);
}

async function metadataOf(source: ByteSource, blocks: Block[]): Promise<Message[]> {
  let total = 0;
  for (const { position, metadata, body } of blocks) {
    total += metadata;
    const end = position + metadata + body;
    if (total > mostMetadata) throw new DamagedError("its batches have more than 64 MiB of metadata");
    if (position < 8 || metadata < 8 || body < 0 || end > source.size)
      throw new DamagedError("its footer points outside the file");
  }
  const ranges = blocks.map(({ position, metadata }) => ({ position, length: metadata }));
  const read = await readMerged(source, ranges);
  return read.map((bytes, i) => {
    const { position, metadata, body } = blocks[i];
    // Files before version 1.0 have no continuation sign.
    const isNew = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true) === continuation;
    const message = messageOf(bytes.subarray(isNew ? 8 : 4), position + metadata);
    if (message.body.length > body) throw new DamagedError("a message is longer than its place");
    return message;
  });
}

/** Messages one after another: each says how long it is. */
async function ofStream(source: ByteSource): Promise<Messages> {
  let schema: Fields | null = null;
  const messages: Message[] = [];
  let total = 0;
  for (let at = 0; at + 4 <= source.size; ) {
    const [prefix] = await source.read([{ position: at, length: Math.min(8, source.size - at) }]);
    const view = new DataView(prefix.buffer, prefix.byteOffset, prefix.byteLength);
    const isNew = view.getUint32(0, true) === continuation && prefix.length === 8;
    const length = view.getInt32(isNew ? 4 : 0, true);
    const from = at + (isNew ? 8 : 4);
    if (length === 0) break;
    total += length;
    if (length < 0 || total > mostMetadata || from + length > source.size)
      throw new DamagedError(`a message at byte ${at} claims ${length} bytes; it is cut off or damaged`);
    const [bytes] = await source.read([{ position: from, length }]);
    const message = messageOf(bytes, from + length);
    at = message.body.position + message.body.length;
    if (at > source.size) throw new DamagedError(`the message at byte ${from} is cut off`);
    if (message.kind === headerKinds.schema) schema ??= message.header;
    else messages.push(message);
  }
  if (!schema) throw new DamagedError("it has no schema");
  return collect(schema, messages);
}

interface Message {
  kind: number;
  header: Fields;
  body: { position: number; length: number };
}

function messageOf(bytes: Uint8Array, position: number): Message {
  const message = rootTable(bytes);
  const header = message.table(2);
  const length = message.int64(3);
  if (!header || length < 0) throw new DamagedError("a message without content");
  return { kind: message.int8(1), header, body: { position, length } };
}

function collect(schema: Fields, messages: Message[]): Messages {
  if (schema.int16(0) !== 0)
    throw new DamagedError("it was written with the most significant byte first, which is not read");
  const batches: Batch[] = [];
  let dictionaries = new Map<number, Batch[]>();
  const batchOf = (header: Fields, body: Message["body"]): Batch => {
    const entries = header.int64(0);
    if (entries < 0 || entries > 2 ** 31 - 1) throw new DamagedError(`a batch claims ${entries} entries`);
    return { entries, header, body, dictionaries };
  };
  for (const { kind, header, body } of messages) {
    if (kind === headerKinds.batch) batches.push(batchOf(header, body));
    else if (kind === headerKinds.dictionary) {
      const data = header.table(1);
      if (!data) throw new DamagedError("a dictionary without content");
      const id = header.int64(0);
      const before = header.int8(2) !== 0 ? (dictionaries.get(id) ?? []) : [];
      // Earlier batches keep the map as it was.
      dictionaries = new Map(dictionaries).set(id, [...before, batchOf(data, body)]);
    }
  }
  return { schema, batches };
}
