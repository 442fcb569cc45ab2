// A file of a bundle as an answer: ETag, conditional requests, one range of bytes, HEAD (RFC 9110).

import { Readable } from "node:stream";
import type { FastifyReply, FastifyRequest } from "fastify";
import { fail } from "../errors/registry.ts";

export interface ServedFile {
  path: string;
  size: number;
  sha256: string;
  /** Whether the address names this content for ever, as one with a whole digest does. */
  immutable: boolean;
  open(): Promise<ReadableStream<Uint8Array>>;
}

const types: Record<string, string> = {
  json: "application/json",
  md: "text/markdown; charset=utf-8",
  html: "text/html; charset=utf-8",
};

export async function sendFile(
  file: ServedFile,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const etag = `"${file.sha256}"`;
  reply.header("etag", etag);
  reply.header("cache-control", file.immutable ? "public, max-age=31536000, immutable" : "no-cache");
  reply.header("accept-ranges", "bytes");
  reply.header("x-content-type-options", "nosniff");
  if (matches(request.headers["if-none-match"], etag)) return reply.code(304).send();
  const type = types[file.path.slice(file.path.lastIndexOf(".") + 1)] ?? "application/octet-stream";
  reply.type(type);
  // A page out of a bundle must not act in the name of this server.
  if (type.startsWith("text/html")) reply.header("content-security-policy", "sandbox");

  const ifRange = request.headers["if-range"];
  const wanted = ifRange === undefined || ifRange === etag ? request.headers.range : undefined;
  const range = rangeOf(wanted, file.size);
  if (range === "unsatisfiable") {
    reply.header("content-range", `bytes */${file.size}`);
    throw fail(
      "invalid_range",
      `${file.path} has ${file.size} bytes; the range ${wanted} has none of them.`,
      {
        field: "range",
      },
    );
  }
  const { first, last } = range ?? { first: 0, last: file.size - 1 };
  if (range !== undefined) reply.code(206).header("content-range", `bytes ${first}-${last}/${file.size}`);
  reply.header("content-length", String(last - first + 1));
  if (request.method === "HEAD") return reply.send();

  const pieces = slice(await file.open(), first, last)[Symbol.asyncIterator]();
  // Read before the status is sent: content that can't be read is an error, not half a file.
  const start = await pieces.next();
  return reply.send(Readable.from(chain(start, pieces), { objectMode: false }));
}

/** The one range that is asked for; undefined for the whole file, also where several ranges are asked for. */
export function rangeOf(
  header: string | undefined,
  size: number,
): { first: number; last: number } | "unsatisfiable" | undefined {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header?.replaceAll(" ", "") ?? "");
  if (match === null || (match[1] === "" && match[2] === "")) return undefined;
  if (match[1] === "") {
    const length = Math.min(Number(match[2]), size);
    return length === 0 ? "unsatisfiable" : { first: size - length, last: size - 1 };
  }
  const first = Number(match[1]);
  const last = match[2] === "" ? size - 1 : Number(match[2]);
  // A range that ends before it begins is not valid, and is ignored.
  if (match[2] !== "" && last < first) return undefined;
  return first >= size ? "unsatisfiable" : { first, last: Math.min(last, size - 1) };
}

function matches(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header.split(",").some((each) => each.trim() === "*" || each.trim().replace(/^W\//, "") === etag);
}

/**
 * Bytes first to last of a stream. The store checks what it reads as a whole, so all of it is read, and the last
 * piece waits for the end: a range of a damaged file is not answered with its bytes.
 */
async function* slice(stream: AsyncIterable<Uint8Array>, first: number, last: number) {
  let at = 0;
  let held: Uint8Array | undefined;
  for await (const piece of stream) {
    const from = Math.max(0, first - at);
    const to = Math.min(piece.length, last + 1 - at);
    at += piece.length;
    if (from >= to) continue;
    if (held !== undefined) yield held;
    held = piece.subarray(from, to);
  }
  if (held !== undefined) yield held;
}

async function* chain(start: IteratorResult<Uint8Array>, rest: AsyncIterator<Uint8Array>) {
  try {
    for (let next = start; !next.done; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}
