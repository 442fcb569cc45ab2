// Named tensors in one file, in the safetensors format: an 8-byte header length, a JSON header, then the raw values.

import { randomUUID } from "node:crypto";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { DriftlineError } from "./error.ts";

const dtypes = {
  F32: { size: 4, array: Float32Array },
  F64: { size: 8, array: Float64Array },
  I64: { size: 8, array: BigInt64Array },
  I32: { size: 4, array: Int32Array },
  U8: { size: 1, array: Uint8Array },
  BOOL: { size: 1, array: Uint8Array },
} as const;

export type SafetensorsDtype = keyof typeof dtypes;
export type TensorData = Float32Array | Float64Array | BigInt64Array | Int32Array | Uint8Array;

/** Row-major values; BOOL is bytes 0 and 1. A scalar has the shape []. */
export interface Tensor {
  dtype: SafetensorsDtype;
  shape: number[];
  data: TensorData;
}

export interface Safetensors {
  tensors: Record<string, Tensor>;
  metadata: Record<string, string>;
}

/** The reference implementation orders values by descending dtype, then by name: every tensor stays aligned. */
const dtypeOrder: SafetensorsDtype[] = ["I64", "F64", "F32", "I32", "U8", "BOOL"];
/** The reference implementation's limit on the length of the header. */
const maximumHeaderBytes = 100_000_000;

interface Entry {
  name: string;
  dtype: SafetensorsDtype;
  shape: number[];
  /** Offsets from the end of the header. */
  begin: number;
  end: number;
}

/**
 * Bytes of a file with these tensors: the same tensors and metadata always give the same bytes,
 * which are those of the reference implementation where metadata has at most one member.
 * Throws `invalid_data` naming the tensor whose dtype, shape and data disagree.
 */
export function encodeSafetensors(
  tensors: Record<string, Tensor>,
  metadata: Record<string, string> = {},
): Uint8Array {
  const parts = layOut("the tensors to encode", tensors, metadata);
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.byteLength;
  }
  return bytes;
}

/** Tensors of such bytes: views where they are aligned, else copies. Throws `damaged` naming `source` and tensor. */
export function decodeSafetensors(bytes: Uint8Array, source = "the safetensors bytes"): Safetensors {
  const headerBytes = headerLength(bytes, bytes.byteLength, source);
  const dataStart = 8 + headerBytes;
  const { entries, metadata } = parseHeader(
    bytes.subarray(8, dataStart),
    bytes.byteLength - dataStart,
    source,
  );
  const tensors: [string, Tensor][] = entries.map((entry) => {
    const raw = bytes.subarray(dataStart + entry.begin, dataStart + entry.end);
    return [entry.name, toTensor(entry, raw, source)];
  });
  return { tensors: Object.fromEntries(tensors), metadata };
}

/** Writes the file so that a reader sees all of it or nothing: a temporary file beside it, flushed, then renamed. */
export async function writeSafetensors(
  path: string,
  tensors: Record<string, Tensor>,
  metadata: Record<string, string> = {},
): Promise<void> {
  const parts = layOut(path, tensors, metadata);
  const temporary = `${path}.${randomUUID()}.tmp`;
  const file = await open(temporary, "wx");
  try {
    for (const part of parts) await file.writeFile(part);
    await file.sync();
    await file.close();
    await rename(temporary, path);
  } catch (error) {
    await file.close().catch(() => {});
    await rm(temporary, { force: true });
    throw error;
  }
  const directory = await open(dirname(path));
  await directory.sync().finally(() => directory.close());
}

