// Writing the blobs of a snapshot: durable, named by their content, and left alone where they are there.

import { createHash, hash, randomUUID } from "node:crypto";
import { mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { blobPath, type Ref } from "@driftline/client/snapshot/format";
import { fail } from "../../errors/registry.ts";

/** A writer's own folder, which readers pass over. */
export const incoming = ".incoming";

type Pieces = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

export type SnapshotWriter = ReturnType<typeof snapshotWriter>;

export function snapshotWriter(directory: string) {
  const temporary = join(directory, incoming);
  const touched = new Set<string>();
  const written = { blobs: 0, bytes: 0 };
  /** Two bundles can share a file, and be copied at the same time. */
  const writing = new Map<string, Promise<void>>();

  async function isThere({ sha256, size }: Ref): Promise<boolean> {
    const found = await stat(blobPath(directory, sha256)).catch(() => null);
    return found?.size === size;
  }

  async function putBytes(bytes: Uint8Array): Promise<Ref> {
    const ref = { sha256: hash("sha256", bytes), size: bytes.byteLength };
    await putStream(ref, async () => [bytes]);
    return ref;
  }

  /** Copies what is not there; `open` is asked only then. */
  async function putStream(ref: Ref, open: () => Promise<Pieces>): Promise<void> {
    const known = writing.get(ref.sha256);
    if (known !== undefined) return known;
    const put = isThere(ref).then(async (there) => (there ? undefined : write(ref, await open())));
    writing.set(ref.sha256, put);
    try {
      await put;
    } finally {
      writing.delete(ref.sha256);
    }
  }

  async function write(ref: Ref, pieces: Pieces): Promise<void> {
    const path = blobPath(directory, ref.sha256);
    const beside = join(temporary, randomUUID());
    try {
      const digest = createHash("sha256");
      let size = 0;
      const file = await open(beside, "wx", 0o444);
      try {
        for await (const piece of pieces) {
          digest.update(piece);
          size += piece.byteLength;
          await file.writeFile(piece);
        }
        await file.sync();
      } finally {
        await file.close();
      }
      if (size !== ref.size || digest.digest("hex") !== ref.sha256) {
        throw fail("damaged", `Writing blob ${ref.sha256} of a snapshot: its content is another one.`, {
          remedy: "`driftline doctor --verify` names what is damaged in the catalogue.",
        });
      }
      const folder = dirname(path);
      if (!touched.has(folder)) {
        await mkdir(folder, { recursive: true });
        touched.add(folder);
      }
      await rename(beside, path);
      written.blobs++;
      written.bytes += size;
    } finally {
      await rm(beside, { force: true });
    }
  }

  /** Makes the names of what was written survive a power cut. */
  async function syncFolders(): Promise<void> {
    if (touched.size === 0) return;
    for (const folder of [...touched, join(directory, "blobs"), directory]) await syncDirectory(folder);
    touched.clear();
  }

  /** Puts a file in the place of another, at once and durably. */
  async function replace(name: string, text: string): Promise<void> {
    const beside = join(temporary, randomUUID());
    const file = await open(beside, "wx", 0o644);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(beside, join(directory, name));
    await syncDirectory(directory);
  }

  return {
    written,
    putBytes,
    putStream,
    syncFolders,
    replace,
    /** Makes the writer's folder, without what a killed writer left. */
    async prepare(): Promise<void> {
      await rm(temporary, { recursive: true, force: true });
      await mkdir(temporary, { recursive: true });
    },
    async finish(): Promise<void> {
      await rm(temporary, { recursive: true, force: true });
    },
  };
}

/** Removes blobs that are not in `needed`. */
export async function removeBlobs(
  directory: string,
  needed: Set<string>,
): Promise<{ removed: number; bytes: number }> {
  const report = { removed: 0, bytes: 0 };
  const root = join(directory, "blobs");
  for (const folder of await readdir(root)) {
    for (const name of await readdir(join(root, folder))) {
      if (needed.has(name) || !/^[0-9a-f]{64}$/.test(name)) continue;
      const path = join(root, folder, name);
      const { size } = await stat(path);
      await rm(path, { force: true });
      report.removed++;
      report.bytes += size;
    }
  }
  return report;
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
