// The blob store: files named by the SHA-256 of their content, under blobs/sha256/ab/<64 hexadecimal digits>.

import { createHash, randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { chmod, mkdir, open, readdir, rename, rm, stat, utimes } from "node:fs/promises";
import { dirname, join } from "node:path";
import { syncDirectory } from "@driftline/client/durable";
import { type DriftlineError, fail } from "../errors/registry.ts";

/** Bytes of a blob, both ends included, as in an HTTP range. */
export interface ByteRange {
  start: number;
  end: number;
}

/** What a blob is expected to be; put refuses anything else before it gets a name. */
export interface ExpectedContent {
  sha256: string;
  size: number;
}

export type BlobStore = ReturnType<typeof blobStore>;

const staleMs = 24 * 3600 * 1000;

/** A blob store in `dataDirectory`. Any number of processes may use it at once; nothing is ever overwritten. */
export function blobStore(dataDirectory: string) {
  const root = join(dataDirectory, "blobs", "sha256");
  // In the same file system as the blobs, so that the rename is atomic.
  const temporary = join(dataDirectory, "blobs", "incoming");
  const damagedCopies = join(dataDirectory, "blobs", "damaged");

  let rootMade: Promise<void> | undefined;

  const path = (digest: string) => join(root, checked(digest).slice(0, 2), digest);

  /** Stores what `chunks` gives, durably, and returns its digest. Content that is there already is kept. */
  async function putStream(
    chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    expected?: ExpectedContent,
  ): Promise<string> {
    await mkdir(temporary, { recursive: true });
    const written = join(temporary, `${process.pid}-${randomUUID()}`);
    try {
      const content = await writeDurably(written, chunks);
      if (expected && (content.sha256 !== expected.sha256 || content.size !== expected.size)) {
        throw fail(
          "invalid_bundle",
          `The content has ${content.size} bytes and SHA-256 ${content.sha256}; ` +
            `${expected.size} bytes and ${expected.sha256} were declared.`,
        );
      }
      await name(written, content.sha256);
      return content.sha256;
    } finally {
      await rm(written, { force: true });
    }
  }

  async function name(written: string, digest: string): Promise<void> {
    const final = path(digest);
    rootMade ??= makeDurableDirectory(root).catch((error: unknown) => {
      // A full disk may have room again later: the next writer tries anew.
      rootMade = undefined;
      throw error;
    });
    await rootMade;
    await mkdir(dirname(final), { recursive: true });
    const present = await hashFile(final).catch(nullIfAbsent);
    if (present?.sha256 !== digest || !(await touch(digest))) {
      // Good content has come for a damaged blob: keep the damaged bytes for whoever looks into it.
      if (present !== null && present.sha256 !== digest) await setAside(digest);
      // Two writers can meet here: both bring the same bytes, so either rename is right.
      await rename(written, final);
    }
    // Also where the content was there: its writer may not have come so far yet.
    await syncDirectory(dirname(final));
    await syncDirectory(root);
  }

  /** Notes that the blob is in use, which keeps it from being collected for a while. False where there is none. */
  async function touch(digest: string): Promise<boolean> {
    const now = new Date();
    return utimes(path(digest), now, now).then(() => true, falseIfAbsent);
  }

  /** Takes a blob that is damaged or missing out of use; `listSetAside` has it from then on. */
  async function setAside(digest: string): Promise<void> {
    await mkdir(damagedCopies, { recursive: true });
    const kept = join(damagedCopies, `${checked(digest)}-${randomUUID()}`);
    const found = await rename(path(digest), kept).then(() => true, falseIfAbsent);
    // Nothing was there: an empty file stands for it.
    if (!found) await (await open(kept, "wx")).close();
  }

  async function lastUse(digest: string): Promise<number | null> {
    return stat(path(digest)).then(({ mtimeMs }) => mtimeMs, nullIfAbsent);
  }

  /** Bytes. Throws `damaged` where the blob is missing. */
  async function size(digest: string): Promise<number> {
    const bytes = await sizeOrNull(path(digest));
    if (bytes === null) throw missing(digest, path(digest));
    return bytes;
  }

  /**
   * Streams a blob. A whole read is checked: where the bytes are not those of the digest the stream ends with
   * error `damaged`. A range can't be checked; its consumer checks the whole.
   */
  async function openBlob(digest: string, range?: ByteRange): Promise<ReadableStream<Uint8Array>> {
    await size(digest);
    return ReadableStream.from(range ? bytesOf(path(digest), range) : verifiedBytes(digest));
  }

  /** The last piece is held back until all of them have the digest: nobody gets the whole of a damaged blob. */
  async function* verifiedBytes(digest: string): AsyncGenerator<Uint8Array> {
    const hash = createHash("sha256");
    let held: Uint8Array | undefined;
    for await (const chunk of bytesOf(path(digest))) {
      hash.update(chunk);
      if (held !== undefined) yield held;
      held = chunk;
    }
    const found = hash.digest("hex");
    if (found !== digest) throw damaged(digest, path(digest), found);
    if (held !== undefined) yield held;
  }

  return {
    path,
    touch,
    setAside,
    size,
    putStream,
    putBytes: (bytes: Uint8Array, expected?: ExpectedContent) => putStream([bytes], expected),
    putFile: (file: string, expected?: ExpectedContent) => putStream(bytesOf(file), expected),
    open: openBlob,

    /** The whole blob in memory, checked. */
    async read(digest: string): Promise<Uint8Array> {
      await size(digest);
      const chunks: Uint8Array[] = [];
      for await (const chunk of verifiedBytes(digest)) chunks.push(chunk);
      return Buffer.concat(chunks);
    },

    /** Re-reads a blob. Returns its size. Throws `damaged` where it is missing or its bytes have changed. */
    async verify(digest: string): Promise<number> {
      await size(digest);
      const found = await hashFile(path(digest));
      if (found.sha256 !== digest) throw damaged(digest, path(digest), found.sha256);
      return found.size;
    },

    /** Digests of all blobs, sorted. */
    async list(): Promise<string[]> {
      const digests: string[] = [];
      for (const folder of await entries(root)) digests.push(...(await entries(join(root, folder))));
      return digests.filter((entry) => /^[0-9a-f]{64}$/.test(entry)).sort();
    },

    /** Digests that were set aside, whether or not good content has come since. */
    async listSetAside(): Promise<Set<string>> {
      return new Set((await entries(damagedCopies)).map((name) => name.slice(0, 64)));
    },

    /** When the blob was last put or touched, in milliseconds since 1970; null where there is none. */
    lastUse,

    /**
     * Removes a blob that nobody has put or touched since `before`; returns its bytes, null where it stays.
     * It is taken out of the way first and looked at again, so that who puts or touches it meanwhile keeps it.
     */
    async removeUnused(digest: string, before: number): Promise<number | null> {
      if (((await lastUse(digest)) ?? before) >= before) return null;
      await mkdir(temporary, { recursive: true });
      const taken = join(temporary, `${process.pid}-${randomUUID()}`);
      if (!(await rename(path(digest), taken).then(() => true, falseIfAbsent))) return null;
      const { mtimeMs, size: bytes } = await stat(taken);
      if (mtimeMs >= before) {
        await rename(taken, path(digest));
        return null;
      }
      await rm(taken, { force: true });
      return bytes;
    },

    /** Removes what writers that died a day ago or earlier left behind. */
    async clean(): Promise<void> {
      for (const entry of await entries(temporary)) {
        const file = join(temporary, entry);
        const { mtimeMs } = await stat(file).catch(() => ({ mtimeMs: Date.now() }));
        if (Date.now() - mtimeMs > staleMs) await rm(file, { force: true });
      }
    },
  };
}

function checked(digest: string): string {
  if (/^[0-9a-f]{64}$/.test(digest)) return digest;
  throw fail("usage", `A blob is named by 64 hexadecimal digits, not by "${digest}".`, { field: "digest" });
}

function missing(digest: string, path: string): DriftlineError {
  return fail("damaged", `Blob ${digest} is missing: there is no file ${path}.`, {
    remedy: "`driftline doctor --verify` lists the bundles that use it; push or make one of them again.",
  });
}

function damaged(digest: string, path: string, found: string): DriftlineError {
  return fail("damaged", `Blob ${digest} is damaged: the bytes of ${path} have SHA-256 ${found}.`, {
    remedy: "`driftline doctor --verify` lists the bundles that use it; push or make one of them again.",
  });
}

async function writeDurably(
  path: string,
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<ExpectedContent> {
  const hash = createHash("sha256");
  let size = 0;
  const file = await open(path, "wx", 0o444);
  try {
    for await (const chunk of chunks) {
      hash.update(chunk);
      size += chunk.length;
      await file.writeFile(chunk);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  await chmod(path, 0o444);
  return { sha256: hash.digest("hex"), size };
}

async function hashFile(path: string): Promise<ExpectedContent> {
  const hash = createHash("sha256");
  let size = 0;
  for await (const chunk of bytesOf(path)) {
    hash.update(chunk);
    size += chunk.length;
  }
  return { sha256: hash.digest("hex"), size };
}

function bytesOf(path: string, range?: ByteRange): AsyncIterable<Uint8Array> {
  return createReadStream(path, { highWaterMark: 1 << 18, ...range });
}

/** Makes a directory in which names survive a crash, as do its own and its parents' up to the data directory's. */
async function makeDurableDirectory(path: string): Promise<void> {
  await mkdir(path, { recursive: true });
  let parent = path;
  for (let level = 0; level < 4; level++) {
    await syncDirectory(parent);
    parent = dirname(parent);
  }
}

async function sizeOrNull(path: string): Promise<number | null> {
  return stat(path).then(({ size }) => size, nullIfAbsent);
}

async function entries(directory: string): Promise<string[]> {
  return (await readdir(directory).catch(nullIfAbsent)) ?? [];
}

function falseIfAbsent(error: NodeJS.ErrnoException): false {
  if (error.code === "ENOENT") return false;
  throw error;
}

function nullIfAbsent(error: NodeJS.ErrnoException): null {
  if (error.code === "ENOENT") return null;
  throw error;
}
