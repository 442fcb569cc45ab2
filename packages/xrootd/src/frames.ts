// Takes the bytes of a connection apart into answers: a header of 8 bytes (stream, status, length) and a body each.

import { violation } from "./errors.ts";
import type { Sink } from "./sinks.ts";

export const status = {
  ok: 0,
  /** A part of an answer; more follows. */
  okSoFar: 4000,
  attention: 4001,
  authMore: 4002,
  error: 4003,
  redirect: 4004,
  wait: 4005,
  waitForResponse: 4006,
};

export interface FrameHandlers {
  /** Where the data of this stream go; throws where nobody asked for any. */
  sinkOf(stream: number): Sink;
  /** All bytes of a part (`isLast` false) or of an answer have gone into the sink. */
  arrived(stream: number, isLast: boolean): void;
  /** An answer other than data. */
  told(stream: number, status: number, body: Buffer): void;
}

/** Answers other than data are short, but for those that bring a late answer within (attention). */
const largestNotice = 64 * 1024;
const largestAttention = 16 * 1024 * 1024;
/** Memory for headers and short answers; longer data go straight to where they belong. */
const scratchLength = 64 * 1024;
/** Not worth a system call of its own. */
const smallestDirect = 16 * 1024;

export interface FrameReader {
  /** Memory for the next bytes from the socket. */
  room(): Uint8Array;
  /** That many bytes lie in what room() gave last. */
  filled(length: number): void;
  /** Bytes that lie elsewhere. */
  push(bytes: Uint8Array): void;
  /** Whether the data of an answer are coming in. */
  isReceiving(): boolean;
}

/** Every method throws a `protocol` error where the peer sent what cannot be; the connection is to be closed then. */
export function frameReader(server: string, handlers: FrameHandlers): FrameReader {
  const scratch = new Uint8Array(scratchLength);
  const header = Buffer.alloc(8);
  let inHeader = 0;
  let stream = 0;
  let code = 0;
  let left = 0;
  /** Of an answer that carries data. */
  let sink: Sink | undefined;
  /** Of another answer. */
  let notice: Uint8Array[] = [];
  let direct = false;

  function begin() {
    stream = header.readUInt16BE(0);
    code = header.readUInt16BE(2);
    left = header.readInt32BE(4);
    if (left < 0) throw violation(server, `an answer claims ${left} bytes`);
    if (code === status.ok || code === status.okSoFar) {
      sink = handlers.sinkOf(stream);
      sink.expect(left);
    } else {
      if (code < status.attention || code > status.waitForResponse)
        throw violation(server, `an answer has the unknown status ${code}`);
      const limit = code === status.attention ? largestAttention : largestNotice;
      if (left > limit) throw violation(server, `an answer of status ${code} claims ${left} bytes`);
      sink = undefined;
      notice = [];
    }
    if (left === 0) end();
  }
  function end() {
    inHeader = 0;
    if (sink) {
      sink = undefined;
      handlers.arrived(stream, code === status.ok);
    } else {
      const body = Buffer.concat(notice);
      notice = [];
      handlers.told(stream, code, body);
    }
  }
  function push(bytes: Uint8Array) {
    for (let from = 0; from < bytes.length; ) {
      if (inHeader < 8) {
        const count = Math.min(8 - inHeader, bytes.length - from);
        header.set(bytes.subarray(from, from + count), inHeader);
        inHeader += count;
        from += count;
        if (inHeader === 8) begin();
        continue;
      }
      const piece = bytes.subarray(from, from + Math.min(left, bytes.length - from));
      if (sink) sink.write(piece);
      else notice.push(piece.slice());
      from += piece.length;
      left -= piece.length;
      if (left === 0) end();
    }
  }
  return {
    room() {
      const memory = inHeader === 8 && left >= smallestDirect ? sink?.room() : undefined;
      direct = memory !== undefined && memory.length >= smallestDirect;
      return direct ? memory!.subarray(0, left) : scratch;
    },
    filled(length) {
      if (!direct) return push(scratch.subarray(0, length));
      sink!.filled(length);
      left -= length;
      if (left === 0) end();
    },
    push,
    isReceiving: () => sink !== undefined,
  };
}
