// Bytes of a local file.

import { type FileHandle, open } from "node:fs/promises";
import { RootError } from "../errors.ts";
import { type ByteRange, type ByteSource, checkInside } from "./source.ts";

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
  const { size } = stat;
  const readOne = async ({ position, length }: ByteRange) => {
    const bytes = new Uint8Array(new ArrayBuffer(length));
    for (let at = 0; at < length; ) {
      const { bytesRead } = await file.read(bytes, at, length - at, position + at);
      if (bytesRead === 0) throw new RootError("damaged", { file: path }, "shrank while being read");
      at += bytesRead;
    }
    return bytes;
  };
  return {
    name: path,
    size,
    identity: `${stat.dev}:${stat.ino}:${size}:${stat.mtimeMs}`,
    read: async (ranges) => {
      for (const range of ranges) checkInside(range, { name: path, size });
      return Promise.all(ranges.map(readOne));
    },
    close: () => file.close(),
  };
}
