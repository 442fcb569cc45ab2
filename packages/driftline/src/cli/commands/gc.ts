// driftline gc: removes data sets and results of stages that no model holds and nobody used for a while.

import { defineCommand } from "../command.ts";
import { counted } from "../counted.ts";
import { integer } from "../numbers.ts";

const dayMs = 24 * 3600 * 1000;

export const gc = defineCommand({
  name: "gc",
  summary: "Remove data sets and results of stages that no model holds and no job used for some days.",
  positionals: [],
  options: {
    "keep-days": {
      type: "string",
      value: "DAYS",
      description: "Days since the last use (setting limits.keepDays)",
    },
    "dry-run": { type: "boolean", description: "Only say what would go" },
  },
  examples: ["driftline gc --dry-run", "driftline gc --keep-days 7"],
  async run(context, _words, options) {
    const { opened, config } = await context.platform();
    const days = integer("--keep-days", options["keep-days"], { minimum: 1 }) ?? config.limits.keepDays;
    const rehearse = options["dry-run"] === true;
    const report = await opened.catalogue.collectUnused(Date.now() - days * dayMs, {
      rehearse,
      candidates: await opened.store.candidates(),
    });
    const { removed, bytes, recent } = report;
    const size = `${(bytes / 1e6).toFixed(1)} MB`;
    return {
      json: { ...report, days, rehearsed: rehearse },
      text:
        `${rehearse ? "Would remove" : "Removed"} ${counted(removed, "blob")}, ${size}, unused for ${counted(days, "day")}; ` +
        `${recent} of no model were used since. Models stay, withdrawn ones too.`,
    };
  },
});
