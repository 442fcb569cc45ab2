// Removes from a snapshot's directory what neither it nor the last ones before it need.

import { DriftlineError } from "@driftline/client/error";
import { readBlob } from "@driftline/client/snapshot/blobs";
import { readLockBlob } from "@driftline/client/snapshot/connectSnapshot";
import { readManifestBlob } from "@driftline/client/snapshot/family";
import { blobPath, type Ref, type SnapshotRoot } from "@driftline/client/snapshot/format";
import { keyIndex } from "@driftline/client/snapshot/keyIndex";
import { readRoot } from "@driftline/client/snapshot/root";
import { removeBlobs } from "./writeBlobs.ts";

export interface PruneReport {
  removed: number;
  bytes: number;
  /** Earlier snapshots that can still be read. */
  kept: number;
}

/**
 * Goes from the newest root back over `keep` earlier ones, notes all that they lead to, and removes the rest. Throws
 * `damaged`, and removes nothing, where one of them can't be read: nobody knows then what it needs.
 */
export async function prune(directory: string, newest: Ref, keep: number): Promise<PruneReport> {
  const needed = new Set<string>();
  const bundles = new Set<string>();
  let kept = -1;
  for (let ref: Ref | null = newest; ref !== null && kept < keep; kept++) {
    const root: SnapshotRoot | null = await rootOrNull(directory, ref, ref === newest);
    if (root === null) break;
    needed.add(ref.sha256);
    await follow(root);
    ref = root.previous;
  }
  const removed = await removeBlobs(directory, needed);
  return { ...removed, kept };

  async function follow({ families, tags }: SnapshotRoot): Promise<void> {
    for (const { name, family, index, models, count } of families) {
      for (const part of [family, index, models]) needed.add(part.sha256);
      const bytes = await readBlob(directory, index, `the index of ${name}`);
      const lines = keyIndex(bytes, count, blobPath(directory, index.sha256));
      for (let i = 0; i < count; i++) await hold(lines.line(i).bundle);
    }
    for (const { name, runs, locks } of tags) {
      needed.add(runs.sha256);
      for (const lock of locks) {
        needed.add(lock.sha256);
        for (const { bundle } of (await readLockBlob(directory, lock, name)).ranges) await hold(bundle);
      }
    }
  }

  async function hold(bundle: string): Promise<void> {
    if (bundles.has(bundle)) return;
    bundles.add(bundle);
    const { manifest } = await readManifestBlob(directory, bundle, null);
    needed.add(bundle);
    for (const { sha256 } of manifest.files) needed.add(sha256);
  }
}

/** An earlier root that was pruned before is the end of the way back. */
async function rootOrNull(directory: string, ref: Ref, isNewest: boolean): Promise<SnapshotRoot | null> {
  try {
    return await readRoot(directory, ref);
  } catch (error) {
    const isGone =
      error instanceof DriftlineError && (error.cause as NodeJS.ErrnoException)?.code === "ENOENT";
    if (isGone && !isNewest) return null;
    throw error;
  }
}
