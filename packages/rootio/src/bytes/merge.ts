// Ranges merged into few reads: neighbours are read as one, with the bytes between them.

import { type ByteRange, type ByteSource, checkInside } from "./source.ts";

/** Ranges closer than this are read as one. */
const largestGap = 16 * 1024;
/** A merged read grows no larger than this, unless one range is. */
const largestRead = 8 * 1024 * 1024;

/** Merged ranges, ascending. */
export function mergeRanges(ranges: ByteRange[]): ByteRange[] {
  const reads: ByteRange[] = [];
  for (const { position, length } of [...ranges].sort((a, b) => a.position - b.position)) {
    const last = reads.at(-1);
    const end = position + length;
    if (last && position - (last.position + last.length) <= largestGap && end - last.position <= largestRead)
      last.length = Math.max(last.length, end - last.position);
    else reads.push({ position, length });
  }
  return reads;
}

/** The bytes of each range, in the order asked, by merged reads. */
export async function readMerged(source: ByteSource, ranges: ByteRange[]): Promise<Uint8Array[]> {
  for (const range of ranges) checkInside(range, source);
  const reads = mergeRanges(ranges);
  const blocks = await source.read(reads);
  return ranges.map(({ position, length }) => {
    const i = lastAtOrBefore(reads, position);
    const from = position - reads[i].position;
    return blocks[i].subarray(from, from + length);
  });
}

function lastAtOrBefore(reads: ByteRange[], position: number): number {
  let low = 0;
  let high = reads.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (reads[middle].position <= position) low = middle;
    else high = middle - 1;
  }
  return low;
}
