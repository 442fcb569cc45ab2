// driftline data convert: columns of files to another format, or a whole specification to a dataset for training.

import { resolve } from "node:path";
import { fail } from "../../../errors/registry.ts";
import { openView } from "../../../streaming/assembly/view.ts";
import { openWriter } from "../../../streaming/writers/openWriter.ts";
import { defineCommand } from "../../command.ts";
import { timeLeft } from "./timeLeft.ts";
import { columnsOption, viewOf, viewOptions } from "./viewOptions.ts";

const chunkEntries = 10_000;

export const dataConvert = defineCommand({
  name: "data convert",
  summary: "Write columns of files as ROOT, Parquet, Arrow, safetensors, CSV or JSON lines.",
  positionals: ["FILE..."],
  options: {
    ...viewOptions,
    ...columnsOption,
    to: { type: "string", value: "FILE", description: "File to write; its ending tells the format" },
  },
  examples: [
    "driftline data convert events.root --columns 'MET_pt,Jet_*' --to jets.parquet",
    "driftline data convert 'run*.root' --define 'HT=sum(Jet_pt)' --cut 'HT > 200' --to selected.root",
  ],
  async run(context, files, options) {
    if (options.to === undefined)
      throw fail("usage", "driftline data convert: where to write is not given.", {
        field: "--to",
        remedy: "Add --to and a file that ends in .root, .parquet, .arrow, .safetensors, .csv or .jsonl.",
      });
    const view = await openView({ ...viewOf(files, options), signal: context.signal });
    try {
      const writer = await openWriter(resolve(options.to), view.columns, { tree: options.tree });
      const progress = timeLeft(context.progress, "convert", view.entries);
      try {
        let read = 0;
        for await (const chunk of view.chunks(chunkEntries)) {
          await writer.append(chunk);
          read += chunk.read;
          progress(read);
        }
        const { entries, bytes } = await writer.close();
        return {
          json: { file: options.to, read, entries, bytes },
          text: `Wrote ${entries} of ${read} entries, ${(bytes / 1e6).toPrecision(3)} MB: ${options.to}`,
        };
      } catch (error) {
        await writer.abort();
        throw error;
      }
    } finally {
      await view.close();
    }
  },
});
