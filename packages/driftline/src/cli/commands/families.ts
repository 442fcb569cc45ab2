// driftline families: the families that are known here, or one of them in full.

import type { FamilySummary } from "@driftline/client/api";
import { fail } from "../../errors/registry.ts";
import { nearestName } from "../../family/nearestName.ts";
import { defineCommand } from "../command.ts";
import { table } from "../table.ts";

export const families = defineCommand({
  name: "families",
  summary: "List the families of models, or show the conditions, software and inputs of one.",
  positionals: ["FAMILY?"],
  options: {},
  examples: ["driftline families mpd.tpc"],
  async run(context, [name]) {
    const all = await (await context.driftline()).families();
    if (name === undefined) {
      return {
        json: all,
        text: table(
          ["family", "version", "models", ""],
          all.map((family) => [family.name, String(family.version), String(family.models), family.title]),
        ),
      };
    }
    const family = all.find((each) => each.name === name);
    if (!family) {
      const names = all.map((each) => each.name);
      throw fail("unknown_family", `There is no family ${JSON.stringify(name)}.`, {
        field: "FAMILY",
        remedy: `Did you mean ${nearestName(name, names) ?? names.join(", ")}?`,
      });
    }
    return { json: family, text: describeFamily(family) };
  },
});

function describeFamily(family: FamilySummary): string {
  const conditions = family.conditions.map((condition) => [
    `  ${condition.name}`,
    `${condition.nominal ?? "(must be given)"}${condition.unit ? ` ${condition.unit}` : ""}`,
    condition.tolerance ? `± ${condition.tolerance}` : "",
    condition.minimum === null
      ? (condition.values?.join(", ") ?? "any label")
      : `${condition.minimum} to ${condition.maximum}`,
    condition.description,
  ]);
  return [
    `${family.name}, version ${family.version}: ${family.title}`,
    family.description.trim(),
    "",
    table(["Conditions", "nominal", "tolerance", "allowed", ""], conditions),
    "",
    table(
      ["Software", "nominal", ""],
      family.software.map(({ name, nominal, description }) => [
        `  ${name}`,
        nominal ?? "(must be given)",
        description,
      ]),
    ),
    "",
    table(
      ["Inputs", "domain", "unit", ""],
      family.inputs.map(({ name, low, high, unit, description }) => [
        `  ${name}`,
        `${low} to ${high}`,
        unit,
        description,
      ]),
    ),
    "",
    `Output  ${family.output.name}, ${family.output.shape.join(" × ")}, ${family.output.unit}`,
    `Models  ${family.models}`,
  ].join("\n");
}
