// The records of a ROOT file around its objects: header, keys, the root directory, the list of free space.

import { ObjectBytes } from "./objectBytes.ts";

/** From here on positions have eight bytes, and records say so by a version raised by 1,000 (the header by 1,000,000). */
export const bigFile = 2_000_000_000;
/** Where the header ends and the first record begins. */
export const firstRecord = 100;
/** The version of ROOT whose classes are written: 6.24/00. */
const rootVersion = 62400;
const uuidVersion = 1;

export interface KeyFields {
  className: string;
  name: string;
  title: string;
  /** Bytes of the object, and what is stored of it: fewer where it is compressed. */
  objectBytes: number;
  storedBytes: number;
  position: number;
  /** Position of the directory's record; 0 for the root directory itself. */
  parent: number;
  time: number;
  /** Positions of eight bytes, whatever they are: the length of the key is then known before its place. */
  big?: boolean;
  /** What a class derived from TKey, a basket, has between the key and its object. */
  extra?: Uint8Array;
  cycle?: number;
}

function stringBytes(text: string): number {
  const length = Buffer.byteLength(text);
  return length + (length < 255 ? 1 : 5);
}

export function keyLength(
  { className, name, title, extra }: Pick<KeyFields, "className" | "name" | "title" | "extra">,
  big: boolean,
): number {
  const strings = stringBytes(className) + stringBytes(name) + stringBytes(title);
  return (big ? 34 : 26) + strings + (extra?.length ?? 0);
}

export function keyBytes(fields: KeyFields): Buffer {
  const { position, parent, objectBytes, storedBytes, extra, cycle = 1 } = fields;
  const big = fields.big || position >= bigFile || parent >= bigFile;
  const length = keyLength(fields, big);
  const out = new ObjectBytes();
  out.i32(length + storedBytes);
  out.i16(big ? 1004 : 4);
  out.i32(objectBytes);
  out.u32(fields.time);
  out.i16(length, cycle);
  if (big) out.i64(position, parent);
  else out.i32(position, parent);
  out.string(fields.className);
  out.string(fields.name);
  out.string(fields.title);
  if (extra) out.raw(extra);
  return out.bytes;
}

export interface HeaderFields {
  end: number;
  free: { position: number; bytes: number };
  info: { position: number; bytes: number };
  /** Bytes of the first record's key, name and title. */
  nameBytes: number;
  compression: number;
  uuid: Uint8Array;
}

/** The first bytes of the file. */
export function headerBytes({ end, free, info, nameBytes, compression, uuid }: HeaderFields): Buffer {
  const big = end >= bigFile;
  const out = new ObjectBytes();
  const place = (position: number) => (big ? out.i64(position) : out.i32(position));
  out.raw(Buffer.from("root"));
  out.i32(rootVersion + (big ? 1_000_000 : 0), firstRecord);
  place(end);
  place(free.position);
  out.i32(free.bytes, 1, nameBytes);
  out.u8(big ? 8 : 4);
  out.i32(compression);
  place(info.position);
  out.i32(info.bytes);
  out.i16(uuidVersion);
  out.raw(uuid);
  return out.bytes;
}

/** Members of the root directory after its name and title: as long whether positions have four bytes or eight. */
export function directoryBytes(fields: {
  time: number;
  nameBytes: number;
  keys: { position: number; bytes: number };
  uuid: Uint8Array;
}): Buffer {
  const { time, nameBytes, keys, uuid } = fields;
  const big = keys.position >= bigFile;
  const out = new ObjectBytes();
  out.i16(big ? 1005 : 5);
  out.u32(time);
  out.u32(time);
  out.i32(keys.bytes, nameBytes);
  if (big) out.i64(firstRecord, 0, keys.position);
  else out.i32(firstRecord, 0, keys.position);
  out.i16(uuidVersion);
  out.raw(uuid);
  if (!big) out.raw(new Uint8Array(12));
  return out.bytes;
}

/** The list of free segments of a file without holes: all that follows its end. `at` is where the list itself lies. */
export function freeBytes(at: number): Buffer {
  const out = new ObjectBytes();
  const big = at + 10 >= bigFile;
  const end = at + (big ? 18 : 10);
  if (big) {
    let last = bigFile;
    while (last <= end) last *= 2;
    out.i16(1001);
    out.i64(end, last);
  } else {
    out.i16(1);
    out.i32(end, bigFile);
  }
  return out.bytes;
}

/** ROOT's seconds of a date: bit fields of local time. */
export function datime(date: Date): number {
  const fields = [
    [date.getFullYear() - 1995, 26],
    [date.getMonth() + 1, 22],
    [date.getDate(), 17],
    [date.getHours(), 12],
    [date.getMinutes(), 6],
    [date.getSeconds(), 0],
  ];
  return fields.reduce((sum, [value, shift]) => sum + value * 2 ** shift, 0);
}
