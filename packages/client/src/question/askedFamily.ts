// A family as a catalogue describes it to its clients, made what a question is asked of.

import type { FamilySummary } from "../api.ts";
import type { AskedFamily, Condition } from "./family.ts";

export type DescribedFamily = Pick<FamilySummary, "name" | "version" | "conditions" | "software" | "inputs">;

export function askedFamily({ name, version, conditions, software, inputs }: DescribedFamily): AskedFamily {
  return { name, version, software, inputs, conditions: conditions.map(conditionOf) };
}

function conditionOf(described: DescribedFamily["conditions"][number]): Condition {
  const { name, description, unit, nominal, grid, tolerance, minimum, maximum, values } = described;
  // What a label has none of a quantity always has.
  if (unit === null || grid === null || tolerance === null || minimum === null || maximum === null) {
    return { kind: "label", name, description, values, nominal };
  }
  return { kind: "quantity", name, description, unit, nominal, grid, tolerance, minimum, maximum };
}
