// A bundle that comes as a tar from whoever: read entry by entry into the blob store, and refused at the first thing that is wrong.
//
// What was stored before a refusal is nobody's: no record names it, and collection removes it.

import { pipeline } from "node:stream/promises";
import type { BundleManifest } from "@driftline/client/bundle";
import { manifestFile, maximumManifestBytes } from "@driftline/client/verify";
import { extract, type Header } from "tar-stream";
import { DriftlineError, fail } from "../errors/registry.ts";
import type { BlobStore } from "./blobs.ts";
import { type CheckedManifest, checkManifest } from "./manifest.ts";

type FileEntry = BundleManifest["files"][number];

/** A bundle has five files; a family's own additions leave room. */
const mostFiles = 64;
const source = "received";

/**
 * Stores the files of a bundle as blobs, each checked against the manifest, which is the tar's first entry and is stored
 * last. `bytes`: the most that the tar may have, headers included; it is plain, so its files are no larger.
 * Throws `invalid_bundle` naming the entry, `too_large`, and `refused` for a bundle that says so of itself.
 */
export async function receiveBundle(
  blobs: BlobStore,
  chunks: AsyncIterable<Uint8Array>,
  { bytes }: { bytes: number },
): Promise<CheckedManifest> {
  const tar = extract();
  const feeding = pipeline(bounded(chunks, bytes), tar);
  // Its error reaches the entries, too.
  feeding.catch(() => {});
  let received: { checked: CheckedManifest; bytes: Uint8Array } | null = null;
  const missing = new Map<string, FileEntry>();
  const seen = new Set<string>();
  try {
    for await (const entry of tar) {
      const { header } = entry;
      const content = entry as unknown as AsyncIterable<Uint8Array>;
      refuseOddEntry(header, seen);
      seen.add(header.name);
      if (received === null) {
        const manifestBytes = await readManifest(header, content);
        received = { checked: checkManifest(manifestBytes, source), bytes: manifestBytes };
        for (const file of listedFiles(received.checked, bytes)) missing.set(file.path, file);
        continue;
      }
      const file = missing.get(header.name);
      if (file === undefined) throw wrongEntry(header.name, "bundle.json does not list it");
      if (header.size !== file.size) {
        throw wrongEntry(header.name, `it has ${header.size} bytes; bundle.json says ${file.size}`);
      }
      await blobs.putStream(content, file).catch((error: unknown) => {
        throw error instanceof DriftlineError && error.code === "invalid_bundle"
          ? wrongEntry(header.name, error.message)
          : error;
      });
      missing.delete(header.name);
    }
    await feeding;
  } catch (error) {
    throw receptionFault(error);
  }
  if (received === null) throw notTar("it is empty");
  const [absent] = missing.keys();
  if (absent !== undefined) throw wrongEntry(absent, "bundle.json lists it, and it did not come");
  await blobs.putBytes(received.bytes, { sha256: received.checked.digest, size: received.bytes.byteLength });
  return received.checked;
}

/** What was sent in pieces, until there is too much of it. */
async function* bounded(chunks: AsyncIterable<Uint8Array>, bytes: number): AsyncGenerator<Uint8Array> {
  let received = 0;
  for await (const chunk of chunks) {
    if (received === 0 && isCompressed(chunk)) throw notTar("it is compressed");
    received += chunk.length;
    if (received > bytes) throw tooLarge(bytes);
    yield chunk;
  }
}

/** Marks of gzip, bzip2, xz and Zstandard. */
function isCompressed(start: Uint8Array): boolean {
  const mark = Buffer.from(start.subarray(0, 4)).toString("hex");
  return ["1f8b", "425a68", "fd377a58", "28b52ffd"].some((known) => mark.startsWith(known));
}

/** Only plain files of the tar's top level and below, each once. */
function refuseOddEntry({ name, type, size, pax }: Header, seen: Set<string>): void {
  if (type !== "file") throw wrongEntry(name, `it is a ${kindOf(type)}, not a plain file`);
  const extensions = Object.keys((pax ?? {}) as object);
  if (extensions.some((key) => key.startsWith("GNU.sparse"))) throw wrongEntry(name, "it is a sparse file");
  if (name.startsWith("/") || /^[A-Za-z]:/.test(name)) throw wrongEntry(name, "its name is absolute");
  if (name.split(/[/\\]/).includes("..")) throw wrongEntry(name, "its name leads out of the bundle");
  if (seen.has(name)) throw wrongEntry(name, "it comes twice");
  if (!Number.isSafeInteger(size)) throw wrongEntry(name, "it has no proper size");
}

function kindOf(type: string | null | undefined): string {
  const kinds: Record<string, string> = { link: "hard link", symlink: "symbolic link" };
  return kinds[type ?? ""] ?? type?.replaceAll("-", " ") ?? "thing of an unknown kind";
}

async function readManifest({ name, size }: Header, content: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  if (name !== manifestFile) throw wrongEntry(name, `the first entry must be ${manifestFile}`);
  if (size > maximumManifestBytes) throw wrongEntry(name, `it has ${size} bytes, too many for a manifest`);
  const pieces: Uint8Array[] = [];
  for await (const piece of content) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** The files that are to come; refused before they do where they are too many or too large. */
function listedFiles({ manifest: { files }, size }: CheckedManifest, bytes: number): FileEntry[] {
  if (files.length > mostFiles) {
    throw wrongEntry(manifestFile, `it lists ${files.length} files, more than ${mostFiles}`);
  }
  const negative = files.find((file) => file.size < 0);
  if (negative) throw wrongEntry(negative.path, `bundle.json gives it ${negative.size} bytes`);
  if (size > bytes) throw tooLarge(bytes);
  return files;
}

/** An error of the library that reads tars, or of what it was read from, in words. */
function receptionFault(error: unknown): unknown {
  if (error instanceof DriftlineError) return error;
  const { message, code, syscall } = error as NodeJS.ErrnoException;
  // The disk's faults are no fault of the bundle.
  if (syscall !== undefined && code !== "ECONNRESET") return error;
  if (/tar header|Invalid header|Header exceeds|end of data|base 256/.test(message)) {
    return notTar(message === "Unexpected end of data" ? "it ends before it is whole" : message);
  }
  if (code === "ECONNRESET" || message === "aborted")
    return notTar("the sender went away before it was whole");
  return error;
}

/** Names come from anywhere: short, and without what a terminal would obey. */
function shown(name: string): string {
  return JSON.stringify(name.length > 120 ? `${name.slice(0, 120)}…` : name);
}

function wrongEntry(name: string, what: string): DriftlineError {
  return fail("invalid_bundle", `Receiving a bundle: ${shown(name)}: ${what}.`, {
    field: name.slice(0, 120).replaceAll(/[^\w./ -]/g, "_") || "body",
    remedy: "Send the tar that `driftline push` makes, or that a server gives as bundle.tar.",
  });
}

function notTar(what: string): DriftlineError {
  return fail("invalid_bundle", `Receiving a bundle: what came is no whole tar: ${what}.`, {
    field: "body",
    remedy: "Send a plain tar, not compressed, with bundle.json first; `driftline push` does.",
  });
}

function tooLarge(bytes: number): DriftlineError {
  const limit = bytes % 2 ** 20 === 0 ? `${bytes / 2 ** 20} MiB` : `${bytes} bytes`;
  return fail("too_large", `Receiving a bundle: it is larger than ${limit}.`, {
    field: "body",
    remedy: "Whoever runs the server can raise server.uploadMiB (DRIFTLINE_SERVER_UPLOAD_MIB).",
  });
}
