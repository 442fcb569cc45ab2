// driftline data stream: batches for a trainer on standard output, each a safetensors file after its length.

import { once } from "node:events";
import { dirname, resolve } from "node:path";
import { encodeSafetensors } from "@driftline/client/safetensors";
import { fail } from "../../../errors/registry.ts";
import type { Split } from "../../../family/responses.ts";
import { type Batch, batchesOf, type Place } from "../../../streaming/assembly/batches.ts";
import { encodingOf } from "../../../streaming/assembly/encoding.ts";
import { measure } from "../../../streaming/assembly/measure.ts";
import { prepare } from "../../../streaming/assembly/prepare.ts";
import { loadSpecification } from "../../../streaming/features/specification.ts";
import { splits } from "../../../streaming/split.ts";
import { defineCommand } from "../../command.ts";
import { integer } from "../../numbers.ts";
import { timeLeft } from "./timeLeft.ts";

export const dataStream = defineCommand({
  name: "data stream",
  summary:
    "Write batches of a specification to standard output, shuffled and scaled, without a dataset on disk.",
  positionals: ["SPECIFICATION"],
  options: {
    rows: { type: "string", value: "N", description: "Rows of a batch (default 1024)" },
    part: {
      type: "string",
      value: "train|validation|test",
      description: "Part of the split (default train)",
    },
    epochs: {
      type: "string",
      value: "N",
      description: "How often all rows come, in another order each time (default 1)",
    },
    from: {
      type: "string",
      value: "EPOCH,PIECE,ROW",
      description: "Go on at the place that the last batch named as next",
    },
  },
  examples: ["driftline data stream higgs.yaml --rows 4096 --epochs 10 | python train.py"],
  async run(context, [file], options) {
    const rows = integer("--rows", options.rows, { minimum: 1, maximum: 10_000_000 }) ?? 1024;
    const epochs = integer("--epochs", options.epochs, { minimum: 1 }) ?? 1;
    const part = options.part ?? "train";
    if (!isSplit(part))
      throw fail("usage", `--part ${part}: is no part of the split.`, {
        field: "--part",
        remedy: `Write ${splits.join(", ")}.`,
      });
    const from = options.from === undefined ? undefined : placeOf(options.from);
    const path = resolve(file);
    const specification = loadSpecification(path);
    const { signal } = context;
    const assembly = await prepare(specification, { directory: dirname(path), signal });
    try {
      const measured = await measure(assembly, {
        signal,
        onProgress: timeLeft(context.progress, "measure", assembly.entries),
      });
      const encoding = encodingOf(assembly.features, measured, specification.balance !== undefined);
      const left = epochs - (from?.epoch ?? 0);
      const onProgress = timeLeft(context.progress, "stream", assembly.entries * left);
      const { features, width } = encoding;
      await write(Buffer.from(JSON.stringify({ format: "driftline-batches/1", width, features })));
      for await (const batch of batchesOf(assembly, measured, encoding, {
        rows,
        part,
        epochs,
        from,
        signal,
        onProgress,
      }))
        if (!(await write(bytesOf(batch)))) break;
      await write(Buffer.alloc(0));
      return { json: null, text: null };
    } finally {
      await assembly.close();
    }
  },
});

function bytesOf({ matrix, labels, weights, ids, next }: Batch): Uint8Array {
  const { rows, width, values, mask } = matrix;
  return encodeSafetensors(
    {
      features: { dtype: "F32", shape: [rows, width], data: values },
      mask: { dtype: "U8", shape: [rows, width], data: mask },
      label: { dtype: "F32", shape: [rows], data: labels },
      weight: { dtype: "F32", shape: [rows], data: weights },
      id: { dtype: "I64", shape: [rows], data: ids },
    },
    { next: `${next.epoch},${next.piece},${next.row}` },
  );
}

/** A frame: eight bytes of length, least significant first, and the content; no content ends the stream. False where the
 * reader has gone. */
async function write(content: Uint8Array): Promise<boolean> {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(content.length));
  try {
    for (const part of [length, content])
      if (part.length > 0 && !process.stdout.write(part)) await once(process.stdout, "drain");
    return !process.stdout.destroyed;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EPIPE") return false;
    throw error;
  }
}

function isSplit(text: string): text is Split {
  return (splits as readonly string[]).includes(text);
}

function placeOf(text: string): Place {
  const match = /^(\d{1,15}),(\d{1,15}),(\d{1,15})$/.exec(text);
  if (!match)
    throw fail("usage", `--from ${text}: an epoch, a piece and a row are needed.`, {
      field: "--from",
      remedy: "Write it as the last batch named it, such as --from 0,12,512.",
    });
  const [epoch, piece, row] = match.slice(1).map(Number);
  return { epoch, piece, row };
}
