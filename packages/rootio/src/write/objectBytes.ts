// Bytes of a ROOT object as ROOT streams it: big-endian members, byte counts, class names and references to objects.

const byteCount = 0x4000_0000;
const newClass = 0xffff_ffff;
const knownClass = 0x8000_0000;
/** References count from the key's first byte, and from 2, as 0 means null. */
const referenceOffset = 2;

/** Bits of a TObject that lies in a file. */
const plainBits = 0x0300_0000;

export class ObjectBytes {
  #bytes = Buffer.alloc(1024);
  #length = 0;
  /** Length of the key that stands before the object. */
  readonly #keyLength: number;
  readonly #classes = new Map<string, number>();

  constructor(keyLength = 0) {
    this.#keyLength = keyLength;
  }

  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  #grow(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.length) {
      const larger = Buffer.alloc(Math.max(this.#length, 2 * this.#bytes.length));
      this.#bytes.copy(larger);
      this.#bytes = larger;
    }
    return at;
  }

  raw(bytes: Uint8Array): void {
    const at = this.#grow(bytes.length);
    this.#bytes.set(bytes, at);
  }

  u8(...values: number[]): void {
    for (const value of values) {
      const at = this.#grow(1);
      this.#bytes.writeUInt8(value, at);
    }
  }

  i16(...values: number[]): void {
    for (const value of values) {
      const at = this.#grow(2);
      this.#bytes.writeInt16BE(value, at);
    }
  }

  i32(...values: number[]): void {
    for (const value of values) {
      const at = this.#grow(4);
      this.#bytes.writeInt32BE(value | 0, at);
    }
  }

  u32(value: number): void {
    const at = this.#grow(4);
    this.#bytes.writeUInt32BE(value, at);
  }

  i64(...values: number[]): void {
    for (const value of values) {
      const at = this.#grow(8);
      this.#bytes.writeBigInt64BE(BigInt(value), at);
    }
  }

  f32(value: number): void {
    const at = this.#grow(4);
    this.#bytes.writeFloatBE(value, at);
  }

  f64(value: number): void {
    const at = this.#grow(8);
    this.#bytes.writeDoubleBE(value, at);
  }

  /** A TString: UTF-8 after its length, which has one byte or, from 255 on, five. */
  string(text: string): void {
    const bytes = Buffer.from(text);
    if (bytes.length < 255) this.u8(bytes.length);
    else {
      this.u8(255);
      this.u32(bytes.length);
    }
    this.raw(bytes);
  }

  #counted(body: () => void): void {
    const at = this.#grow(4);
    body();
    this.#bytes.writeUInt32BE((byteCount | (this.#length - at - 4)) >>> 0, at);
  }

  /** What a class's streamer writes: byte count, version, members. */
  object(version: number, members: () => void): void {
    this.#counted(() => {
      this.i16(version);
      members();
    });
  }

  /** An object behind a pointer, with its class before it; gives what later references to it say. */
  pointed(className: string, object: () => void): number {
    const reference = this.#length + this.#keyLength + referenceOffset;
    this.#counted(() => {
      const known = this.#classes.get(className);
      if (known !== undefined) this.u32((knownClass | known) >>> 0);
      else {
        this.#classes.set(className, this.#length + this.#keyLength + referenceOffset);
        this.u32(newClass);
        this.raw(Buffer.from(`${className}\0`));
      }
      object();
    });
    return reference;
  }

  tObject(bits = 0): void {
    this.i16(1);
    this.u32(0);
    this.u32((plainBits | bits) >>> 0);
  }

  tNamed(name: string, title: string, bits = 0): void {
    this.object(1, () => {
      this.tObject(bits);
      this.string(name);
      this.string(title);
    });
  }

  /** A TObjArray, with `items` writing so many objects. */
  objArray(count: number, items: () => void, bits = 0): void {
    this.object(3, () => {
      this.tObject(bits);
      this.string("");
      this.i32(count, 0);
      items();
    });
  }
}
