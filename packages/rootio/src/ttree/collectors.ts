// Collectors read objects from ROOT's streamed form, entry by entry, into growing columns.

import type { Column, ListColumn, RecordColumn, StringColumn } from "../columns/column.ts";
import { BlockError } from "../compression/blocks.ts";
import { GrowingBytes, GrowingOffsets } from "./growing.ts";
import { decodeNumbers, type NumberFormat } from "./numbers.ts";
import type { ObjectBytes } from "./objectBytes.ts";

export interface Collector {
  /** Reads one item. */
  read(bytes: ObjectBytes): void;
  /** Reads several at once, where that is faster. */
  readMany?(bytes: ObjectBytes, items: number): void;
  /** Reads the first members of several objects, then all second members, and so on. */
  readByMember?(bytes: ObjectBytes, items: number): void;
  /** All items read. */
  finish(): Column;
}

export interface NumberCollector extends Collector {
  /** The last value read, for a member that counts others. */
  last(): number;
}

export function numbers(format: NumberFormat): NumberCollector {
  const stored = new GrowingBytes();
  const readMany = (bytes: ObjectBytes, count: number) => stored.push(bytes.take(count * format.bytes));
  return {
    read: (bytes) => readMany(bytes, 1),
    readMany,
    last: () => Number(decodeNumbers(stored.tail(format.bytes), format)[0]),
    finish: () => ({ kind: "number", type: format.type, values: decodeNumbers(stored.content(), format) }),
  };
}

/** A length byte, or 255 and four bytes of length, then the characters. */
export function strings(): Collector {
  const offsets = new GrowingOffsets();
  const stored = new GrowingBytes();
  return {
    read: (bytes) => {
      const short = bytes.uint8();
      const length = short === 255 ? bytes.uint32() : short;
      stored.push(bytes.take(length));
      offsets.push(length);
    },
    finish: (): StringColumn => ({
      kind: "string",
      offsets: offsets.content(),
      bytes: stored.content().slice(),
    }),
  };
}

/** What stands before the items of a list. */
export interface ListBegin {
  items: number;
  byMember: boolean;
  /** Called when the items have been read. */
  check(): void;
}

export function lists(content: Collector, begin: (bytes: ObjectBytes) => ListBegin): Collector {
  const offsets = new GrowingOffsets();
  return {
    read: (bytes) => {
      const { items, byMember, check } = begin(bytes);
      if (!byMember) readItems(content, bytes, items);
      else if (content.readByMember) content.readByMember(bytes, items);
      else throw new BlockError("a collection of values without members is written by member");
      check();
      offsets.push(items);
    },
    finish: (): ListColumn => ({ kind: "list", offsets: offsets.content(), content: content.finish() }),
  };
}

/** Lists of as many items as the entry has bytes for; one header stands before all items where there is one. */
export function listsToEnd(content: Collector, hasHeader: boolean): Collector {
  const offsets = new GrowingOffsets();
  return {
    read: (bytes) => {
      if (hasHeader && bytes.at < bytes.end) bytes.header();
      let items = 0;
      while (bytes.at < bytes.end) {
        const before = bytes.at;
        content.read(bytes);
        if (bytes.at === before) throw new BlockError("a list has items without content");
        items++;
      }
      offsets.push(items);
    },
    finish: (): ListColumn => ({ kind: "list", offsets: offsets.content(), content: content.finish() }),
  };
}

export function arrays(content: Collector, length: number): Collector {
  let arrays = 0;
  return {
    read: (bytes) => {
      readItems(content, bytes, length);
      arrays++;
    },
    finish: (): ListColumn => ({
      kind: "list",
      offsets: Int32Array.from({ length: arrays + 1 }, (_, i) => i * length),
      content: content.finish(),
      length,
    }),
  };
}

export function readItems(content: Collector, bytes: ObjectBytes, items: number): void {
  if (content.readMany) {
    content.readMany(bytes, items);
    return;
  }
  for (let i = 0; i < items; i++) {
    const before = bytes.at;
    content.read(bytes);
    // Items without bytes (classes without members) end only with their count, which nothing checks.
    if (bytes.at === before && items > bytes.length)
      throw new BlockError(`a list claims ${items} items without content`);
  }
}

export interface MemberCollector {
  name: string;
  collector: Collector;
}

/** Members one after another; several objects either one by one or member by member. */
export function records(members: MemberCollector[]): Collector {
  let length = 0;
  return {
    read: (bytes) => {
      for (const { collector } of members) collector.read(bytes);
      length++;
    },
    readByMember: (bytes, items) => {
      for (const { collector } of members) readItems(collector, bytes, items);
      length += items;
    },
    finish: (): RecordColumn => ({
      kind: "record",
      length,
      fields: new Map(members.flatMap(({ name, collector }) => fieldsOf(name, collector.finish()))),
    }),
  };
}

/** A base class (without a name) gives its fields to the class. */
function fieldsOf(name: string, column: Column): [string, Column][] {
  if (name !== "") return [[name, column]];
  return column.kind === "record" ? [...column.fields] : [];
}
