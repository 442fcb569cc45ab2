// The data directory: its marker file, and whether its file system can carry an embedded catalogue.

import { link, mkdir, open, readFile, rm, statfs } from "node:fs/promises";
import { join } from "node:path";
import { fail } from "../errors/registry.ts";

export const markerFile = "catalogue.json";
const scheme = "driftline-data/1";

/** Magic numbers of statfs(2), linux/magic.h; Lustre, GPFS, BeeGFS and OrangeFS from their own sources. */
const networkFileSystems = new Map<number, string>([
  [0x6969, "NFS"],
  [0xff534d42, "CIFS"],
  [0xfe534d42, "SMB"],
  [0x517b, "SMB"],
  [0x00c36400, "CephFS"],
  [0x5346414f, "AFS"],
  [0x6b414653, "AFS"],
  [0x0bd00bd0, "Lustre"],
  [0x47504653, "GPFS"],
  [0x19830326, "BeeGFS"],
  [0x20030528, "OrangeFS"],
  [0x01161970, "GFS2"],
]);

/** The name of the network file system that holds `directory`, or null. FUSE mounts tell nothing and pass. */
export async function networkFileSystem(directory: string): Promise<string | null> {
  const { type } = await statfs(directory);
  // The kernel's field is signed on some machines.
  return networkFileSystems.get(type >>> 0) ?? null;
}

/**
 * Makes the directory and its marker, or checks the marker that is there.
 * Throws `invalid_data_directory` for a network file system, a foreign or a newer directory.
 */
export async function prepareDataDirectory(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true }).catch((cause: NodeJS.ErrnoException) => {
    const isFile = cause.code === "EEXIST" || cause.code === "ENOTDIR";
    throw fail(
      "invalid_data_directory",
      `${directory} cannot be a data directory: ${isFile ? "there is a file in its place" : cause.message}.`,
      { field: "data-dir", remedy: "Name a directory that this user can write to with --data-dir.", cause },
    );
  });
  const network = await networkFileSystem(directory);
  if (network !== null) {
    throw fail(
      "invalid_data_directory",
      `${directory} is on ${network}; the embedded catalogue needs a local file system, because locks and ` +
        "shared memory of SQLite do not hold across machines.",
      { field: "data-dir", remedy: "Name a local directory with --data-dir, or a server with --url." },
    );
  }
  await prepareMarker(directory);
}

/** Marks a directory as Driftline's, or checks the marker that is there. Throws `invalid_data_directory`. */
export async function prepareMarker(directory: string): Promise<void> {
  const path = join(directory, markerFile);
  const text = (await readIfThere(path)) ?? (await writeMarker(path));
  if (schemeOf(text) !== scheme) {
    throw fail(
      "invalid_data_directory",
      `${path} is not the marker of a data directory that this version of Driftline knows (${scheme}).`,
      { field: "data-dir", remedy: "Update Driftline, or name another directory with --data-dir." },
    );
  }
}

async function writeMarker(path: string): Promise<string> {
  const text = `${JSON.stringify({ scheme, createdAt: new Date().toISOString() })}\n`;
  const written = `${path}.${process.pid}-${Math.random().toString(36).slice(2)}`;
  try {
    const file = await open(written, "wx");
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    // A link fails where another process was first; then its marker holds.
    await link(written, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST") throw error;
    });
  } finally {
    await rm(written, { force: true });
  }
  return readFile(path, "utf8");
}

async function readIfThere(path: string): Promise<string | null> {
  return readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null;
    throw error;
  });
}

function schemeOf(text: string): unknown {
  try {
    return (JSON.parse(text) as { scheme?: unknown } | null)?.scheme;
  } catch {
    return undefined;
  }
}