/** Reads a file. Throws `invalid_data` where it cannot be opened, `damaged` naming the file and tensor where it is not as the format says. */
export async function readSafetensors(path: string): Promise<Safetensors> {
  const unreadable = (reason: string, cause?: unknown) =>
    new DriftlineError("invalid_data", `cannot read ${path}: ${reason}`, {
      remedy: "Give the path of a safetensors file that this process can read.",
      cause,
    });
  let file: FileHandle;
  try {
    file = await open(path);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    throw unreadable(code === "ENOENT" ? "there is no such file" : message, cause);
  }
  try {
    const found = await file.stat();
    if (!found.isFile()) throw unreadable("it is not a plain file");
    const { size } = found;
    const headerBytes = headerLength(await readRange(file, 0, Math.min(8, size), path), size, path);
    const dataStart = 8 + headerBytes;
    const { entries, metadata } = parseHeader(
      await readRange(file, 8, headerBytes, path),
      size - dataStart,
      path,
    );
    const tensors: [string, Tensor][] = [];
    for (const entry of entries) {
      const raw = await readRange(file, dataStart + entry.begin, entry.end - entry.begin, path);
      tensors.push([entry.name, toTensor(entry, raw, path)]);
    }
    return { tensors: Object.fromEntries(tensors), metadata };
  } finally {
    await file.close();
  }
}

function layOut(target: string, tensors: Record<string, Tensor>, metadata: Record<string, string>) {
  const names = Object.keys(tensors).sort((a, b) => {
    const byDtype = dtypeOrder.indexOf(tensors[a].dtype) - dtypeOrder.indexOf(tensors[b].dtype);
    return byDtype || Buffer.compare(Buffer.from(a), Buffer.from(b));
  });
  const fields: string[] = [];
  const keys = Object.keys(metadata).sort();
  if (keys.length > 0)
    fields.push(`"__metadata__":${JSON.stringify(Object.fromEntries(keys.map((k) => [k, metadata[k]])))}`);
  const views: Uint8Array[] = [];
  let offset = 0;
  for (const name of names) {
    const { dtype, shape, data } = tensors[name];
    const problem = name === "__metadata__" ? "is a reserved name" : disagreement(dtype, shape, data);
    if (problem)
      throw new DriftlineError("invalid_data", `cannot write ${target}: tensor "${name}" ${problem}`, {
        field: name,
      });
    const end = offset + data.byteLength;
    fields.push(`${JSON.stringify(name)}:${JSON.stringify({ dtype, shape, data_offsets: [offset, end] })}`);
    views.push(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    offset = end;
  }
  const json = Buffer.from(`{${fields.join(",")}}`);
  const header = Buffer.alloc(8 + Math.ceil(json.length / 8) * 8, " ");
  header.writeBigUInt64LE(BigInt(header.length - 8));
  json.copy(header, 8);
  return [header, ...views];
}

function disagreement(dtype: SafetensorsDtype, shape: number[], data: TensorData): string | null {
  const known = Object.hasOwn(dtypes, dtype) ? dtypes[dtype] : null;
  if (!known) return `has the dtype ${dtype}; allowed are ${Object.keys(dtypes).join(", ")}`;
  if (!(data instanceof known.array))
    return `is ${dtype} but its data are a ${(data as object).constructor.name}`;
  const count = elements(shape);
  if (count === null)
    return `has the shape [${shape}]: dimensions are integers from 0, their product below 2^53`;
  if (count !== data.length)
    return `has the shape [${shape}] = ${count} values, but ${data.length} were given`;
  if (dtype === "BOOL" && data.some((byte) => byte > 1)) return "is BOOL but holds bytes other than 0 and 1";
  return null;
}

function elements(shape: unknown): number | null {
  if (!Array.isArray(shape) || !shape.every((n) => Number.isSafeInteger(n) && n >= 0)) return null;
  const count = shape.reduce((product: number, n: number) => product * n, 1);
  return Number.isSafeInteger(count) ? count : null;
}

function headerLength(start: Uint8Array, size: number, source: string): number {
  if (size < 8) throw damaged(source, `it has ${size} bytes; a safetensors file has at least 8`);
  const length = new DataView(start.buffer, start.byteOffset).getBigUint64(0, true);
  if (length > BigInt(maximumHeaderBytes))
    throw damaged(source, `it gives a header of ${length} bytes; at most ${maximumHeaderBytes} are allowed`);
  if (length > BigInt(size - 8))
    throw damaged(source, `it gives a header of ${length} bytes but has only ${size} in all`);
  return Number(length);
}

function parseHeader(bytes: Uint8Array, dataBytes: number, source: string) {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw damaged(source, `its header is not JSON: ${(cause as Error).message}`);
  }
  if (!isObject(header)) throw damaged(source, "its header is not a JSON object");
  const { __metadata__: metadata = {}, ...members } = header;
  if (!isObject(metadata) || !Object.values(metadata).every((value) => typeof value === "string"))
    throw damaged(source, "its __metadata__ is not a map from strings to strings");
  const entries = Object.entries(members).map(([name, member]) => parseEntry(name, member, source));
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let at = 0;
  for (const { name, begin, end } of entries) {
    if (begin < at) throw damaged(source, `tensor "${name}" overlaps the one before it`);
    if (begin > at) throw damaged(source, `there is a gap of ${begin - at} bytes before tensor "${name}"`);
    if (end > dataBytes)
      throw damaged(source, `tensor "${name}" ends at byte ${end}, but there are ${dataBytes} bytes of data`);
    at = end;
  }
  if (at !== dataBytes) throw damaged(source, `${dataBytes - at} bytes after the last tensor belong to none`);
  return { entries, metadata: metadata as Record<string, string> };
}

