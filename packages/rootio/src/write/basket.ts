// Entries of one branch as ROOT keeps them in baskets: big-endian values, and a table of where each entry begins.

import type { Column } from "../columns/column.ts";
import { itemValues, leafTypes, UnwritableShapeError, valuesOf, type WrittenBranch } from "./branch.ts";

/** A full basket: its content as it stands before compression. */
export interface FullBasket {
  firstEntry: number;
  entries: number;
  /** Values, and after them the table where the branch has one. */
  content: Buffer;
  /** Bytes of the values alone. */
  border: number;
  /** Bytes of an entry, or the length of the table. */
  entrySize: number;
}

/** Collects entries until a basket is full. */
export interface Filler {
  /** All entries of a column; the baskets that came full on the way go to `flush`. */
  fill(column: Column, flush: (basket: FullBasket) => Promise<void>): Promise<void>;
  /** What is left. */
  take(): FullBasket | null;
  /** Another that goes on from the same entries. */
  copy(branch: WrittenBranch): Filler;
}

/** What one basket may be: its bytes before compression, and its entries. */
export interface BasketLimits {
  bytes: number;
  entries: number;
}

interface Pending {
  bytes: Buffer;
  used: number;
  /** Where each entry begins. */
  starts: number[];
  entries: number;
  firstEntry: number;
}

/** ROOT's lengths are 32-bit and signed; our reader and others stop at 1 GiB. */
const largestBasket = 2 ** 30 - 2 ** 20;

/** `tableShift` is the length of a basket's key, from whose first byte ROOT counts where entries begin. */
export function createFiller(
  branch: WrittenBranch,
  limits: BasketLimits,
  tableShift: number,
  from?: Pending,
): Filler {
  const hasTable = branch.jagged || branch.type === "string";
  const size = leafTypes[branch.type].size * itemValues(branch);
  const pending: Pending = from ?? { bytes: Buffer.alloc(0), used: 0, starts: [], entries: 0, firstEntry: 0 };

  /** Room for so many bytes of one entry or several; where they begin. */
  const reserve = (count: number): number => {
    const at = pending.used;
    pending.used += count;
    if (pending.used > largestBasket)
      throw new UnwritableShapeError(
        `has an entry of ${count} bytes; a basket holds at most ${largestBasket}`,
      );
    if (pending.used > pending.bytes.length) {
      const larger = Buffer.alloc(
        Math.max(pending.used, Math.min(2 * pending.bytes.length, limits.bytes), 1024),
      );
      pending.bytes.copy(larger, 0, 0, at);
      pending.bytes = larger;
    }
    return at;
  };
  const take = (): FullBasket | null => {
    if (pending.entries === 0) return null;
    const { used, entries, firstEntry, starts } = pending;
    const table = hasTable ? Buffer.alloc(4 * (entries + 2)) : Buffer.alloc(0);
    if (hasTable) {
      table.writeInt32BE(entries + 1, 0);
      starts.forEach((start, i) => {
        table.writeInt32BE(start + tableShift, 4 + 4 * i);
      });
    }
    const content = Buffer.concat([pending.bytes.subarray(0, used), table]);
    Object.assign(pending, { used: 0, entries: 0, firstEntry: firstEntry + entries, starts: [] });
    // The room of an entry that was larger than a basket is given back.
    if (pending.bytes.length > 2 * limits.bytes) pending.bytes = Buffer.alloc(0);
    return { firstEntry, entries, content, border: used, entrySize: hasTable ? entries + 1 : size };
  };
  const filled = () => pending.used + (hasTable ? 4 * pending.entries : 0);
  const isFull = () => filled() >= limits.bytes || pending.entries >= limits.entries;

  async function fill(column: Column, flush: (basket: FullBasket) => Promise<void>): Promise<void> {
    const { entries, bytesOf, copyTo } = contentOf(branch, column, size);
    for (let at = 0; at < entries; ) {
      // As many entries as fit, and at least one.
      let stop = at;
      let bytes = 0;
      const most = Math.min(entries, at + limits.entries - pending.entries);
      const room = limits.bytes - filled();
      if (hasTable)
        do {
          bytes += bytesOf(stop);
          stop++;
        } while (stop < most && bytes + bytesOf(stop) + 4 * (stop + 1 - at) <= room);
      else {
        stop = Math.min(most, at + Math.max(1, Math.floor(room / size)));
        bytes = (stop - at) * size;
      }
      // A basket that holds something is not made larger than allowed by one great entry.
      if (pending.entries > 0 && bytes > room) {
        await flush(take()!);
        continue;
      }
      const start = reserve(bytes);
      if (hasTable)
        for (let i = at, begin = start; i < stop; begin += bytesOf(i), i++) pending.starts.push(begin);
      copyTo(pending.bytes, start, at, stop);
      pending.entries += stop - at;
      at = stop;
      if (isFull()) await flush(take()!);
    }
  }

  return {
    fill,
    take,
    copy: (other) =>
      createFiller(other, limits, tableShift, {
        ...pending,
        bytes: Buffer.from(pending.bytes),
        starts: [...pending.starts],
      }),
  };
}

