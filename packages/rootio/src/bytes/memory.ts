// Bytes that are in memory already.

import { type ByteSource, checkInside } from "./source.ts";

let made = 0;

/** A source of these bytes, which must not change while it is used. */
export function memorySource(bytes: Uint8Array, name: string): ByteSource {
  return {
    name,
    size: bytes.length,
    identity: `memory ${++made}`,
    read: async (ranges) => {
      for (const range of ranges) checkInside(range, { name, size: bytes.length });
      return ranges.map(
        ({ position, length }) => new Uint8Array(bytes.subarray(position, position + length)),
      );
    },
    close: async () => {},
  };
}
