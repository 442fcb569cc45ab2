// driftline snapshot: the catalogue as a directory of plain files, for machines without a server.

import { resolve as resolvePath } from "node:path";
import { fail } from "../../errors/registry.ts";
import { publishSnapshotOf } from "../../lifecycle/snapshot.ts";
import { defineCommand } from "../command.ts";
import { counted } from "../counted.ts";
import { localPlatform } from "../localPlatform.ts";
import { integer } from "../numbers.ts";
import { writeOut } from "../writeOut.ts";

export const snapshot = defineCommand({
  name: "snapshot",
  summary: "Publish the models that serve as a directory that needs no server, such as on CVMFS.",
  positionals: [],
  options: {
    out: {
      type: "string",
      value: "DIR",
      description: "Directory; an earlier snapshot there is replaced at once",
    },
    family: { type: "string", multiple: true, value: "FAMILY", description: "Only this family" },
    tag: {
      type: "string",
      multiple: true,
      value: "TAG",
      description: "Also this tag: its table of runs, its locks and all bundles that they name",
    },
    mend: {
      type: "boolean",
      description: "Look at every byte that is there, and write again what is missing or damaged",
    },
    prune: {
      type: "string",
      value: "N",
      description:
        "Then remove what neither this snapshot nor the N before it need (default: remove nothing)",
    },
  },
  examples: ["driftline snapshot --out /cvmfs/experiment.org/models --tag mc2026 --prune 2"],
  async run(context, _words, options) {
    if (options.out === undefined) {
      throw fail("usage", "driftline snapshot: where to publish is not given.", {
        field: "--out",
        remedy: "Add --out DIRECTORY.",
      });
    }
    const keep = integer("--prune", options.prune) ?? null;
    const directory = resolvePath(options.out);
    const platform = await localPlatform(context, "snapshot");
    const report = await writeOut("--out", directory, () =>
      publishSnapshotOf(platform, {
        directory,
        families: options.family ?? [],
        tags: options.tag ?? [],
        keep,
        mend: options.mend ?? false,
        onProgress: (done, total) =>
          context.progress.update("snapshot", done / total, null, `${done} of ${total} models`),
      }),
    );
    context.progress.clear();
    const { digest, changed, models, written, pruned } = report;
    const lines = [
      changed
        ? `Published ${counted(models, "model")} to ${directory}: ${counted(written.blobs, "blob")} written, ${megabytes(written.bytes)}.`
        : `Nothing has changed: ${counted(models, "model")} in ${directory}.`,
      `  snapshot ${digest}`,
    ];
    if (pruned) {
      const { removed, bytes, kept } = pruned;
      lines.push(
        `  ${counted(removed, "blob")} removed, ${megabytes(bytes)}; ${counted(kept, "earlier snapshot")} kept`,
      );
    }
    return { json: { ...report, directory }, text: lines.join("\n") };
  },
});

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
