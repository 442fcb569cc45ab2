// driftline models: what the catalogue holds.

import { defineCommand } from "../command.ts";
import { limitOption, newest } from "../newest.ts";
import { table } from "../table.ts";

export const models = defineCommand({
  name: "models",
  summary: "List the models of the catalogue, or show one by digest (a unique prefix of 8 digits does).",
  positionals: ["BUNDLE?"],
  options: {
    family: { type: "string", value: "FAMILY", description: "Only this family" },
    limit: limitOption,
  },
  examples: ["driftline models --family mpd.tpc"],
  async run(context, [digest], options) {
    const driftline = await context.driftline();
    if (digest !== undefined) {
      const model = await driftline.model(digest);
      const manifest: unknown = JSON.parse(new TextDecoder().decode(await driftline.manifest(model.bundle)));
      return { json: { ...model, manifest }, text: JSON.stringify(manifest, null, 2) };
    }
    const { family } = options;
    const all = await newest(driftline.models(family === undefined ? {} : { family }), options.limit);
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
  },
});
