// Files of responses by what they hold: where they lie is no part of a recipe.

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { resolve as resolvePath } from "node:path";
import { DriftlineError, fail } from "../errors/registry.ts";
import { isAddress } from "../streaming/sources/address.ts";

/** What tells a file's content from another's: all of it where it is local, a fingerprint of it on a server. */
export type FileIdentity = { sha256: string; size: number } | { fingerprint: string; size: number };

export interface DataFile {
  /** Absolute path, or address. */
  path: string;
  identity: FileIdentity;
}

/** The digest by which a file is known. */
export const digestOf = (identity: FileIdentity) =>
  "sha256" in identity ? identity.sha256 : identity.fingerprint;

/**
 * The files that a user names: paths, globs, addresses, @lists, as absolute paths and addresses in order. For who may
 * read anything here; a server takes what its clients name through dataFileCheck. Throws `invalid_data`.
 */
export async function namedFiles(names: string[]): Promise<string[]> {
  if (names.length === 0) return [];
  // Loaded when needed: reading files takes libraries that most commands do without.
  const { findFiles } = await import("../streaming/sources/locations.ts");
  const found = await findFiles(names);
  return found.map((location) => (isAddress(location) ? location : resolvePath(location)));
}

/** The files by their contents, in an order that the contents decide. Names are taken as they are, without globs. */
export async function fingerprints(paths: string[] = []): Promise<DataFile[]> {
  const files: DataFile[] = [];
  // One after another: a list of thousands must not open them all at once.
  for (const path of paths)
    files.push(isAddress(path) ? await remoteFingerprint(path) : await fingerprint(resolvePath(path)));
  return files.sort((a, b) => (digestOf(a.identity) < digestOf(b.identity) ? -1 : 1));
}

async function remoteFingerprint(path: string): Promise<DataFile> {
  const { identifyFile } = await import("../streaming/sources/bytes.ts");
  const { fingerprint, size } = await identifyFile(path);
  return { path, identity: { fingerprint, size } };
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
    return { path, identity: { sha256: hash.digest("hex"), size: found.size } };
  } catch (cause) {
    if (cause instanceof DriftlineError) throw cause;
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT") throw unusable("there is no such file", cause);
    throw unusable(path.includes("\0") ? "no path has a zero byte" : `${code}`, cause);
  }
}
