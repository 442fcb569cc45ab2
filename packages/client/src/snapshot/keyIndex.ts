// A sorted index of fixed-width lines, searched in place.

import { damaged } from "./blobs.ts";
import { bundleAt, keyBytes, lineBytes, timeAt } from "./format.ts";

export interface IndexLine {
  key: string;
  bundle: string;
  createdAt: string;
}

export interface KeyIndex {
  count: number;
  line(i: number): IndexLine;
  find(key: string): IndexLine | null;
  /** Whole lines of which key or bundle begins with `prefix`, at most `limit`. */
  matching(column: "key" | "bundle", prefix: string, limit: number): IndexLine[];
}

/** `bytes` were checked against their digest; `count` is what the root says. Throws `damaged`. */
export function keyIndex(bytes: Buffer, count: number, path: string): KeyIndex {
  if (bytes.length !== count * lineBytes) {
    throw damaged(path, "an index", `it has ${bytes.length} bytes, not ${count} lines of ${lineBytes}`);
  }

  function line(i: number): IndexLine {
    const at = i * lineBytes;
    return {
      key: bytes.toString("latin1", at, at + keyBytes),
      bundle: bytes.toString("latin1", at + bundleAt, at + bundleAt + 64),
      createdAt: bytes.toString("latin1", at + timeAt, at + lineBytes - 1),
    };
  }

  /** The first line whose key is not before `key`, which may be the beginning of one. */
  function lowerBound(key: Buffer): number {
    let low = 0;
    let high = count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const at = middle * lineBytes;
      if (bytes.compare(key, 0, key.length, at, at + keyBytes) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  return {
    count,
    line,
    find(key) {
      const i = lowerBound(Buffer.from(key, "latin1"));
      if (i === count) return null;
      const found = line(i);
      return found.key === key ? found : null;
    },
    matching(column, prefix, limit) {
      const found: IndexLine[] = [];
      const wanted = Buffer.from(prefix, "latin1");
      const isKey = column === "key";
      // Bundles are in no order. Bytes are compared in place: a text of each line would take ten times as long.
      for (let i = isKey ? lowerBound(wanted) : 0; i < count && found.length < limit; i++) {
        const at = i * lineBytes + (isKey ? 0 : bundleAt);
        if (bytes.compare(wanted, 0, wanted.length, at, at + wanted.length) === 0) found.push(line(i));
        else if (isKey) break;
      }
      return found;
    },
  };
}
