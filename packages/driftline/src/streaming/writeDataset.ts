// Batches of responses to a dataset on disk: shards as they fill, dataset.json last.

import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fail } from "../errors/registry.ts";
import type { InputFeature, OutputImage } from "../family/family.ts";
import type { ResponseBatch, Split } from "../family/responses.ts";
import { type DatasetManifest, type DatasetShard, manifestName, manifestText } from "./dataset.ts";
import { writeAtomically, writeShard } from "./shardFile.ts";
import { splits, splitter } from "./split.ts";

export interface WriteOptions {
  /** Made where it does not exist; it must not hold a dataset yet. */
  directory: string;
  batches: AsyncIterable<ResponseBatch>;
  inputs: InputFeature[];
  output: OutputImage;
  /** Fractions of the rows; they sum to 1. */
  split: Record<Split, number>;
  salt: string;
  /** Part of the manifest and of the dataset's digest; asked for after the last batch where it is a function. */
  provenance: Record<string, unknown> | (() => Record<string, unknown>);
  /** Rows of a shard (8,192): what is held in memory. */
  shardRows?: number;
  /** Rows written so far. */
  onProgress?: (rows: number) => void;
  signal?: AbortSignal;
}

/**
 * Writes a dataset. The same rows in the same order give the same bytes, however they are batched.
 * Throws `invalid_data` where a value is not finite, a part of the split stays empty or the directory has a dataset.
 */
export async function writeDataset(options: WriteOptions): Promise<DatasetManifest> {
  const { directory, inputs, output, split: fractions, salt, shardRows = 8192, onProgress, signal } = options;
  const sum = fractions.train + fractions.validation + fractions.test;
  if (Math.abs(sum - 1) > 1e-9 || splits.some((name) => !(fractions[name] >= 0)))
    throw fail("invalid_data", `the fractions of the split are ${JSON.stringify(fractions)}`, {
      field: "data.split",
      remedy: "Give three fractions from 0 to 1 that sum to 1.",
    });
  if (existsSync(join(directory, manifestName)))
    throw fail("invalid_data", `${directory} holds a dataset already; nothing is overwritten`, {
      remedy: "Name another directory.",
    });
  await mkdir(directory, { recursive: true });
  const width = inputs.length;
  const shape = output.axes.map((axis) => axis.size);
  const cells = shape[0] * shape[1];
  const shard = {
    rows: 0,
    features: new Float32Array(shardRows * width),
    responses: new Float32Array(shardRows * cells),
    ids: new BigInt64Array(shardRows),
    splits: new Uint8Array(shardRows),
  };
  const shards: DatasetShard[] = [];
  const counts = { train: 0, validation: 0, test: 0 };
  const splitOf = splitter(salt, fractions);
  let rows = 0;
  const flush = async () => {
    const n = shard.rows;
    const written = await writeShard(directory, shards.length, n, {
      features: { dtype: "F32", shape: [n, width], data: shard.features.subarray(0, n * width) },
      response: { dtype: "F32", shape: [n, ...shape], data: shard.responses.subarray(0, n * cells) },
      id: { dtype: "I64", shape: [n], data: shard.ids.subarray(0, n) },
      split: { dtype: "U8", shape: [n], data: shard.splits.subarray(0, n) },
    });
    shards.push(written);
    shard.rows = 0;
  };
  for await (const batch of options.batches) {
    signal?.throwIfAborted();
    checkFinite(batch, inputs, cells, rows);
    for (let from = 0; from < batch.rows; ) {
      const n = Math.min(shardRows - shard.rows, batch.rows - from);
      const to = from + n;
      shard.features.set(batch.features.subarray(from * width, to * width), shard.rows * width);
      shard.responses.set(batch.responses.subarray(from * cells, to * cells), shard.rows * cells);
      for (let i = 0; i < n; i++) {
        const id = batch.ids[from + i];
        const code = splitOf(id);
        shard.ids[shard.rows + i] = id;
        shard.splits[shard.rows + i] = code;
        counts[splits[code]]++;
      }
      shard.rows += n;
      from = to;
      if (shard.rows === shardRows) await flush();
    }
    rows += batch.rows;
    onProgress?.(rows);
  }
  if (shard.rows > 0) await flush();
  for (const name of splits)
    if (counts[name] === 0 && fractions[name] > 0)
      throw fail("invalid_data", `of ${rows} rows none fell to the ${name} part of the split`, {
        field: "data.split",
        remedy: "Give more rows, or a larger fraction.",
      });
  const manifest: DatasetManifest = {
    scheme: "driftline-dataset/1",
    rows,
    tensors: [
      {
        name: "features",
        dtype: "F32",
        shape: [width],
        columns: inputs.map(({ name, unit }) => ({ name, unit })),
      },
      { name: "response", dtype: "F32", shape, unit: output.unit },
      { name: "id", dtype: "I64", shape: [] },
      { name: "split", dtype: "U8", shape: [] },
    ],
    split: { by: "id", salt, fractions, counts },
    provenance: typeof options.provenance === "function" ? options.provenance() : options.provenance,
    shards,
  };
  await writeAtomically(join(directory, manifestName), manifestText(manifest));
  return manifest;
}

function checkFinite(batch: ResponseBatch, inputs: InputFeature[], cells: number, rowsBefore: number): void {
  const refuse = (row: number, what: string) =>
    fail("invalid_data", `cannot write row ${rowsBefore + row} (id ${batch.ids[row]}): ${what}`, {
      remedy: "The source of the responses must give finite numbers.",
    });
  const feature = batch.features.findIndex((value) => !Number.isFinite(value));
  if (feature >= 0)
    throw refuse(
      Math.floor(feature / inputs.length),
      `${inputs[feature % inputs.length].name} is ${batch.features[feature]}`,
    );
  const cell = batch.responses.findIndex((value) => !Number.isFinite(value));
  if (cell >= 0)
    throw refuse(
      Math.floor(cell / cells),
      `the amplitude in cell ${cell % cells} is ${batch.responses[cell]}`,
    );
}
