// One family of a snapshot: its definition, index and models, each read and checked when it is first asked for.

import { hash } from "node:crypto";
import type { Model } from "../api.ts";
import type { BundleManifest } from "../bundle.ts";
import { askedFamily } from "../question/askedFamily.ts";
import type { AskedFamily } from "../question/family.ts";
import { emptyColumns, type ModelColumns, putModel } from "../resolution/search.ts";
import { parseManifest } from "../verify.ts";
import { damaged, parseJson, readBlob, readJson } from "./blobs.ts";
import {
  blobPath,
  type FamilyFile,
  familyFile,
  isModelsLine,
  type ModelsLine,
  modelsHeader,
  type SnapshotFamily,
} from "./format.ts";
import { type IndexLine, type KeyIndex, keyIndex } from "./keyIndex.ts";

export interface ReadFamily {
  entry: SnapshotFamily;
  definition(): Promise<Definition>;
  index(): Promise<KeyIndex>;
  models(): Promise<Models>;
}

export interface Definition {
  file: FamilyFile;
  asked: AskedFamily;
}

export interface Models {
  /** In the order of the index. */
  lines: ModelsLine[];
  byBundle: Map<string, ModelsLine>;
  columns: ModelColumns;
}

export function readFamily(directory: string, entry: SnapshotFamily): ReadFamily {
  const path = (sha256: string) => blobPath(directory, sha256);
  const of = `of ${entry.name}`;

  const definition = once(async () => {
    const file = await readJson(directory, entry.family, familyFile, `the family ${entry.name}`);
    if (file.name !== entry.name || file.version !== entry.version) {
      throw damaged(
        path(entry.family.sha256),
        `the family ${entry.name}`,
        `it is ${file.name} ${file.version}`,
      );
    }
    return { file, asked: askedFamily(file) };
  });

  const index = once(async () => {
    const bytes = await readBlob(directory, entry.index, `the index ${of}`);
    return keyIndex(bytes, entry.count, path(entry.index.sha256));
  });

  const models = once(async () => {
    const [{ asked }, keys] = [await definition(), await index()];
    const lines = await readModels(directory, entry);
    const columns = emptyColumns(asked.conditions);
    for (const [i, line] of lines.entries()) {
      const { key, bundle, binding, conditions, software, domain } = line;
      const indexed = keys.line(i);
      if (indexed.key !== key || indexed.bundle !== bundle) {
        throw damaged(path(entry.models.sha256), `the models ${of}`, `model ${i} is not that of the index`);
      }
      const boxes = boxesOf(domain);
      putModel(columns, { key, bundle, binding, serving: true, conditions, software, boxes });
    }
    return { lines, byBundle: new Map(lines.map((line) => [line.bundle, line])), columns };
  });

  return { entry, definition, index, models };
}

/** Throws `damaged`. */
export async function readModels(directory: string, entry: SnapshotFamily): Promise<ModelsLine[]> {
  const what = `the models of ${entry.name}`;
  const path = blobPath(directory, entry.models.sha256);
  const bytes = await readBlob(directory, entry.models, what);
  const [first, ...texts] = bytes.toString("utf8").trimEnd().split("\n");
  const header = parseJson(Buffer.from(first), modelsHeader, path, what);
  if (
    header.family !== entry.name ||
    header.familyVersion !== entry.version ||
    texts.length !== entry.count
  ) {
    throw damaged(path, what, `it has ${texts.length} of ${header.family} ${header.familyVersion}`);
  }
  return texts.map((text, i) => {
    const line = parseLine(text);
    if (!isModelsLine(line)) throw damaged(path, what, `line ${i + 2} is no model`);
    return line;
  });
}

function parseLine(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

export function boxesOf(domain: ModelsLine["domain"]): Record<string, { low: number; high: number }> {
  return Object.fromEntries(Object.entries(domain).map(([name, [low, high]]) => [name, { low, high }]));
}

/** A bundle's manifest, checked against its digest and, where it is to have one, its key. */
export async function readManifestBlob(
  directory: string,
  bundle: string,
  key: string | null,
): Promise<{ bytes: Buffer; manifest: BundleManifest }> {
  const bytes = await readBlob(directory, { sha256: bundle }, `bundle.json of ${bundle.slice(0, 12)}`);
  const { manifest } = parseManifest(bytes, bundle);
  if (key !== null && manifest.key !== key) {
    throw damaged(
      blobPath(directory, bundle),
      `bundle.json of ${bundle.slice(0, 12)}`,
      `it is for ${manifest.key}, not for ${key}`,
    );
  }
  return { bytes, manifest };
}

export function modelOf(
  { bytes, manifest }: { bytes: Uint8Array; manifest: BundleManifest },
  line: Pick<IndexLine, "createdAt"> | null,
): Model {
  const { key, recipeHash, family, familyVersion, conditions, software, provenance, files } = manifest;
  const made = typeof provenance.createdAt === "string" ? provenance.createdAt : "";
  return {
    bundle: hash("sha256", bytes),
    key,
    recipeHash,
    family,
    familyVersion,
    conditions,
    software,
    dataSource: provenance.dataSource === "files" ? "files" : "simulator",
    createdAt: line?.createdAt ?? made,
    serving: line !== null,
    size: files.reduce((sum, file) => sum + file.size, bytes.length),
  };
}

export function modelOfLine(line: ModelsLine, { name, version }: SnapshotFamily): Model {
  const { key, bundle, createdAt, conditions, software, recipeHash, dataSource, size } = line;
  const made = { recipeHash, family: name, familyVersion: version, conditions, software, dataSource };
  return { bundle, key, ...made, createdAt, serving: true, size };
}

/** Reads once; a failure is not kept, so that a file system that comes back is read again. */
function once<T>(read: () => Promise<T>): () => Promise<T> {
  let known: Promise<T> | undefined;
  return () => {
    known ??= read().catch((error: unknown) => {
      known = undefined;
      throw error;
    });
    return known;
  };
}
