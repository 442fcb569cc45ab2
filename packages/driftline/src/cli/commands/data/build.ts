// driftline data build: the dataset of a specification, as shards for training.

import { dirname, resolve } from "node:path";
import { fail } from "../../../errors/registry.ts";
import { buildDataset, groupsOf } from "../../../streaming/assembly/build.ts";
import { measure } from "../../../streaming/assembly/measure.ts";
import { mixingOf, mixingWarning } from "../../../streaming/assembly/mixing.ts";
import { prepare } from "../../../streaming/assembly/prepare.ts";
import { datasetDigest } from "../../../streaming/dataset.ts";
import { loadSpecification } from "../../../streaming/features/specification.ts";
import { defineCommand } from "../../command.ts";
import { writeOut } from "../../writeOut.ts";
import { timeLeft } from "./timeLeft.ts";

export const dataBuild = defineCommand({
  name: "data build",
  summary:
    "Make the dataset of a specification: shuffled shards of tensors. A build that was cut off goes on.",
  positionals: ["SPECIFICATION"],
  options: { to: { type: "string", value: "DIR", description: "Directory of the dataset" } },
  examples: ["driftline data build higgs.yaml --to higgs"],
  async run(context, [file], { to }) {
    if (to === undefined)
      throw fail("usage", "driftline data build: where to write is not given.", {
        field: "--to",
        remedy: "Add --to and a directory.",
      });
    const path = resolve(file);
    const specification = loadSpecification(path);
    const { signal } = context;
    const assembly = await prepare(specification, { directory: dirname(path), signal });
    try {
      const measured = await measure(assembly, {
        signal,
        onProgress: timeLeft(context.progress, "measure", assembly.entries),
      });
      const warning = mixingWarning(
        mixingOf(assembly, measured, groupsOf(assembly, measured)),
        specification.order.places,
      );
      if (warning) context.progress.note(`Warning: ${warning}`);
      const manifest = await writeOut("--to", to, () =>
        buildDataset(assembly, measured, resolve(to), {
          signal,
          onProgress: timeLeft(context.progress, "build", assembly.entries),
        }),
      );
      const { train, validation, test } = manifest.split.counts;
      return {
        json: { directory: resolve(to), digest: datasetDigest(manifest), warning, ...manifest },
        text: `Wrote ${manifest.rows} rows in ${manifest.shards.length} shards to ${to}: ${train} to train on, ${validation} to validate, ${test} to test. Digest ${datasetDigest(manifest)}`,
      };
    } finally {
      await assembly.close();
    }
  },
});
