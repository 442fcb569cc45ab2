// Writing to the place that an option names: what the file system refuses there is a wrong option, not a fault.

import { randomUUID } from "node:crypto";
import { rename, rm } from "node:fs/promises";
import { writeDurably } from "@driftline/client/durable";
import { DriftlineError, fail } from "../errors/registry.ts";

const reasons: Record<string, string | undefined> = {
  EISDIR: "there is a directory",
  ENOENT: "there is no such directory",
  ENOTDIR: "a part of it is a file, not a directory",
  EEXIST: "a part of it is a file, not a directory",
  EACCES: "this user may not write there",
  EPERM: "this user may not write there",
  EROFS: "nothing can be written to this file system",
  EBUSY: "it is in use",
  ENAMETOOLONG: "the name is too long",
};

/** Runs `write`, which writes to `path`, the value of `option`. Throws `usage` naming the option where nothing can be written there. */
export async function writeOut<T>(option: string, path: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (cause) {
    if (cause instanceof DriftlineError) throw cause;
    const reason = reasons[(cause as NodeJS.ErrnoException).code ?? ""];
    if (reason === undefined) throw cause;
    throw fail("usage", `${option} ${path}: ${reason}.`, {
      field: option,
      remedy: "Name a place that can be written to.",
      cause,
    });
  }
}

/** Writes a file durably in the place of what is there: a reader sees the old one or the whole new one. */
export async function replaceFile(path: string, text: string): Promise<void> {
  const beside = `${path}.${randomUUID()}`;
  try {
    await writeDurably(beside, text, 0o666);
    await rename(beside, path);
  } finally {
    await rm(beside, { force: true });
  }
}
