// Where a file's bytes go: a temporary file beside the place, which takes the name when all is written and flushed.

import { randomUUID } from "node:crypto";
import { access, type FileHandle, link, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { WriteError } from "./errors.ts";

export interface ByteSink {
  /** Path, for messages. */
  name: string;
  /** All bytes, at a place within the file; where that fails nothing stays behind. */
  write(bytes: Uint8Array, position: number): Promise<void>;
  /** From here on there is a file of the name, all of it. */
  close(): Promise<void>;
  /** Leaves nothing behind; does nothing once the sink is closed. */
  abort(): Promise<void>;
}

const exists = (path: string) =>
  new WriteError(
    "exists",
    { file: path },
    "is there already",
    "Give another path, or remove the file first; it is never overwritten.",
  );

/** A file that does not exist yet. Throws WriteError: `exists` or `unwritable`. */
export async function fileSink(path: string): Promise<ByteSink> {
  await access(path).then(
    () => {
      throw exists(path);
    },
    () => {},
  );
  const temporary = `${path}.${randomUUID()}.tmp`;
  let file: FileHandle | null = await open(temporary, "wx").catch((cause) => {
    throw writeFailure(path, cause);
  });
  const abort = async () => {
    const handle = file;
    file = null;
    if (!handle) return;
    await handle.close().catch(() => {});
    await rm(temporary, { force: true });
  };
  const attempt = async (work: (handle: FileHandle) => Promise<void>) => {
    if (!file)
      throw new WriteError("unwritable", { file: path }, "was closed before", "Create another file.");
    try {
      await work(file);
    } catch (cause) {
      await abort();
      throw cause instanceof WriteError ? cause : writeFailure(path, cause as Error);
    }
  };
  return {
    name: path,
    write: (bytes, position) =>
      attempt(async (handle) => {
        for (let at = 0; at < bytes.length; )
          at += (await handle.write(bytes, at, bytes.length - at, position + at)).bytesWritten;
      }),
    close: () =>
      attempt(async (handle) => {
        await handle.sync();
        await publish(temporary, path);
        file = null;
        await handle.close();
        const directory = await open(dirname(path));
        await directory.sync().finally(() => directory.close());
      }),
    abort,
  };
}

/** A link, unlike a rename, never replaces a file that came to be meanwhile; some file systems have no links. */
async function publish(temporary: string, path: string): Promise<void> {
  try {
    await link(temporary, path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "EEXIST") throw exists(path);
    if (code !== "EPERM" && code !== "ENOTSUP" && code !== "ENOSYS" && code !== "EOPNOTSUPP") throw cause;
    await access(path).then(
      () => {
        throw exists(path);
      },
      () => rename(temporary, path),
    );
    return;
  }
  await rm(temporary);
}

/** The WriteError of a system call that failed. */
export function writeFailure(path: string, cause: Error): WriteError {
  const { code } = cause as NodeJS.ErrnoException;
  const full = code === "ENOSPC" || code === "EDQUOT" || code === "EFBIG";
  return new WriteError(
    "unwritable",
    { file: path },
    full ? `there is no room for it (${cause.message})` : `cannot be written: ${cause.message}`,
    full
      ? "Make room on the disk, or write to another; what had been written was removed."
      : "Give a path in a directory that exists and can be written.",
    cause,
  );
}
