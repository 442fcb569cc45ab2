// Reads everything that a snapshot leads to, and names what is damaged or missing.

import { isDeepStrictEqual } from "node:util";
import { DriftlineError } from "../error.ts";
import { runTable } from "../lock/runTable.ts";
import { openBlob, readBlob, readJson } from "./blobs.ts";
import { readLockBlob } from "./connectSnapshot.ts";
import { type ReadFamily, readFamily, readManifestBlob } from "./family.ts";
import { blobPath, type ModelsLine, type SnapshotRoot } from "./format.ts";
import { modelsLineOf } from "./modelsLine.ts";
import { openSnapshot } from "./root.ts";

const largestWhole = 4 * 2 ** 20;

export interface SnapshotReport {
  digest: string;
  createdAt: string;
  families: number;
  models: number;
  /** Blobs that were read, and their bytes. */
  blobs: number;
  bytes: number;
  /** What is wrong, a sentence each; empty where all is well. */
  findings: string[];
}

/** Reads every blob once. Damage is reported, not thrown, but for that of pointer and root: nothing is known then. */
export async function verifySnapshot(
  directory: string,
  onProgress: (done: number, total: number) => void = () => {},
): Promise<SnapshotReport> {
  const { digest, root } = await openSnapshot(directory);
  const report: SnapshotReport = {
    digest,
    createdAt: root.createdAt,
    families: root.families.length,
    models: 0,
    blobs: 1,
    bytes: 0,
    findings: [],
  };
  const seen = new Set<string>([digest]);
  const total = root.families.reduce((sum, { count }) => sum + count, 0);

  /** Runs a check; damage that it finds is noted. */
  async function note<T>(check: () => Promise<T>): Promise<T | undefined> {
    try {
      return await check();
    } catch (error) {
      if (!(error instanceof DriftlineError)) throw error;
      report.findings.push(error.message);
      return undefined;
    }
  }

  function count(sha256: string, size: number): void {
    if (seen.has(sha256)) return;
    seen.add(sha256);
    report.blobs++;
    report.bytes += size;
  }

  async function checkBundle(bundle: string, key: string | null, line?: ModelsLine): Promise<void> {
    const read = await note(() => readManifestBlob(directory, bundle, key));
    if (read === undefined) return;
    const { manifest, bytes } = read;
    count(bundle, bytes.length);
    if (line) {
      const { createdAt, binding } = line;
      const made = modelsLineOf({ manifest, bundle, bytes: bytes.length, createdAt, binding });
      if (!isDeepStrictEqual(made, line))
        report.findings.push(`The models list ${bundle} otherwise than its bundle.json does.`);
    }
    for (const file of manifest.files) {
      if (seen.has(file.sha256)) continue;
      await note(async () => {
        const what = `${file.path} of ${bundle.slice(0, 12)}`;
        // A stream for each of many small files would take longer than reading them.
        if (file.size <= largestWhole) await readBlob(directory, file, what);
        else for await (const _ of await openBlob(directory, file, what));
        count(file.sha256, file.size);
      });
    }
  }

  const bundles = new Set<string>();
  for (const entry of root.families) {
    const family = readFamily(directory, entry);
    const lines = await checkFamily(family);
    for (const part of [entry.family, entry.index, entry.models]) count(part.sha256, part.size);
    for (const { key, bundle, line } of lines) {
      await checkBundle(bundle, key, line);
      bundles.add(bundle);
      onProgress(++report.models, total);
    }
  }
  await checkTags(root);
  return report;

  /** What the index names, with what the models say where they can be read. */
  async function checkFamily(
    family: ReadFamily,
  ): Promise<{ key: string; bundle: string; line?: ModelsLine }[]> {
    await note(family.definition);
    const index = await note(family.index);
    if (index === undefined) return [];
    const keys = Array.from({ length: index.count }, (_, i) => index.line(i));
    const unsorted = keys.findIndex(({ key }, i) => i > 0 && key <= keys[i - 1].key);
    if (unsorted > 0) {
      const path = blobPath(directory, family.entry.index.sha256);
      report.findings.push(`The index ${path} is not sorted at line ${unsorted}.`);
    }
    const models = await note(family.models);
    return keys.map(({ key, bundle }, i) => ({ key, bundle, line: models?.lines[i] }));
  }

  async function checkTags({ tags }: SnapshotRoot): Promise<void> {
    for (const { name, runs, locks } of tags) {
      await note(() => readJson(directory, runs, runTable, `the runs of ${name}`));
      count(runs.sha256, runs.size);
      for (const ref of locks) {
        const lock = await note(() => readLockBlob(directory, ref, name));
        count(ref.sha256, ref.size);
        for (const { bundle } of lock?.ranges ?? []) {
          if (bundles.has(bundle)) continue;
          bundles.add(bundle);
          await checkBundle(bundle, null);
        }
      }
    }
  }
}
