// A dataset from columns on disk: one shard a shuffled piece, dataset.json last. A build that was cut off goes on.

import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { appendFile, mkdir, readFile, rm, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { fail } from "../../errors/registry.ts";
import type { Split } from "../../family/responses.ts";
import { type DatasetManifest, type DatasetShard, manifestName, manifestText } from "../dataset.ts";
import { shardName, writeAtomically, writeShard } from "../shardFile.ts";
import { splits } from "../split.ts";
import { type Group, groupBlocks, shuffleBlocks } from "./blocks.ts";
import { type Encoding, encodingOf } from "./encoding.ts";
import type { Measured, PassOptions } from "./measure.ts";
import { type Piece, piecesOf } from "./pieces.ts";
import type { Assembly } from "./prepare.ts";

/** Lines of finished shards while the dataset is being made. */
const progressName = "progress.jsonl";

/** The order of reading that the specification and the part of entries that pass the cuts give. */
export function groupsOf({ specification, blocks, entries }: Assembly, measured: Measured): Group[] {
  const { seed, places, rows } = specification.order;
  const passed = splits.reduce((sum, part) => sum + measured.rows[part], 0) / entries;
  // Pieces of about `rows` rows after the cuts, but of no more entries than fit into memory.
  const pieceEntries = Math.min(rows / Math.max(passed, 1e-9), 64 * rows);
  return groupBlocks(shuffleBlocks(blocks, seed), places, pieceEntries);
}

interface Finished extends Omit<DatasetShard, "path"> {
  piece: number;
  counts: Record<Split, number>;
}

/**
 * Writes the dataset of an assembly that was measured. The same files and specification give the same bytes. A
 * directory with an unfinished dataset of the same specification and files is gone on with; any other is refused.
 */
export async function buildDataset(
  assembly: Assembly,
  measured: Measured,
  directory: string,
  options: PassOptions = {},
): Promise<DatasetManifest> {
  const { specification } = assembly;
  checkParts(assembly, measured);
  const encoding = encodingOf(assembly.features, measured, specification.balance !== undefined);
  const groups = groupsOf(assembly, measured);
  const manifest = manifestOf(assembly, encoding);
  const finished = await finishedShards(directory, manifest);
  let entries = 0;
  const from = finished.length === 0 ? 0 : finished[finished.length - 1].piece + 1;
  const pieces = piecesOf(assembly, encoding, groups, {
    withScale: false,
    part: null,
    epoch: 0,
    repeat: false,
    from,
    signal: options.signal,
  });
  for await (const piece of pieces) {
    finished.push(await writePiece(directory, piece));
    await appendFile(join(directory, progressName), `${JSON.stringify(finished.at(-1))}\n`, { flush: true });
    entries += piece.entries;
    options.onProgress?.(entries);
  }
  for (const { piece, rows, size, sha256, counts } of finished) {
    if (rows === 0) continue;
    manifest.rows += rows;
    manifest.shards.push({ path: shardName(piece), rows, size, sha256 });
    for (const name of splits) manifest.split.counts[name] += counts[name];
  }
  await writeAtomically(join(directory, manifestName), manifestText(manifest));
  await rm(join(directory, progressName));
  return manifest;
}

async function writePiece(directory: string, piece: Piece): Promise<Finished> {
  const { rows, width, values, mask } = piece.matrix;
  const counts = { train: 0, validation: 0, test: 0 };
  for (const part of piece.parts) counts[splits[part]]++;
  if (rows === 0) return { piece: piece.number, rows, size: 0, sha256: "", counts };
  const { size, sha256 } = await writeShard(directory, piece.number, rows, {
    features: { dtype: "F32", shape: [rows, width], data: values },
    mask: { dtype: "U8", shape: [rows, width], data: mask },
    label: { dtype: "F32", shape: [rows], data: piece.labels },
    weight: { dtype: "F32", shape: [rows], data: piece.weights },
    id: { dtype: "I64", shape: [rows], data: piece.ids },
    split: { dtype: "U8", shape: [rows], data: piece.parts },
  });
  return { piece: piece.number, rows, size, sha256, counts };
}

/** A manifest without rows: what is known before the first. */
function manifestOf({ specification, sources }: Assembly, { features, width }: Encoding): DatasetManifest {
  const { define, cut, group, salt, split } = specification;
  const columns = features.flatMap(({ name, list, width }) =>
    list ? Array.from({ length: width }, (_, i) => ({ name: `${name}_${i}` })) : [{ name }],
  );
  const perRow = { shape: [] as number[] };
  return {
    scheme: "driftline-dataset/1",
    rows: 0,
    tensors: [
      { name: "features", dtype: "F32", shape: [width], columns },
      { name: "mask", dtype: "U8", shape: [width] },
      { name: "label", dtype: "F32", ...perRow },
      { name: "weight", dtype: "F32", ...perRow },
      { name: "id", dtype: "I64", ...perRow },
      { name: "split", dtype: "U8", ...perRow },
    ],
    split: {
      by: group ? "group" : "id",
      salt,
      fractions: split,
      counts: { train: 0, validation: 0, test: 0 },
    },
    encoding: { define, ...(cut !== undefined && { cut }), features },
    provenance: {
      specification,
      files: sources.flatMap(({ name, files }) =>
        files.map(({ location, entries, fingerprint }) => ({
          source: name,
          file: basename(location),
          entries,
          fingerprint,
        })),
      ),
    },
    shards: [],
  };
}

/** Shards of an earlier try that are whole, in order from the first. */
async function finishedShards(directory: string, manifest: DatasetManifest): Promise<Finished[]> {
  if (existsSync(join(directory, manifestName)))
    throw fail("invalid_data", `${directory} holds a dataset already; nothing is overwritten`, {
      field: "--to",
      remedy: "Name another directory.",
    });
  await mkdir(directory, { recursive: true });
  const path = join(directory, progressName);
  const identity = createHash("sha256").update(manifestText(manifest)).digest("hex");
  if (!existsSync(path)) {
    await writeAtomically(path, `${JSON.stringify({ identity })}\n`);
    return [];
  }
  const [head, ...lines] = (await readFile(path, "utf8")).split("\n");
  if (parsed<{ identity: string }>(head)?.identity !== identity)
    throw fail("invalid_data", `${directory} holds the beginning of another dataset`, {
      field: "--to",
      remedy: "Name another directory, or remove this one: its specification or files were others.",
    });
  const finished: Finished[] = [];
  for (const line of lines) {
    const shard = parsed<Finished>(line);
    if (!shard || !(await isWhole(directory, shard))) break;
    finished.push(shard);
  }
  const kept = [head, ...finished.map((shard) => JSON.stringify(shard))].join("\n");
  await writeAtomically(path, `${kept}\n`);
  return finished;
}

async function isWhole(directory: string, { piece, rows, size }: Finished): Promise<boolean> {
  if (rows === 0) return true;
  return stat(join(directory, shardName(piece))).then(
    (found) => found.size === size,
    () => false,
  );
}

/** The last line of a file that was cut off is no JSON. */
function parsed<T>(line: string): T | null {
  try {
    return JSON.parse(line) as T;
  } catch {
    return null;
  }
}

function checkParts({ specification, entries }: Assembly, { rows }: Measured): void {
  for (const name of splits)
    if (rows[name] === 0 && specification.split[name] > 0) {
      const passed = splits.reduce((sum, part) => sum + rows[part], 0);
      throw fail(
        "invalid_data",
        `Making a dataset: of ${entries} entries ${passed} pass the cuts, and none of them falls to the ${name} part.`,
        {
          field: passed === 0 ? "cut" : "split",
          remedy: "Loosen the cuts, give more data, or a larger fraction.",
        },
      );
    }
}
