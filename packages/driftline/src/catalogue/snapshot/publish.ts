// Publishing a snapshot: blobs that are new, the root, and then the pointer.

import { existsSync } from "node:fs";
import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { BundleManifest } from "@driftline/client/bundle";
import { readModels } from "@driftline/client/snapshot/family";
import {
  type FamilyFile,
  type ModelsLine,
  modelsFormat,
  pointerFile,
  type Ref,
  type SnapshotFamily,
  type SnapshotRoot,
  type SnapshotTag,
  snapshotFormat,
} from "@driftline/client/snapshot/format";
import { modelsLineOf } from "@driftline/client/snapshot/modelsLine";
import { readPointer, readRoot } from "@driftline/client/snapshot/root";
import canonicalize from "canonicalize";
import { DriftlineError, fail } from "../../errors/registry.ts";
import type { BlobStore } from "../blobs.ts";
import type { Database } from "../database.ts";
import { checkManifest } from "../manifest.ts";
import type { CatalogueTables } from "../tables.ts";
import { type Exclusion, exclusively } from "./exclusively.ts";
import { type PruneReport, prune } from "./prune.ts";
import { type Serving, servingOf } from "./serving.ts";
import { type Pieces, type SnapshotWriter, snapshotWriter } from "./writeBlobs.ts";

/** A tag to publish: blobs of the catalogue, and the bundles that its locks name. */
export interface TagContent {
  name: string;
  frozen: boolean;
  runs: string;
  locks: string[];
  bundles: string[];
}

export interface PublishSnapshot {
  directory: string;
  families: FamilyFile[];
  tags: TagContent[];
  /** Remove what neither this nor so many snapshots before it need; null to remove nothing. */
  keep: number | null;
  /** Look at every byte that is there and write again what is damaged, in place of trusting the snapshot before. */
  mend: boolean;
  exclusion: Exclusion;
  onProgress?: (done: number, total: number) => void;
}

export interface SnapshotPublished {
  /** Of the root. */
  digest: string;
  /** False where the one that was there says the same. */
  changed: boolean;
  models: number;
  families: { name: string; version: number; count: number }[];
  /** What had to be written. */
  written: { blobs: number; bytes: number };
  pruned: PruneReport | null;
}

/** Bundles that are copied at a time. */
const together = 8;
const largestWhole = 4 * 2 ** 20;

/**
 * Publishes the models that serve now. Until the end the snapshot that is there stays in force, also where this throws
 * or is killed. Throws `usage` where the directory holds other things, `busy` where another process publishes there,
 * `damaged` where the catalogue is.
 */
export async function publishSnapshot(
  { db }: Database<CatalogueTables>,
  blobs: BlobStore,
  request: PublishSnapshot,
): Promise<SnapshotPublished> {
  const { directory, families, tags, keep, mend, onProgress = () => {} } = request;
  await mkdir(directory, { recursive: true });
  await refuseOtherThings(directory);
  return exclusively(directory, request.exclusion, async () => {
    const writer = snapshotWriter(directory, mend);
    await writer.prepare();
    try {
      const serving = await Promise.all(families.map((family) => servingOf(db, family)));
      const served = new Set(serving.flatMap((each) => each.map(({ bundle }) => bundle)));
      const extra = [...new Set(tags.flatMap(({ bundles }) => bundles))].filter((each) => !served.has(each));
      const total = serving.reduce((sum, each) => sum + each.length, extra.length);
      let done = 0;
      const step = () => onProgress(++done, total);
      const previous = await currentRoot(directory);
      const entries: SnapshotFamily[] = [];
      for (const [i, family] of families.entries()) {
        const before = mend ? new Map() : await linesBefore(directory, previous?.root, family);
        entries.push(await putFamily(writer, blobs, family, serving[i], before, step));
      }
      await inParallel(extra, async (bundle) => {
        await putBundle(writer, blobs, bundle);
        step();
      });
      const putTags: SnapshotTag[] = [];
      for (const tag of tags) putTags.push(await putTag(writer, blobs, tag));
      const content = {
        format: snapshotFormat,
        families: entries.sort((a, b) => (a.name < b.name ? -1 : 1)),
        tags: putTags.sort((a, b) => (a.name < b.name ? -1 : 1)),
      } as const;
      const { written } = writer;
      const report = {
        models: entries.reduce((sum, { count }) => sum + count, 0),
        families: entries.map(({ name, version, count }) => ({ name, version, count })),
        written,
      };
      const isSame = previous !== null && isDeepStrictEqual({ ...previous.root, ...content }, previous.root);
      let root: Ref;
      if (isSame) {
        // What was missing or cut is mended all the same.
        await writer.complete();
        root = previous.ref;
      } else {
        const made: SnapshotRoot = {
          ...content,
          createdAt: new Date().toISOString(),
          previous: previous?.ref ?? null,
        };
        root = await writer.putBytes(encode(canonicalize(made)!));
        await writer.complete();
        // The one moment at which the snapshot is another one.
        await writer.replace(pointerFile, `${JSON.stringify({ format: snapshotFormat, ...root })}\n`);
      }
      const pruned = keep === null ? null : await prune(directory, root, keep);
      return { digest: root.sha256, changed: !isSame, ...report, pruned };
    } finally {
      await writer.finish();
    }
  });
}

