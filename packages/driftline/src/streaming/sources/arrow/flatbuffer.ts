// The little of FlatBuffers that reading Arrow's metadata takes, with every position checked.
// Layout: https://flatbuffers.dev/internals/

import { DamagedError } from "../damaged.ts";

/** A table: its fields by number. What is absent has the default. */
export interface Fields {
  int8(field: number, absent?: number): number;
  int16(field: number, absent?: number): number;
  int32(field: number, absent?: number): number;
  /** As a number; beyond 2^53 is damage here. */
  int64(field: number, absent?: number): number;
  text(field: number): string;
  table(field: number): Fields | null;
  tables(field: number): Fields[];
  /** A vector of structures of so many bytes each, as 64-bit numbers at every 8 bytes; the first 32 bits where asked. */
  structs(field: number, bytes: number): StructVector;
}

export interface StructVector {
  length: number;
  int64(index: number, at: number): number;
  int32(index: number, at: number): number;
}

/** Tables that one message may have: offsets that were flipped can lead to one again and again. */
const mostTables = 200_000;

/** The table that a buffer begins with. Throws DamagedError, here or later. */
export function rootTable(bytes: Uint8Array): Fields {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = { left: mostTables };
  return tableAt(view, uint32(view, 0), count);
}

function uint32(view: DataView, at: number): number {
  return inside(view, at, 4).getUint32(at, true);
}

function inside(view: DataView, at: number, length: number): DataView {
  if (at < 0 || at + length > view.byteLength)
    throw new DamagedError("its metadata point outside themselves");
  return view;
}

function int64At(view: DataView, at: number): number {
  const value = Number(inside(view, at, 8).getBigInt64(at, true));
  if (!Number.isSafeInteger(value)) throw new DamagedError("its metadata hold an impossible number");
  return value;
}

function tableAt(view: DataView, at: number, count: { left: number }): Fields {
  if (--count.left < 0) throw new DamagedError("its metadata have too many parts");
  const vtable = at - inside(view, at, 4).getInt32(at, true);
  const vtableBytes = inside(view, vtable, 4).getUint16(vtable, true);
  inside(view, vtable, vtableBytes);
  /** Position of a field; 0 where it is absent. */
  const place = (field: number) => {
    const entry = 4 + 2 * field;
    const offset = entry + 2 <= vtableBytes ? view.getUint16(vtable + entry, true) : 0;
    return offset === 0 ? 0 : at + offset;
  };
  const target = (from: number) => from + uint32(view, from);
  const vector = (field: number, bytes: number) => {
    const from = place(field);
    if (from === 0) return { start: 0, length: 0 };
    const found = target(from);
    const length = uint32(view, found);
    inside(view, found + 4, length * bytes);
    return { start: found + 4, length };
  };
  const table = (field: number) => {
    const from = place(field);
    return from === 0 ? null : tableAt(view, target(from), count);
  };
  return {
    int8: (field, absent = 0) => {
      const from = place(field);
      return from === 0 ? absent : inside(view, from, 1).getInt8(from);
    },
    int16: (field, absent = 0) => {
      const from = place(field);
      return from === 0 ? absent : inside(view, from, 2).getInt16(from, true);
    },
    int32: (field, absent = 0) => {
      const from = place(field);
      return from === 0 ? absent : inside(view, from, 4).getInt32(from, true);
    },
    int64: (field, absent = 0) => {
      const from = place(field);
      return from === 0 ? absent : int64At(view, from);
    },
    text: (field) => {
      const { start, length } = vector(field, 1);
      return Buffer.from(view.buffer, view.byteOffset + start, length).toString("utf8");
    },
    table,
    tables: (field) => {
      const { start, length } = vector(field, 4);
      return Array.from({ length }, (_, i) => tableAt(view, target(start + 4 * i), count));
    },
    structs: (field, bytes) => {
      const { start, length } = vector(field, bytes);
      const position = (index: number, at: number) => {
        if (!(index >= 0 && index < length))
          throw new DamagedError("its metadata are shorter than its schema");
        return start + index * bytes + at;
      };
      return {
        length,
        int64: (index, at) => int64At(view, position(index, at)),
        int32: (index, at) => view.getInt32(position(index, at), true),
      };
    },
  };
}
