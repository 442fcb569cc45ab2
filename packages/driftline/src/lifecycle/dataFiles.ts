// Files of responses by what they hold: where they lie is no part of a recipe.

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { resolve as resolvePath } from "node:path";
import { DriftlineError, fail } from "../errors/registry.ts";

export interface DataFile {
  path: string;
  sha256: string;
  size: number;
}

/** The files by their contents, in an order that the contents decide. */
export async function fingerprints(paths: string[] = []): Promise<DataFile[]> {
  const files: DataFile[] = [];
  // One after another: a list of thousands must not open them all at once.
  for (const path of paths) files.push(await fingerprint(resolvePath(path)));
  return files.sort((a, b) => (a.sha256 < b.sha256 ? -1 : 1));
}

async function fingerprint(path: string): Promise<DataFile> {
  const unusable = (what: string, cause?: unknown) =>
    fail("invalid_data", `Reading ${path.length > 300 ? `${path.slice(0, 300)}…` : path}: ${what}.`, {
      field: "data.files",
      remedy: "Give the path of a file that this process can read.",
      cause,
    });
  const hash = createHash("sha256");
  try {
    const found = await stat(path);
    // A pipe or a device may never end, and a read of it can't be called off.
    if (!found.isFile()) throw unusable("it is not a plain file");
    for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
    return { path, sha256: hash.digest("hex"), size: found.size };
  } catch (cause) {
    if (cause instanceof DriftlineError) throw cause;
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT") throw unusable("there is no such file", cause);
    throw unusable(path.includes("\0") ? "no path has a zero byte" : `${code}`, cause);
  }
}
