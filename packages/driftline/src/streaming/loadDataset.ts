// A dataset from disk into memory, by split, every shard checked against its digest.

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { decodeSafetensors, type SafetensorsDtype, type Tensor } from "@driftline/client/safetensors";
import { fail } from "../errors/registry.ts";
import type { ResponseBatch, Split } from "../family/responses.ts";
import {
  type DatasetManifest,
  type DatasetShard,
  datasetManifest,
  type LoadedDataset,
  manifestName,
} from "./dataset.ts";
import { splits } from "./split.ts";

/** Reads dataset.json. Throws `invalid_data` where there is none, `damaged` where it is not as the format says. */
export async function readManifest(directory: string): Promise<DatasetManifest> {
  const path = join(directory, manifestName);
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    throw fail("invalid_data", `${directory} holds no complete dataset: ${(cause as Error).message}`, {
      field: path,
      remedy: "Name the directory that dataset.json is in; it is written last, when all shards are there.",
      cause,
    });
  }
  try {
    return datasetManifest.parse(JSON.parse(text));
  } catch (cause) {
    throw damaged(path, `it does not follow the format (${(cause as Error).message})`);
  }
}

/**
 * Loads the parts of a dataset that are asked for (all by default; the others have no rows), rows in the order of the
 * shards. Throws `damaged` naming the shard whose size, digest or tensors are not those of the manifest.
 */
export async function loadDataset(
  directory: string,
  { splits: wanted = [...splits] }: { splits?: Split[] } = {},
): Promise<LoadedDataset> {
  const manifest = await readManifest(directory);
  const [features, response] = ["features", "response"].map((name) => {
    const tensor = manifest.tensors.find((tensor) => tensor.name === name);
    if (!tensor) throw damaged(join(directory, manifestName), `it has no tensor "${name}"`);
    return tensor.shape.reduce((product, n) => product * n, 1);
  });
  const batch = (name: Split): ResponseBatch => {
    const rows = wanted.includes(name) ? manifest.split.counts[name] : 0;
    return {
      rows,
      features: new Float32Array(rows * features),
      responses: new Float32Array(rows * response),
      ids: new BigInt64Array(rows),
    };
  };
  const loaded = { train: batch("train"), validation: batch("validation"), test: batch("test") };
  const filled = { train: 0, validation: 0, test: 0 };
  for (const shard of manifest.shards) {
    const path = join(directory, shard.path);
    const tensors = await readShard(path, shard, manifest);
    const codes = tensors.split.data as Uint8Array;
    for (let row = 0; row < shard.rows; row++) {
      const name = splits[codes[row]];
      if (!name) throw damaged(path, `row ${row} has the split ${codes[row]}`);
      const at = filled[name]++;
      const target = loaded[name];
      if (at >= target.rows) continue;
      const slice = (tensor: Tensor, n: number) =>
        (tensor.data as Float32Array).subarray(row * n, (row + 1) * n);
      target.features.set(slice(tensors.features, features), at * features);
      target.responses.set(slice(tensors.response, response), at * response);
      target.ids[at] = (tensors.id.data as BigInt64Array)[row];
    }
  }
  for (const name of splits)
    if (filled[name] !== manifest.split.counts[name])
      throw damaged(
        join(directory, manifestName),
        `it counts ${manifest.split.counts[name]} rows for ${name}, the shards have ${filled[name]}`,
      );
  return { manifest, splits: loaded };
}

async function readShard(
  path: string,
  shard: DatasetShard,
  manifest: DatasetManifest,
): Promise<Record<string, Tensor>> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    throw damaged(path, (cause as Error).message);
  }
  if (bytes.length !== shard.size)
    throw damaged(path, `it has ${bytes.length} bytes in place of ${shard.size}`);
  const digest = createHash("sha256").update(bytes).digest("hex");
  if (digest !== shard.sha256) throw damaged(path, `its SHA-256 is ${digest} in place of ${shard.sha256}`);
  const { tensors } = decodeSafetensors(bytes, path);
  for (const { name, dtype, shape } of manifest.tensors) {
    const tensor = tensors[name];
    const expected: [SafetensorsDtype, string] = [dtype, [shard.rows, ...shape].join(" × ")];
    if (!tensor || tensor.dtype !== expected[0] || tensor.shape.join(" × ") !== expected[1])
      throw damaged(path, `it has no tensor "${name}" of ${expected[0]} and shape ${expected[1]}`);
  }
  return tensors;
}

function damaged(path: string, what: string) {
  return fail("damaged", `the dataset cannot be used: ${path}: ${what}`, {
    field: path,
    remedy: "Make the dataset again.",
  });
}
