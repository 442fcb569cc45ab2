// driftline lock: the bundles of a campaign, fixed in a file.

import { resolve as resolvePath } from "node:path";
import type { LockRequest } from "@driftline/client/campaigns";
import type { Lock } from "@driftline/client/lock/lock";
import { z } from "zod";
import { DriftlineError, fail } from "../../errors/registry.ts";
import { type CommandContext, defineCommand } from "../command.ts";
import { counted } from "../counted.ts";
import { followJob, throwUnlessPublished } from "../follow.ts";
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
    const request: LockRequest = { tag: tag!, families: options.family ?? [], accept };
    const made = await (options.make ? lockMaking(context, request) : lockOnly(context, request));
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

async function lockOnly(context: CommandContext, request: LockRequest): Promise<Lock> {
  return (await context.driftline()).campaigns.lock(request);
}

/** Has what is missing made, one after another, and locks then. */
async function lockMaking(context: CommandContext, request: LockRequest): Promise<Lock> {
  try {
    return await lockOnly(context, request);
  } catch (error) {
    if (!(error instanceof DriftlineError) || error.code !== "no_model") throw error;
    const missing = missingModels.safeParse(error.data);
    if (!missing.success) throw error;
    for (const each of missing.data.missing) await make(context, each);
  }
  return lockOnly(context, request);
}

const texts = z.record(z.string(), z.string());
const missingModels = z.object({
  missing: z.array(z.object({ family: z.string(), key: z.string(), conditions: texts, software: texts })),
});

async function make(
  context: CommandContext,
  { family, key, conditions, software }: z.infer<typeof missingModels>["missing"][number],
): Promise<void> {
  const driftline = await context.driftline();
  const { job } = await driftline.ensure(family, { conditions, software });
  if (job === null) return;
  context.progress.note(`Job ${job.id} for ${key.slice(0, 19)}…`);
  const executor = context.config.url === null ? (await context.platform()).runJobs(job.id) : null;
  try {
    throwUnlessPublished(await followJob(driftline, job.id, context.progress, context.signal));
  } finally {
    await executor?.close();
  }
}
