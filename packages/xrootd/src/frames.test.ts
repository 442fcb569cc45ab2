// Answers torn into pieces of any length arrive whole, and lengths that cannot be are refused before memory is taken.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { XrootdError } from "./errors.ts";
import { frameReader } from "./frames.ts";
import type { ByteRange } from "./plan.ts";
import { readSink, type Sink, vectorSink } from "./sinks.ts";

function frame(stream: number, status: number, body: Uint8Array, claimed = body.length): Buffer {
  const bytes = Buffer.alloc(8 + body.length);
  bytes.writeUInt16BE(stream, 0);
  bytes.writeUInt16BE(status, 2);
  bytes.writeInt32BE(claimed, 4);
  bytes.set(body, 8);
  return bytes;
}

function filled(length: number, from: number): Buffer {
  return Buffer.from(Uint8Array.from({ length }, (_, i) => (from + i * 31) % 256));
}

/** Gives the bytes to a reader as a socket would: into its memory where `direct`, else from elsewhere. */
function feed(bytes: Buffer, cuts: number[], sinks: Map<number, Sink>, direct: boolean) {
  const events: string[] = [];
  const reader = frameReader("peer", {
    sinkOf: (stream) => sinks.get(stream) ?? assert.fail(`stream ${stream}`),
    arrived: (stream, isLast) => events.push(`${stream} ${isLast ? "end" : "part"}`),
    told: (stream, status, body) => events.push(`${stream} ${status} ${body.toString()}`),
  });
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const count = Math.min(bytes.length - at, cuts[i % cuts.length]);
    if (direct) {
      const room = reader.room();
      const taken = Math.min(count, room.length);
      room.set(bytes.subarray(at, at + taken));
      reader.filled(taken);
      at += taken;
    } else {
      reader.push(bytes.subarray(at, at + count));
      at += count;
    }
  }
  return events;
}

test("reads, vector reads and notices come through whole however they are cut", () => {
  const cuts = fc.array(fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 50_000 })), {
    minLength: 1,
    maxLength: 50,
  });
  fc.assert(
    fc.property(cuts, fc.boolean(), fc.nat(5), (cuts, direct, shift) => {
      const long = filled(40_000, shift);
      const ranges: ByteRange[] = [
        { position: 5, length: 3 },
        { position: 2 ** 40, length: 20_000 },
        { position: 9, length: 0 },
        { position: 5, length: 3 },
      ];
      // The last two are answered in the other order.
      const vector = Buffer.concat(
        [0, 1, 3, 2].map((i) => {
          const head = Buffer.alloc(16);
          head.writeInt32BE(ranges[i].length, 4);
          head.writeBigInt64BE(BigInt(ranges[i].position), 8);
          return Buffer.concat([head, filled(ranges[i].length, i === 3 ? 0 : i)]);
        }),
      );
      const memory = new Uint8Array(40_000);
      const memories = ranges.map(({ length }) => new Uint8Array(length));
      const read = readSink("peer", memory);
      const readv = vectorSink("peer", ranges, memories);
      const events = feed(
        Buffer.concat([
          frame(1, 4000, long.subarray(0, 18_000)),
          frame(2, 4000, vector.subarray(0, 10_000)),
          frame(7, 4003, Buffer.from("no")),
          frame(1, 0, long.subarray(18_000)),
          frame(2, 4000, Buffer.alloc(0)),
          frame(2, 0, vector.subarray(10_000)),
        ]),
        cuts,
        new Map<number, Sink>([
          [1, read],
          [2, readv],
        ]),
        direct,
      );
      assert.deepEqual(events, ["1 part", "2 part", "7 4003 no", "1 end", "2 part", "2 end"]);
      assert.equal(read.missing() + readv.missing(), 0);
      assert.ok(long.equals(memory));
      for (const [i, from] of [0, 1, 2, 0].entries())
        assert.ok(filled(ranges[i].length, from).equals(memories[i]));
    }),
    { numRuns: 60, seed: 6 },
  );
});

const one = () => new Map<number, Sink>([[1, readSink("peer", new Uint8Array(10))]]);
const two = () =>
  new Map<number, Sink>([[1, vectorSink("peer", [{ position: 1, length: 4 }], [new Uint8Array(4)])]]);
for (const [what, bytes, sinks] of [
  ["a negative length", frame(1, 0, Buffer.alloc(0), -1), one],
  ["more than was asked for", frame(1, 0, Buffer.alloc(0), 11), one],
  [
    "more than was asked for, in parts",
    Buffer.concat([frame(1, 4000, filled(6, 0)), frame(1, 0, filled(5, 0))]),
    one,
  ],
  ["an unknown status", frame(1, 4007, Buffer.alloc(4)), one],
  ["a notice of 2 GB", frame(1, 4001, Buffer.alloc(0), 2 ** 31 - 1), one],
  ["an error message of 2 GB", frame(1, 4003, Buffer.alloc(0), 2 ** 31 - 1), one],
  ["a range that was not asked for", frame(1, 0, Buffer.concat([Buffer.alloc(16), Buffer.alloc(4)])), two],
] as const) {
  test(`${what} is refused`, () => {
    assert.throws(
      () => feed(bytes, [3], sinks(), false),
      (error) => error instanceof XrootdError && error.kind === "protocol",
    );
  });
}
