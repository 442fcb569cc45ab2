// driftline pull: a bundle as a directory, every file checked against its digest.

import { resolve as resolvePath } from "node:path";
import { pull as pullBundle } from "@driftline/client/pull";
import { defineCommand } from "../command.ts";
import { findBundle } from "../findBundle.ts";
import { questionOptions } from "../question.ts";
import { writeOut } from "../writeOut.ts";

export const pull = defineCommand({
  name: "pull",
  summary: "Write a bundle to a directory: by the conditions of a family, or by digest.",
  positionals: ["FAMILY_OR_BUNDLE"],
  options: {
    ...questionOptions,
    out: { type: "string", value: "DIR", description: "Directory to write (default: ./FAMILY-DIGEST)" },
  },
  examples: ["driftline pull mpd.tpc --at drift_velocity=5.50cm/us --out nominal-model"],
  async run(context, [name], options) {
    const driftline = await context.driftline();
    const { model, match, distance } = await findBundle(driftline, name, options);
    const directory = resolvePath(options.out ?? `${model.family}-${model.bundle.slice(0, 12)}`);
    await writeOut("--out", directory, () => pullBundle(driftline, model.bundle, directory));
    return {
      json: { bundle: model.bundle, match, distance, directory },
      text: `Pulled ${model.bundle.slice(0, 16)} (${match}) to ${directory}; all digests match.`,
    };
  },
});
