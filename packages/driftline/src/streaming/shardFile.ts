// Files of a dataset on disk: shards with their digests, and the manifest that is written last.

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, rename, stat } from "node:fs/promises";
import { join } from "node:path";
import { writeSafetensors } from "@driftline/client/safetensors";
import type { DatasetShard } from "./dataset.ts";

export type ShardTensors = Parameters<typeof writeSafetensors>[1];

export function shardName(number: number): string {
  return `shard-${String(number).padStart(5, "0")}.safetensors`;
}

/** Writes a shard; when it has returned, the file is whole. */
export async function writeShard(
  directory: string,
  number: number,
  rows: number,
  tensors: ShardTensors,
): Promise<DatasetShard> {
  const path = shardName(number);
  await writeSafetensors(join(directory, path), tensors);
  return { path, rows, ...(await measureFile(join(directory, path))) };
}

export async function measureFile(path: string): Promise<{ size: number; sha256: string }> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return { size: (await stat(path)).size, sha256: hash.digest("hex") };
}

export async function writeAtomically(path: string, text: string): Promise<void> {
  const file = await open(`${path}.tmp`, "w");
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.tmp`, path);
}
