// Opening a snapshot: the pointer is read once, and what it led to is kept.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { DriftlineError } from "../error.ts";
import { damaged, parseJson, readJson } from "./blobs.ts";
import { pointer, pointerFile, type Ref, type SnapshotRoot, snapshotFormat, snapshotRoot } from "./format.ts";

export interface OpenedSnapshot {
  directory: string;
  /** Of the root: the snapshot's own name. */
  digest: string;
  root: SnapshotRoot;
}

/** Throws `usage` where there is no snapshot or one of another format, `damaged`. */
export async function openSnapshot(directory: string): Promise<OpenedSnapshot> {
  const { sha256, size } = await readPointer(directory);
  const root = await readRoot(directory, { sha256, size });
  return { directory, digest: sha256, root };
}

export function readRoot(directory: string, name: Ref): Promise<SnapshotRoot> {
  return readJson(directory, name, snapshotRoot, "the root");
}

export async function readPointer(directory: string): Promise<Ref> {
  const path = join(directory, pointerFile);
  const bytes = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
    const missing = cause.code === "ENOENT" || cause.code === "ENOTDIR";
    const why = missing ? `it has no ${pointerFile}` : cause.message;
    throw new DriftlineError("usage", `${directory} is not a snapshot: ${why}.`, {
      field: "snapshot",
      remedy: "Name the directory that `driftline snapshot --out` wrote.",
      cause,
    });
  });
  const other = /^\{"format":"driftline-snapshot\/(\d{1,4})",/.exec(bytes.toString("latin1"))?.[1];
  if (other !== undefined && other !== snapshotFormat.split("/")[1]) {
    throw new DriftlineError(
      "usage",
      `${path} is of format driftline-snapshot/${other}; this reads ${snapshotFormat}.`,
      {
        field: "snapshot",
        remedy: "Update Driftline, or publish the snapshot again with this version.",
      },
    );
  }
  if (bytes.length > 4096) throw damaged(path, "the pointer", `it has ${bytes.length} bytes`);
  return parseJson(bytes, pointer, path, "the pointer");
}
