// A bundle from a catalogue to a directory: all of it, verified, or nothing.

import { createHash, randomUUID } from "node:crypto";
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import type { Driftline } from "./api.ts";
import { syncDirectory, writeDurably } from "./durable.ts";
import { DriftlineError } from "./error.ts";
import { manifestFile, parseManifest, readManifest, type VerifiedBundle, verifyFiles } from "./verify.ts";

/**
 * Writes a bundle to a directory that appears with the last file in it. The same bundle already there is left alone.
 * @param bundle digest, or a unique prefix of at least 8 digits
 * Errors: `damaged` where bytes don't match their digests, `usage` where the directory holds something else.
 */
export async function pull(driftline: Driftline, bundle: string, directory: string): Promise<VerifiedBundle> {
  const digest = await fullDigest(driftline, bundle);
  const target = resolve(directory);
  const existing = await bundleAt(target, digest);
  if (existing !== undefined) return existing;
  await mkdir(dirname(target), { recursive: true });
  // Beside the target, so that the rename stays within one file system.
  const temporary = join(dirname(target), `.${basename(target)}.${randomUUID()}`);
  await mkdir(temporary);
  try {
    const manifestBytes = await driftline.manifest(digest);
    const source = `${digest.slice(0, 12)} from the catalogue`;
    const verified = parseManifest(manifestBytes, source, { digest });
    await writeDurably(join(temporary, manifestFile), [manifestBytes]);
    const folders = new Set([temporary]);
    for (const { path, size, sha256 } of verified.manifest.files) {
      const file = join(temporary, path);
      await mkdir(dirname(file), { recursive: true });
      for (let folder = dirname(file); folder !== temporary; folder = dirname(folder)) folders.add(folder);
      const content = checked(await driftline.file(digest, path), { path, size, sha256 }, source);
      await writeDurably(file, content);
    }
    for (const folder of folders) await syncDirectory(folder);
    try {
      await rename(temporary, target);
    } catch (error) {
      // Another process may have been faster.
      const other = await bundleAt(target, digest);
      if (other === undefined) throw error;
      return other;
    }
    await syncDirectory(dirname(target));
    return verified;
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

export async function fullDigest(driftline: Driftline, bundle: string): Promise<string> {
  return /^[0-9a-f]{64}$/.test(bundle) ? bundle : (await driftline.model(bundle)).bundle;
}

/** The bundle that is in a directory; undefined where there is nothing. */
async function bundleAt(directory: string, digest: string): Promise<VerifiedBundle | undefined> {
  let entries: string[];
  try {
    entries = await readdir(directory);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw occupied(directory, digest, (cause as Error).message, cause);
  }
  if (entries.length === 0) return undefined;
  let found: string;
  try {
    found = (await readManifest(directory)).digest;
  } catch (cause) {
    throw occupied(directory, digest, "other files, no such bundle", cause);
  }
  if (found !== digest) throw occupied(directory, digest, `bundle ${found}`);
  const { manifest } = await verifyFiles(directory, { digest });
  return { digest, manifest };
}

function occupied(directory: string, digest: string, holds: string, cause?: unknown): DriftlineError {
  return new DriftlineError("usage", `pulling bundle ${digest} to ${directory}: there is already: ${holds}`, {
    field: "directory",
    remedy: "Name a directory that does not exist, or delete this one.",
    cause,
  });
}

/** Passes bytes on while counting and hashing them. */
export async function* checked(
  stream: AsyncIterable<Uint8Array>,
  expected: { path: string; size: number; sha256: string },
  source: string,
): AsyncGenerator<Uint8Array> {
  const { path, size, sha256 } = expected;
  const hash = createHash("sha256");
  let received = 0;
  const wrong = (wanted: string, found: string, cause?: unknown) =>
    new DriftlineError("damaged", `pulling bundle ${source}: ${path}: expected ${wanted}, found ${found}`, {
      field: path,
      remedy: "Pull again; if it stays, the catalogue is damaged: run `driftline doctor --verify` there.",
      data: { problems: [{ file: path, expected: wanted, found }] },
      cause,
    });
  try {
    for await (const piece of stream) {
      received += piece.length;
      if (received > size) break;
      hash.update(piece);
      yield piece;
    }
  } catch (cause) {
    if (cause instanceof DriftlineError) throw cause;
    throw wrong(`${size} bytes`, `${received} and then ${(cause as Error).message}`, cause);
  }
  if (received !== size) throw wrong(`${size} bytes`, `${received > size ? "more" : `${received} bytes`}`);
  const found = hash.digest("hex");
  if (found !== sha256) throw wrong(`SHA-256 ${sha256}`, `SHA-256 ${found}`);
}
