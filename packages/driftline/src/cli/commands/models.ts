// driftline models: what the catalogue holds; retiring a bundle, and recalling what was made with it.

import type { Driftline } from "@driftline/client/api";
import type { Campaigns } from "@driftline/client/campaigns";
import { fail } from "../../errors/registry.ts";
import { defineCommand, type Outcome } from "../command.ts";
import { counted } from "../counted.ts";
import { limitOption, newest } from "../newest.ts";
import { table } from "../table.ts";
import { samplesTable } from "./samples.ts";

export const models = defineCommand({
  name: "models",
  summary:
    "List models, show one by digest, retire one for good (retire BUNDLE --reason …), or list what used it (recall BUNDLE).",
  positionals: ["BUNDLE_OR_ACTION?", "BUNDLE?"],
  options: {
    family: { type: "string", value: "FAMILY", description: "Only this family" },
    limit: limitOption,
    reason: { type: "string", value: "TEXT", description: "Why it is retired" },
  },
  examples: [
    "driftline models --family mpd.tpc",
    'driftline models retire 5d41402abc4b --reason "gain map was wrong"',
    "driftline models recall 5d41402abc4b",
  ],
  async run(context, [word, bundle], options) {
    const action = word === "retire" || word === "recall" || bundle !== undefined ? word : null;
    if (options.reason !== undefined && action !== "retire") {
      throw wrong("--reason", "--reason is for retire", "Leave it out.");
    }
    if (action !== null) {
      if (action !== "retire" && action !== "recall") {
        throw wrong(
          "BUNDLE_OR_ACTION",
          `there is no action ${JSON.stringify(action)}`,
          "Use retire or recall.",
        );
      }
      if (bundle === undefined)
        throw wrong("BUNDLE", `${action}: BUNDLE is missing`, "Name a bundle by its digest.");
      const { reason } = options;
      if (action === "recall") return recall((await context.driftline()).campaigns, bundle);
      if (reason === undefined || reason.trim() === "") {
        throw wrong(
          "--reason",
          "retire: --reason is missing",
          'Say why, such as --reason "gain map was wrong".',
        );
      }
      return retire((await context.driftline()).campaigns, bundle, reason.trim());
    }
    const driftline = await context.driftline();
    return word === undefined ? list(driftline, options) : show(driftline, word);
  },
});

async function show(driftline: Driftline, digest: string): Promise<Outcome> {
  const model = await driftline.model(digest);
  const manifest: unknown = JSON.parse(new TextDecoder().decode(await driftline.manifest(model.bundle)));
  return { json: { ...model, manifest }, text: JSON.stringify(manifest, null, 2) };
}

async function list(
  driftline: Driftline,
  { family, limit }: { family?: string; limit?: string },
): Promise<Outcome> {
  const all = await newest(driftline.models(family === undefined ? {} : { family }), limit);
  if (all.length === 0) {
    return { json: all, text: "No models yet. `driftline ensure FAMILY --wait` makes one." };
  }
  return {
    json: all,
    text: table(
      ["bundle", "family", "key", "made from", "made", ""],
      all.map((model) => [
        model.bundle.slice(0, 16),
        model.family,
        model.key.slice(0, 19),
        model.dataSource,
        model.createdAt.slice(0, 19),
        model.serving ? "serves its key" : "",
      ]),
    ),
  };
}

async function retire(campaigns: Campaigns, bundle: string, reason: string): Promise<Outcome> {
  const model = await campaigns.retire(bundle, reason);
  const used = `${counted(model.locks, "lock")} and ${counted(model.samples, "sample")} used it`;
  return {
    json: model,
    text: `Retired ${model.bundle}: it serves no key again, and can be pulled by its digest.\n  ${used}${
      model.locks + model.samples > 0 ? `: driftline models recall ${model.bundle.slice(0, 12)}` : "."
    }`,
  };
}

async function recall(campaigns: Campaigns, prefix: string): Promise<Outcome> {
  const { bundle, retired, locks, samples } = await campaigns.recall(prefix);
  const lines = [
    `Bundle ${bundle}${retired === null ? "" : `, retired: ${retired}`}`,
    "",
    locks.length === 0
      ? "No lock names it."
      : table(
          ["lock", "tag", "made"],
          locks.map(({ digest, tag, createdAt }) => [digest, tag, createdAt.slice(0, 19)]),
        ),
    "",
    samples.length === 0 ? "No registered sample was made with it." : samplesTable(samples).text,
  ];
  return { json: { bundle, retired, locks, samples }, text: lines.join("\n") };
}

function wrong(field: string, what: string, remedy: string) {
  return fail("usage", `driftline models: ${what}.`, { field, remedy });
}
