// JSON records found in blocks of bytes: one a line, or the items of one array.

import { DamagedError } from "../damaged.ts";
import { windows } from "./windows.ts";

export interface JsonRecord {
  bytes: Uint8Array;
  /** Line, or number of the item in the array, counted from 1. */
  number: number;
}

const [newline, open, close, comma] = [0x0a, 0x5b, 0x5d, 0x2c];
const [quote, backslash, openBrace, closeBrace] = [0x22, 0x5c, 0x7b, 0x7d];
const isBlank = (byte: number) => byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d;

/** After a byte order mark and blanks. */
function startOf(head: Uint8Array): number {
  let at = head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf ? 3 : 0;
  while (at < head.length && isBlank(head[at])) at++;
  return at;
}

/** The records of all blocks in order, several at a time. Their bytes are good until the next are asked for. */
export async function* recordsOf(
  blocks: AsyncIterable<Uint8Array>,
  head: Uint8Array,
): AsyncGenerator<JsonRecord[]> {
  const from = startOf(head);
  const inArray = head[from] === open;
  const split = inArray ? arraySplitter() : lineSplitter(head, from);
  for await (const { bytes, isLast, consumed } of windows(blocks, inArray ? from + 1 : from)) {
    const { records, used } = split(bytes, isLast);
    yield records;
    consumed(used);
  }
}

type Splitter = (bytes: Uint8Array, isLast: boolean) => { records: JsonRecord[]; used: number };

function lineSplitter(head: Uint8Array, from: number): Splitter {
  let line = 1;
  for (let at = 0; at < from; at++) if (head[at] === newline) line++;
  return (bytes, isLast) => {
    const records: JsonRecord[] = [];
    let at = 0;
    while (at < bytes.length) {
      let end = bytes.indexOf(newline, at);
      if (end < 0) {
        if (!isLast) break;
        end = bytes.length;
      }
      let first = at;
      while (first < end && isBlank(bytes[first])) first++;
      if (first < end) records.push({ bytes: bytes.subarray(first, end), number: line });
      line++;
      at = end + 1;
    }
    return { records, used: Math.min(at, bytes.length) };
  };
}

/** Items end at a comma outside of all braces and quotes; what is within them is JSON.parse's to judge. */
function arraySplitter(): Splitter {
  let item = 0;
  let ended = false;
  return (bytes, isLast) => {
    const records: JsonRecord[] = [];
    let start = 0;
    let depth = 0;
    let inText = false;
    for (let at = 0; at < bytes.length; at++) {
      const byte = bytes[at];
      if (inText) {
        if (byte === backslash) at++;
        else if (byte === quote) inText = false;
        continue;
      }
      if (ended) {
        if (!isBlank(byte)) throw new DamagedError("there is more after the array's end");
        start = at + 1;
      } else if (byte === quote) inText = true;
      else if (byte === openBrace || byte === open) depth++;
      else if (depth > 0 && (byte === closeBrace || byte === close)) depth--;
      else if (depth === 0 && (byte === comma || byte === close)) {
        ended = byte === close;
        while (start < at && isBlank(bytes[start])) start++;
        if (start < at) records.push({ bytes: bytes.subarray(start, at), number: ++item });
        else if (byte === comma || item > 0) throw new DamagedError(`item ${item + 1} of the array is empty`);
        start = at + 1;
      }
    }
    if (isLast && !ended) throw new DamagedError("the array has no end");
    return { records, used: start };
  };
}

/** The whole records in the beginning of a text. */
export function headRecords(head: Uint8Array, isAll: boolean): JsonRecord[] {
  const from = startOf(head);
  const inArray = head[from] === open;
  const split = inArray ? arraySplitter() : lineSplitter(head, from);
  return split(head.subarray(inArray ? from + 1 : from), isAll).records;
}
