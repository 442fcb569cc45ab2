// driftline lock: the bundles of a campaign, fixed in a file.

import { resolve as resolvePath } from "node:path";
import { fail } from "../../errors/registry.ts";
import type { Question } from "../../family/family.ts";
import { makeLock } from "../../lifecycle/campaigns.ts";
import { type CommandContext, defineCommand } from "../command.ts";
import { counted } from "../counted.ts";
import { followJob, throwUnlessPublished } from "../follow.ts";
import { localPlatform } from "../localPlatform.ts";
import { replaceFile, writeOut } from "../writeOut.ts";

export const lock = defineCommand({
  name: "lock",
  summary:
    "Fix which bundle each run of a tag uses, in a file; refuses where a model is missing (exit code 4).",
  positionals: [],
  options: {
    tag: { type: "string", value: "TAG", description: "Tag to lock" },
    out: { type: "string", value: "FILE", description: "Lock file to write" },
    family: {
      type: "string",
      multiple: true,
      value: "FAMILY",
      description: "Families to lock (default: the one that has the table's conditions)",
    },
    accept: {
      type: "string",
      value: "exact|compatible",
      description: "compatible: also a model whose measured domain covers the conditions",
    },
    make: { type: "boolean", description: "Make the models that are missing, one after another" },
  },
  examples: [
    "driftline lock --tag mc2026 --out campaign.lock",
    "driftline lock --tag mc2026 --make --out campaign.lock",
  ],
  async run(context, _words, options) {
    const { tag, out, accept = "exact" } = options;
    for (const [name, given] of Object.entries({ "--tag": tag, "--out": out })) {
      if (given !== undefined) continue;
      throw fail("usage", `driftline lock: ${name} is missing.`, {
        field: name,
        remedy: "Such as `driftline lock --tag mc2026 --out campaign.lock`.",
      });
    }
    if (accept !== "exact" && accept !== "compatible") {
      throw fail("usage", `--accept ${accept}: there is no such way to resolve.`, {
        field: "--accept",
        remedy: "Use --accept exact or --accept compatible.",
      });
    }
    const path = resolvePath(out!);
    const platform = await localPlatform(context, "lock");
    const made = await makeLock(platform, {
      tag: tag!,
      families: options.family ?? [],
      accept,
      make: options.make ? makerOf(context) : null,
      onProgress: (done, total) =>
        context.progress.update("lock", done / total, null, `${done} of ${total} ranges`),
    });
    context.progress.clear();
    await writeOut("--out", path, () => replaceFile(path, `${JSON.stringify(made, null, 1)}\n`));
    const bundles = new Set(made.ranges.map(({ bundle }) => bundle)).size;
    return {
      json: {
        digest: made.digest,
        tag: made.tag,
        runs: made.runs,
        ranges: made.ranges.length,
        bundles,
        path,
      },
      text: `Locked tag ${made.tag}: ${counted(made.ranges.length, "range")} ${made.ranges.length === 1 ? "uses" : "use"} ${counted(bundles, "bundle")}, written to ${path}\n  lock ${made.digest}`,
    };
  },
});

function makerOf(context: CommandContext) {
  return async ({ family, key, conditions, software }: Question): Promise<void> => {
    const platform = await localPlatform(context, "lock");
    const { job } = await platform.ensure(family, { conditions, software });
    if (job === null) return;
    context.progress.note(`Job ${job.id} for ${key.slice(0, 19)}…`);
    const executor = platform.runJobs(job.id);
    try {
      throwUnlessPublished(await followJob(platform, job.id, context.progress, context.signal));
    } finally {
      await executor.close();
    }
  };
}
