// Where the bytes of a file come from: a source answers ranges of bytes. Other protocols implement this interface.

import { RootError } from "../errors.ts";

export interface ByteRange {
  position: number;
  length: number;
}

export interface ByteSource {
  /** Path or address, for messages. */
  name: string;
  size: number;
  /** Differs where the content differs: two sources of the same identity have the same bytes. */
  identity: string;
  /**
   * The bytes of each range, in the order asked, in buffers that are the caller's to keep. A range that leaves the
   * file is a RootError `damaged` (something in the file refers beyond its end); bytes that cannot be had are
   * `unreadable`, and so is a file that has become another one since it was opened.
   */
  read(ranges: ByteRange[]): Promise<Uint8Array[]>;
  close(): Promise<void>;
}

/** Throws `damaged` where the range leaves the file: nothing is asked for or allocated before. */
export function checkInside({ position, length }: ByteRange, source: { name: string; size: number }): void {
  const inside = Number.isSafeInteger(position) && position >= 0 && length >= 0;
  if (inside && position + length <= source.size) return;
  throw new RootError(
    "damaged",
    { file: source.name },
    `it refers to ${length} bytes at ${position}, but has only ${source.size}; it is truncated or damaged`,
  );
}