interface Content {
  entries: number;
  bytesOf(entry: number): number;
  copyTo(target: Buffer, position: number, start: number, stop: number): void;
}

function contentOf(branch: WrittenBranch, column: Column, size: number): Content {
  const { type } = branch;
  if (type === "string") return textContent(branch, column);
  if (!branch.jagged) {
    const { values, start } = valuesOf(column, type, branch.dimensions);
    const count = itemValues(branch);
    const entries = column.kind === "list" ? column.offsets.length - 1 : values.length;
    return {
      entries,
      bytesOf: () => size,
      copyTo: (target, position, from, to) =>
        swapInto(target, position, values, start + from * count, start + to * count),
    };
  }
  if (column.kind !== "list") throw new UnwritableShapeError(`is a ${column.kind} in place of a list`);
  const { offsets } = column;
  const { values, start } = valuesOf(column.content, type, branch.dimensions);
  const count = itemValues(branch);
  return {
    entries: offsets.length - 1,
    bytesOf: (entry) => (offsets[entry + 1] - offsets[entry]) * size,
    copyTo: (target, position, from, to) =>
      swapInto(target, position, values, start + offsets[from] * count, start + offsets[to] * count),
  };
}

function textContent(branch: WrittenBranch, column: Column): Content {
  if (column.kind !== "string") throw new UnwritableShapeError(`is a ${column.kind} in place of a string`);
  const { offsets, bytes } = column;
  const bytesOf = (entry: number) => {
    const length = offsets[entry + 1] - offsets[entry];
    return length + (length < 255 ? 1 : 5);
  };
  return {
    entries: offsets.length - 1,
    bytesOf,
    copyTo: (target, position, from, to) => {
      let at = position;
      for (let i = from; i < to; i++) {
        const length = offsets[i + 1] - offsets[i];
        branch.longest = Math.max(branch.longest, length);
        if (length < 255) at = target.writeUInt8(length, at);
        else at = target.writeUInt32BE(length, target.writeUInt8(255, at));
        target.set(bytes.subarray(offsets[i], offsets[i + 1]), at);
        at += length;
      }
    },
  };
}

/** The bytes of the values, as they are in memory, turned to big-endian: no value changes, whatever its bits. */
function swapInto(
  target: Buffer,
  position: number,
  values: { buffer: ArrayBuffer; byteOffset: number; BYTES_PER_ELEMENT: number },
  start: number,
  stop: number,
): void {
  const { buffer, byteOffset, BYTES_PER_ELEMENT: size } = values;
  const length = (stop - start) * size;
  target.set(new Uint8Array(buffer, byteOffset + start * size, length), position);
  const written = target.subarray(position, position + length);
  if (size === 2) written.swap16();
  else if (size === 4) written.swap32();
  else if (size === 8) written.swap64();
}
