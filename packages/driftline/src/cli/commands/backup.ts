// driftline backup: a copy of the catalogue of this moment, while it is in use.

import { resolve } from "node:path";
import { backupCatalogue, type CopyReport } from "../../catalogue/care/backup.ts";
import { type CommandContext, defineCommand, type Outcome } from "../command.ts";
import { counted } from "../counted.ts";
import { writeOut } from "../writeOut.ts";

export const backup = defineCommand({
  name: "backup",
  summary:
    "Copy the catalogue, which may be in use, to a directory; an earlier backup there is brought up to date.",
  positionals: ["DIRECTORY"],
  options: {},
  examples: ["driftline backup /mnt/backup/driftline"],
  async run(context, [directory]) {
    const { dataDirectory } = context.config;
    const target = resolve(directory);
    const report = await writeOut("DIRECTORY", target, () =>
      backupCatalogue(dataDirectory, target, copyProgress(context, "backup")),
    );
    return outcomeOf(context, report, `Backed up ${dataDirectory} to ${target}`);
  },
});

export function copyProgress(context: CommandContext, label: string) {
  return ({ done, total, bytes }: { done: number; total: number; bytes: number }) =>
    context.progress.update(label, done / total, null, `${done} of ${total} bundles, ${megabytes(bytes)}`);
}

/** Exit code 5 where something could not be copied. */
export function outcomeOf(context: CommandContext, report: CopyReport, what: string): Outcome {
  context.progress.clear();
  const { bundles, blobs, copiedBytes, damaged } = report;
  const lines = [
    `${what}: ${counted(bundles, "bundle")}, ${counted(blobs, "blob")}, ${megabytes(copiedBytes)} copied.`,
  ];
  if (damaged.length > 0) {
    lines.push(`${damaged.length} could not be copied:`, ...damaged.map((line) => `  ${line}`));
    lines.push("`driftline doctor --repair` sets damaged content aside.");
  }
  return { json: report, text: lines.join("\n"), exit: damaged.length > 0 ? 5 : 0 };
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
