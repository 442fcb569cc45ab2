// The fields of a protobuf message, one after the other, without a schema: what both readers of ONNX files stand on.

/** A field as it lies in the bytes; `start` to `end` is what follows the tag (and the length, where there is one). */
export interface ProtobufField {
  number: number;
  /** 0: a varint, 1: eight bytes, 2: bytes with their length, 5: four bytes. */
  wire: 0 | 1 | 2 | 5;
  /** A varint as a number, exact below 2^53; 0 for the other wire types. */
  value: number;
  start: number;
  end: number;
}

/**
 * Reads the message that is bytes `start` to `end`. Throws what `malformed` makes of a reason where a protobuf parser
 * would read otherwise than this: groups, long tags, fields that go beyond their message.
 */
export function* protobufFields(
  bytes: Uint8Array,
  start: number,
  end: number,
  malformed: (what: string) => Error,
): Generator<ProtobufField> {
  let at = start;
  while (at < end) {
    const tag = varint(bytes, at, end, 5, malformed);
    at = tag.next;
    const number = Math.floor(tag.value / 8);
    const wire = tag.value % 8;
    if (tag.value >= 2 ** 32 || number === 0) throw malformed(`bad field tag at byte ${at}`);
    let next: number;
    let value = 0;
    if (wire === 0) {
      ({ value, next } = varint(bytes, at, end, 10, malformed));
    } else if (wire === 2) {
      const length = varint(bytes, at, end, 5, malformed);
      at = length.next;
      next = at + length.value;
    } else if (wire === 1 || wire === 5) {
      next = at + (wire === 1 ? 8 : 4);
    } else {
      throw malformed(`field of wire type ${wire} at byte ${at}`);
    }
    if (next > end) throw malformed(`a field at byte ${at} goes beyond its message`);
    yield { number, wire, value, start: at, end: next };
    at = next;
  }
}

function varint(
  bytes: Uint8Array,
  at: number,
  end: number,
  longest: number,
  malformed: (what: string) => Error,
) {
  let value = 0;
  for (let i = 0; i < longest && at + i < end; i++) {
    value += (bytes[at + i] & 0x7f) * 2 ** (7 * i);
    if (bytes[at + i] < 0x80) return { value, next: at + i + 1 };
  }
  throw malformed(`cut off or bad number at byte ${at}`);
}
