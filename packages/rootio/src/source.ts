// Where the bytes of a file come from: a source answers ranges of bytes; here a local file.

import { type FileHandle, open } from "node:fs/promises";
import { RootError } from "./errors.ts";

export interface ByteRange {
  position: number;
  length: number;
}

export interface ByteSource {
  /** Path or address, for messages. */
  name: string;
  size: number;
  /** The bytes of each range, in the order asked. A range that leaves the file is a `damaged` error. */
  read(ranges: ByteRange[]): Promise<Uint8Array[]>;
  close(): Promise<void>;
}

/** Opens a local file. Throws `unreadable` where it does not exist or is no regular file. */
export async function fileSource(path: string): Promise<ByteSource> {
  let file: FileHandle;
  try {
    file = await open(path);
  } catch (cause) {
    throw new RootError("unreadable", { file: path }, `cannot be opened: ${(cause as Error).message}`, cause);
  }
  const stat = await file.stat();
  if (!stat.isFile()) {
    await file.close();
    throw new RootError("unreadable", { file: path }, "is not a regular file");
  }
  const readOne = async ({ position, length }: ByteRange) => {
    const inside = Number.isSafeInteger(position) && position >= 0 && length >= 0;
    if (!inside || position + length > stat.size)
      throw new RootError(
        "damaged",
        { file: path },
        `it refers to ${length} bytes at ${position}, but has only ${stat.size}; it is truncated or damaged`,
      );
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; ) {
      const { bytesRead } = await file.read(bytes, at, length - at, position + at);
      if (bytesRead === 0) throw new RootError("damaged", { file: path }, "shrank while being read");
      at += bytesRead;
    }
    return bytes;
  };
  return {
    name: path,
    size: stat.size,
    read: (ranges) => Promise.all(ranges.map(readOne)),
    close: () => file.close(),
  };
}
