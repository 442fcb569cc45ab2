// Where the bytes of an answer go as they arrive: into the caller's memory for reads, into a limited buffer for the rest.

import { violation } from "./errors.ts";
import type { ByteRange } from "./plan.ts";

export interface Sink {
  /** Called for each part of an answer before its bytes; throws where they are more than there may be. */
  expect(length: number): void;
  /** Memory in which the next bytes belong, so that they need not be copied; undefined where there is none of use. */
  room(): Uint8Array | undefined;
  /** That many bytes have been put into room(). */
  filled(length: number): void;
  write(bytes: Uint8Array): void;
}

/** Collects an answer of at most `limit` bytes. */
export function bufferSink(server: string, limit: number): Sink & { body(): Buffer } {
  const parts: Uint8Array[] = [];
  let length = 0;
  return {
    expect(more) {
      if (length + more > limit)
        throw violation(server, `an answer has ${length + more} bytes and may have ${limit}`);
      length += more;
    },
    room: () => undefined,
    filled() {},
    // The bytes lie in a buffer that is used again.
    write: (bytes) => parts.push(bytes.slice()),
    body: () => Buffer.concat(parts),
  };
}

/** Puts the answer to a read into `memory`. A short answer leaves `missing` above zero. */
export function readSink(server: string, memory: Uint8Array): Sink & { missing(): number } {
  let at = 0;
  let announced = 0;
  return {
    expect(more) {
      announced += more;
      if (announced > memory.length)
        throw violation(server, `a read of ${memory.length} bytes was answered with ${announced}`);
    },
    room: () => memory.subarray(at, announced),
    filled(length) {
      at += length;
    },
    write(bytes) {
      memory.set(bytes, at);
      at += bytes.length;
    },
    missing: () => memory.length - at,
  };
}

/**
 * Puts the answer to a vector read into one piece of memory for each range. The answer is a header of 16 bytes (handle,
 * length, position) before the bytes of each range; parts of an answer may end anywhere.
 */
export function vectorSink(
  server: string,
  ranges: ByteRange[],
  memories: Uint8Array[],
): Sink & { missing(): number } {
  const header = Buffer.alloc(16);
  const done = new Array<boolean>(ranges.length).fill(false);
  let inHeader = 0;
  let next = 0;
  let memory: Uint8Array = new Uint8Array(0);
  let at = 0;
  let left = ranges.reduce((sum, { length }) => sum + 16 + length, 0);
  let missing = ranges.length;

  function begin() {
    const length = header.readInt32BE(4);
    const position = Number(header.readBigInt64BE(8));
    const matches = (i: number) => !done[i] && ranges[i].position === position && ranges[i].length === length;
    // Servers answer in the order asked; the protocol does not promise it.
    const found = matches(next) ? next : ranges.findIndex((_, i) => matches(i));
    if (found < 0)
      throw violation(
        server,
        `a vector read was answered with ${length} bytes at ${position}, which were not asked for`,
      );
    done[found] = true;
    next = Math.min(found + 1, ranges.length - 1);
    memory = memories[found];
    at = 0;
    inHeader = 0;
    if (memory.length === 0) missing--;
  }
  function put(length: number) {
    at += length;
    if (at === memory.length) missing--;
  }
  return {
    expect(more) {
      left -= more;
      if (left < 0) throw violation(server, "a vector read was answered with more bytes than were asked for");
    },
    room: () => (inHeader === 0 && at < memory.length ? memory.subarray(at) : undefined),
    filled: put,
    write(bytes) {
      for (let from = 0; from < bytes.length; ) {
        if (at < memory.length) {
          const count = Math.min(bytes.length - from, memory.length - at);
          memory.set(bytes.subarray(from, from + count), at);
          from += count;
          put(count);
        } else {
          const count = Math.min(bytes.length - from, 16 - inHeader);
          header.set(bytes.subarray(from, from + count), inHeader);
          from += count;
          inHeader += count;
          if (inHeader === 16) begin();
        }
      }
    },
    missing: () => missing,
  };
}
