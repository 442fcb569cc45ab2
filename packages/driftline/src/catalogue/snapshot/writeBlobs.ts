// Writing the blobs of a snapshot: durable before they have their names, and left alone where they are there.

import { execFile } from "node:child_process";
import { createHash, hash, randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { syncDirectory, writeDurably } from "@driftline/client/durable";
import { blobPath, type Ref } from "@driftline/client/snapshot/format";
import { fail } from "../../errors/registry.ts";

/** A writer's own folder, which readers pass over. */
const incoming = ".incoming";
/** So many are synced together, and what a killed writer has done is lost by no more. */
const batchSize = 2_000;
/** From here on one sync of the file system is quicker than one of each file. */
const manyFiles = 100;

export type Pieces = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

export type SnapshotWriter = ReturnType<typeof snapshotWriter>;

/** With `mend` what is there counts only where its bytes have its digest. */
export function snapshotWriter(directory: string, mend: boolean) {
  const temporary = join(directory, incoming);
  const made = new Set<string>();
  const written = { blobs: 0, bytes: 0 };
  /** Two bundles can share a file, and be copied at the same time. */
  const writing = new Map<string, Promise<void>>();
  /** Written, and not yet named. */
  let staged: string[] = [];
  /** Written or named by this writer. */
  const known = new Set<string>();

  async function isThere({ sha256, size }: Ref): Promise<boolean> {
    if (known.has(sha256)) return true;
    const path = blobPath(directory, sha256);
    const found = await stat(path).catch(() => null);
    if (found?.size !== size) return false;
    return !mend || (await digestOf(path)) === sha256;
  }

  async function putBytes(bytes: Uint8Array): Promise<Ref> {
    const ref = { sha256: hash("sha256", bytes), size: bytes.byteLength };
    await putStream(ref, async () => [bytes]);
    return ref;
  }

  /** Copies what is not there; `open` is asked only then. */
  async function putStream(ref: Ref, open: () => Promise<Pieces>): Promise<void> {
    const same = writing.get(ref.sha256);
    if (same !== undefined) return same;
    const put = isThere(ref).then(async (there) => (there ? undefined : stage(ref, await open())));
    writing.set(ref.sha256, put);
    try {
      await put;
    } finally {
      writing.delete(ref.sha256);
    }
    if (staged.length >= batchSize) await nameStaged();
  }

  async function stage(ref: Ref, pieces: Pieces): Promise<void> {
    const digest = createHash("sha256");
    let size = 0;
    const file = await open(join(temporary, ref.sha256), "wx", 0o444);
    try {
      for await (const piece of pieces) {
        digest.update(piece);
        size += piece.byteLength;
        await file.writeFile(piece);
      }
    } finally {
      await file.close();
    }
    if (size !== ref.size || digest.digest("hex") !== ref.sha256) {
      throw fail(
        "damaged",
        `Writing blob ${ref.sha256} to a snapshot: the catalogue has other bytes under this name.`,
        {
          remedy: "`driftline doctor --verify` names what is damaged in the catalogue.",
        },
      );
    }
    known.add(ref.sha256);
    staged.push(ref.sha256);
    written.blobs++;
    written.bytes += size;
  }

  /**
   * Gives what was written its names, once it is on the disk: a name whose content a power cut has taken would be
   * taken for a blob by the next writer.
   */
  async function nameStaged(): Promise<void> {
    const batch = staged;
    staged = [];
    await syncFiles(
      temporary,
      batch.map((sha256) => join(temporary, sha256)),
    );
    for (const sha256 of batch) {
      const path = blobPath(directory, sha256);
      const folder = dirname(path);
      if (!made.has(folder)) {
        await mkdir(folder, { recursive: true });
        made.add(folder);
      }
      await rename(join(temporary, sha256), path);
    }
  }

  /** Names all, and makes the names survive a power cut; those too that a killed writer left and this one found there. */
  async function complete(): Promise<void> {
    await nameStaged();
    const root = join(directory, "blobs");
    for (const folder of await readdir(root)) await syncDirectory(join(root, folder));
    for (const folder of [root, directory]) await syncDirectory(folder);
  }

  /** Puts a file in the place of another, at once and durably. */
  async function replace(name: string, text: string): Promise<void> {
    const beside = join(temporary, randomUUID());
    await writeDurably(beside, text);
    await rename(beside, join(directory, name));
    await syncDirectory(directory);
  }

  return {
    written,
    putBytes,
    putStream,
    complete,
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

async function digestOf(path: string): Promise<string> {
  const digest = createHash("sha256");
  for await (const piece of createReadStream(path)) digest.update(piece as Uint8Array);
  return digest.digest("hex");
}

async function syncFiles(directory: string, paths: string[]): Promise<void> {
  // syncfs(2), which Node does not have, by coreutils; elsewhere one file after another.
  const isSynced =
    paths.length >= manyFiles &&
    (await promisify(execFile)("sync", ["--file-system", directory]).then(
      () => true,
      () => false,
    ));
  if (isSynced) return;
  for (const path of paths) {
    const file = await open(path, "r");
    try {
      await file.sync();
    } finally {
      await file.close();
    }
  }
}
