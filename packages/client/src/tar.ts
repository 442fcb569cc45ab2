// A bundle as one tar file: the same bytes every time, bundle.json first.

import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { pack } from "tar-stream";
import type { Driftline } from "./api.ts";
import { manifestFile, parseManifest } from "./verify.ts";

/** A tar of the bundle's files at the top level; read errors of files destroy the stream. */
export function tarBundle(driftline: Driftline, digest: string, manifestBytes: Uint8Array): Readable {
  const { manifest } = parseManifest(manifestBytes, digest.slice(0, 12), { digest });
  const tar = pack();
  // Constant owner, mode and time: the digest of the tar depends on the bundle alone.
  const entry = (name: string, size: number) => ({ name, size, mode: 0o644, mtime: new Date(0) });
  async function write() {
    tar.entry(entry(manifestFile, manifestBytes.length), Buffer.from(manifestBytes));
    for (const { path, size } of manifest.files) {
      await pipeline(await driftline.file(digest, path), tar.entry(entry(path, size)));
    }
    tar.finalize();
  }
  write().catch((error) => tar.destroy(error));
  return tar as unknown as Readable;
}
