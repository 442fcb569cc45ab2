// A bundle as one tar file: the same bytes every time, bundle.json first.

import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { pack } from "tar-stream";
import type { BundleTar, Driftline } from "./api.ts";
import type { BundleManifest } from "./bundle.ts";
import { manifestFile, parseManifest, type VerifiedBundle, verifyFiles } from "./verify.ts";

/** A tar of the bundle's files at the top level; read errors of files destroy the stream. */
export function tarBundle(driftline: Driftline, digest: string, manifestBytes: Uint8Array): Readable {
  const { manifest } = parseManifest(manifestBytes, digest.slice(0, 12), { digest });
  return packed(manifest, manifestBytes, (path) => driftline.file(digest, path));
}

/** A bundle that is a directory, its files checked against their digests, to be pushed. */
export async function tarOfDirectory(directory: string): Promise<VerifiedBundle & { tar: BundleTar }> {
  const { digest, manifest } = await verifyFiles(directory);
  const manifestBytes = await readFile(join(directory, manifestFile));
  parseManifest(manifestBytes, directory, { digest });
  const open = () => packed(manifest, manifestBytes, async (path) => createReadStream(join(directory, path)));
  return { digest, manifest, tar: { open } };
}

function packed(
  { files }: BundleManifest,
  manifestBytes: Uint8Array,
  open: (path: string) => Promise<AsyncIterable<Uint8Array>>,
): Readable {
  const tar = pack();
  // Constant owner, mode and time: the digest of the tar depends on the bundle alone.
  const entry = (name: string, size: number) => ({ name, size, mode: 0o644, mtime: new Date(0) });
  async function write() {
    tar.entry(entry(manifestFile, manifestBytes.length), Buffer.from(manifestBytes));
    for (const { path, size } of files) {
      await pipeline(await open(path), tar.entry(entry(path, size)));
    }
    tar.finalize();
  }
  write().catch((error) => tar.destroy(error));
  return tar as unknown as Readable;
}
