// Reading what a snapshot holds: no byte is given out of which the digest was not checked.

import { createHash, hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import type { z } from "zod";
import { DriftlineError } from "../error.ts";
import { blobPath } from "./format.ts";

export interface BlobName {
  sha256: string;
  /** Where it is known. */
  size?: number;
}

/** The whole blob, checked. Throws `damaged`. `what` is for messages: "the index of mpd.tpc". */
export async function readBlob(directory: string, { sha256, size }: BlobName, what: string): Promise<Buffer> {
  const path = blobPath(directory, sha256);
  await checkSize(path, size, what);
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    throw damaged(path, what, error.message, error);
  });
  const found = hash("sha256", bytes);
  if (found !== sha256) throw damaged(path, what, `its bytes have SHA-256 ${found}`);
  return bytes;
}

/** A blob as a stream that ends with error `damaged`, before its last piece, where the bytes are not those of the name. */
export async function openBlob(
  directory: string,
  { sha256, size }: BlobName,
  what: string,
): Promise<ReadableStream<Uint8Array>> {
  const path = blobPath(directory, sha256);
  await checkSize(path, size, what);
  return ReadableStream.from(checkedPieces(path, sha256, what));
}

async function* checkedPieces(path: string, sha256: string, what: string): AsyncGenerator<Uint8Array> {
  const digest = createHash("sha256");
  let held: Uint8Array | undefined;
  for await (const piece of createReadStream(path, { highWaterMark: 1 << 18 }) as AsyncIterable<Buffer>) {
    digest.update(piece);
    if (held !== undefined) yield held;
    held = piece;
  }
  const found = digest.digest("hex");
  if (found !== sha256) throw damaged(path, what, `its bytes have SHA-256 ${found}`);
  if (held !== undefined) yield held;
}

/** A blob that is JSON of this schema. */
export async function readJson<T>(
  directory: string,
  name: BlobName,
  schema: z.ZodType<T>,
  what: string,
): Promise<T> {
  return parseJson(await readBlob(directory, name, what), schema, blobPath(directory, name.sha256), what);
}

export function parseJson<T>(bytes: Uint8Array, schema: z.ZodType<T>, path: string, what: string): T {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw damaged(path, what, `it is not JSON in UTF-8: ${(cause as Error).message}`, cause);
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const { path: at, message } = parsed.error.issues[0];
  throw damaged(path, what, `${at.join(".") || "its top level"}: ${message}`, parsed.error);
}

async function checkSize(path: string, size: number | undefined, what: string): Promise<void> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw damaged(
      path,
      what,
      error.code === "ENOENT" ? "there is no such file; was it pruned?" : error.message,
      error,
    );
  });
  if (!found.isFile()) throw damaged(path, what, "it is not a plain file");
  if (size !== undefined && found.size !== size) {
    throw damaged(path, what, `it has ${found.size} bytes, not ${size}`);
  }
}

export function damaged(path: string, what: string, found: string, cause?: unknown): DriftlineError {
  return new DriftlineError("damaged", `Reading ${what} from a snapshot: ${path}: ${found}.`, {
    field: path,
    remedy:
      "`driftline verify` on the snapshot names all that is damaged; `driftline snapshot --mend` writes it again.",
    cause,
  });
}