async function putFamily(
  writer: SnapshotWriter,
  blobs: BlobStore,
  file: FamilyFile,
  serving: Serving[],
  before: Map<string, ModelsLine>,
  step: () => void,
): Promise<SnapshotFamily> {
  const lines: string[] = new Array(serving.length);
  await inParallel(serving, async ({ key, bundle, binding, createdAt }, i) => {
    const known = before.get(bundle);
    const line =
      known?.createdAt === createdAt
        ? { ...known, binding }
        : modelsLineOf({ ...(await putBundle(writer, blobs, bundle)), bundle, createdAt, binding });
    if (line.key !== key) {
      throw fail("damaged", `The catalogue gives bundle ${bundle} to ${key}; it was made for ${line.key}.`, {
        remedy: "`driftline doctor --repair` makes the records again.",
      });
    }
    lines[i] = canonicalize(line)!;
    step();
  });
  const index = serving.map(({ key, bundle, createdAt }) => `${key} ${bundle} ${createdAt}\n`).join("");
  const { name, version } = file;
  const count = serving.length;
  const header = JSON.stringify({ format: modelsFormat, family: name, familyVersion: version, count });
  return {
    name,
    version,
    count,
    family: await writer.putBytes(encode(canonicalize(file)!)),
    index: await writer.putBytes(encode(index)),
    models: await writer.putBytes(encode([header, ...lines, ""].join("\n"))),
  };
}

/** Lines of models that the snapshot in force has, and so all their files; empty where they can't be read. */
async function linesBefore(
  directory: string,
  root: SnapshotRoot | undefined,
  { name, version }: FamilyFile,
): Promise<Map<string, ModelsLine>> {
  const entry = root?.families.find((each) => each.name === name && each.version === version);
  if (entry === undefined) return new Map();
  const lines = await readModels(directory, entry).catch((error: unknown) => {
    if (error instanceof DriftlineError && error.code === "damaged") return [];
    throw error;
  });
  return new Map(lines.map((line) => [line.bundle, line]));
}

async function putBundle(
  writer: SnapshotWriter,
  blobs: BlobStore,
  bundle: string,
): Promise<{ manifest: BundleManifest; bytes: number }> {
  const bytes = await blobs.read(bundle);
  const { manifest } = checkManifest(bytes, bundle);
  for (const { sha256, size } of manifest.files) {
    await writer.putStream({ sha256, size }, () => contentOf(blobs, sha256, size));
  }
  // Last: where it is, the files are.
  await writer.putBytes(bytes);
  return { manifest, bytes: bytes.byteLength };
}

/** The writer checks it; for a small file a stream that checks it too would take ten times as long. */
async function contentOf(blobs: BlobStore, sha256: string, size: number): Promise<Pieces> {
  if (size > largestWhole) return blobs.open(sha256);
  // What can't be read is named by the store.
  return readFile(blobs.path(sha256)).then(
    (bytes) => [bytes],
    () => blobs.open(sha256),
  );
}

async function putTag(
  writer: SnapshotWriter,
  blobs: BlobStore,
  { name, frozen, runs, locks }: TagContent,
): Promise<SnapshotTag> {
  const put = async (digest: string) => writer.putBytes(await blobs.read(digest));
  const refs: Ref[] = [];
  for (const lock of locks) refs.push(await put(lock));
  return { name, frozen, runs: await put(runs), locks: refs };
}

/** The root in force; null where there is none that can be read: publishing mends that. */
async function currentRoot(directory: string): Promise<{ ref: Ref; root: SnapshotRoot } | null> {
  try {
    const { sha256, size } = await readPointer(directory);
    return { ref: { sha256, size }, root: await readRoot(directory, { sha256, size }) };
  } catch (error) {
    if (!(error instanceof DriftlineError)) throw error;
    // One of a newer format is not to be written over.
    const isNone = error.code === "usage" && !existsSync(join(directory, pointerFile));
    if (isNone || error.code === "damaged") return null;
    throw error;
  }
}

async function refuseOtherThings(directory: string): Promise<void> {
  const names = (await readdir(directory)).filter((name) => !name.startsWith("."));
  const others = names.filter((name) => name !== pointerFile && name !== "blobs");
  // A data directory has blobs too, and more.
  if (others.length === 0 || names.includes(pointerFile)) return;
  throw fail(
    "usage",
    `Publishing to ${directory}: it has other things in it (${others.slice(0, 3).join(", ")}).`,
    {
      field: "--out",
      remedy: "Name an empty directory, or one with an earlier snapshot.",
    },
  );
}

/** Does `work` for every item, some at a time; the first failure ends it. */
async function inParallel<T>(items: T[], work: (item: T, i: number) => Promise<void>): Promise<void> {
  let next = 0;
  let failed = false;
  const worker = async () => {
    while (next < items.length && !failed) {
      const i = next++;
      await work(items[i], i).catch((error: unknown) => {
        failed = true;
        throw error;
      });
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: together }, worker));
  for (const each of ended) if (each.status === "rejected") throw each.reason;
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