function parseEntry(name: string, member: unknown, source: string): Entry {
  const wrong = (what: string) => damaged(source, `tensor "${name}" ${what}`);
  if (!isObject(member)) throw wrong("is not described by an object");
  const { dtype, shape, data_offsets: offsets } = member;
  if (typeof dtype !== "string" || !Object.hasOwn(dtypes, dtype))
    throw wrong(
      `has the dtype ${JSON.stringify(dtype)}; this reader knows ${Object.keys(dtypes).join(", ")}`,
    );
  const count = elements(shape);
  if (count === null) throw wrong(`has no valid shape (${JSON.stringify(shape)})`);
  if (
    !Array.isArray(offsets) ||
    offsets.length !== 2 ||
    !offsets.every((n) => Number.isSafeInteger(n) && n >= 0)
  )
    throw wrong(`has no valid data_offsets (${JSON.stringify(offsets)})`);
  const [begin, end] = offsets as [number, number];
  const size = dtypes[dtype as SafetensorsDtype].size;
  if (end - begin !== count * size)
    throw wrong(
      `is ${dtype} with the shape [${shape}] = ${count * size} bytes, but its offsets span ${end - begin}`,
    );
  return { name, dtype: dtype as SafetensorsDtype, shape: shape as number[], begin, end };
}

function toTensor({ name, dtype, shape }: Entry, raw: Uint8Array, source: string): Tensor {
  const { size, array } = dtypes[dtype];
  const aligned = raw.byteOffset % size === 0 ? raw : raw.slice();
  const data = new array(aligned.buffer as ArrayBuffer, aligned.byteOffset, aligned.byteLength / size);
  if (dtype === "BOOL" && data.some((byte) => byte > 1))
    throw damaged(source, `tensor "${name}" is BOOL but holds bytes other than 0 and 1`);
  return { dtype, shape, data };
}

async function readRange(file: FileHandle, position: number, length: number, source: string) {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; ) {
    const { bytesRead } = await file.read(bytes, at, Math.min(length - at, 2 ** 30), position + at);
    if (bytesRead === 0) throw damaged(source, `it ended at byte ${position + at} while being read`);
    at += bytesRead;
  }
  return bytes;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function damaged(source: string, what: string): DriftlineError {
  return new DriftlineError("damaged", `cannot read ${basename(source)} as safetensors: ${what}`, {
    field: source,
    remedy: "Make or fetch the file again.",
  });
}
