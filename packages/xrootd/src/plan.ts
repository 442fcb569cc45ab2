// Which requests fetch a list of ranges: long ranges are cut, short ones share vector reads, and limits are kept.

export interface ByteRange {
  position: number;
  length: number;
}

/** One request: its pieces of the file, and for each where in which of the asked ranges its bytes belong. */
export interface PlannedRead {
  ranges: ByteRange[];
  targets: { range: number; at: number }[];
  bytes: number;
}

/** Servers take so many elements in a vector read. Each may have 2,097,136 bytes, far above `ownRead`. */
const mostElements = 1024;
/** A vector read holds no more than this: servers gather an answer in memory, and a lost one is read again. */
const largestVector = 4 * 1024 * 1024;
/** A range of this length is worth a read of its own, which servers answer without copying. */
const ownRead = 128 * 1024;
/** Longer ranges are cut, so that several parts are on their way at once. */
const largestRead = 4 * 1024 * 1024;

/** Plans the requests for these ranges, in the order of the file. Ranges may overlap; empty ones need no request. */
export function planReads(ranges: ByteRange[]): PlannedRead[] {
  const order = ranges
    .map((range, index) => ({ ...range, index }))
    .filter(({ length }) => length > 0)
    .sort((a, b) => a.position - b.position);
  const reads: PlannedRead[] = [];
  let vector: PlannedRead | undefined;
  for (const { position, length, index } of order) {
    if (length >= ownRead) {
      for (let at = 0; at < length; at += largestRead) {
        const piece = { position: position + at, length: Math.min(largestRead, length - at) };
        reads.push({ ranges: [piece], targets: [{ range: index, at }], bytes: piece.length });
      }
      continue;
    }
    if (!vector || vector.ranges.length === mostElements || vector.bytes + length > largestVector) {
      vector = { ranges: [], targets: [], bytes: 0 };
      reads.push(vector);
    }
    vector.ranges.push({ position, length });
    vector.targets.push({ range: index, at: 0 });
    vector.bytes += length;
  }
  return reads;
}
