// driftline restore: a catalogue from a backup, every byte checked on the way.

import { resolve } from "node:path";
import { restoreCatalogue } from "../../catalogue/care/backup.ts";
import { defineCommand } from "../command.ts";
import { writeOut } from "../writeOut.ts";
import { copyProgress, outcomeOf } from "./backup.ts";

export const restore = defineCommand({
  name: "restore",
  summary: "Make the catalogue of the data directory, where there is none yet, from a backup.",
  positionals: ["DIRECTORY"],
  options: {},
  examples: ["driftline restore /mnt/backup/driftline --data-dir /data/driftline"],
  async run(context, [directory]) {
    const { dataDirectory } = context.config;
    const from = resolve(directory);
    const report = await writeOut("--data-dir", dataDirectory, () =>
      restoreCatalogue(from, dataDirectory, copyProgress(context, "restore")),
    );
    return outcomeOf(context, report, `Restored ${from} to ${dataDirectory}`);
  },
});
