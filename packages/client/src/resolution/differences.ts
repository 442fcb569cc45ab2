// Condition by condition, where a question and a model differ, and whether that fits, in words.

import type { Difference, Model } from "../api.ts";
import { parseDecimal } from "../question/decimal.ts";
import type { AskedFamily, QuantityCondition, Question } from "../question/family.ts";
import { toleranceDistance } from "../question/quantity.ts";
import { inSteps, onGrid, tolerances } from "./gridSteps.ts";
import type { Boxes } from "./search.ts";

/** Conditions and software that differ, in the family's order; equal ones are left out. */
export function differences(
  question: Question,
  family: Pick<AskedFamily, "conditions">,
  model: Pick<Model, "conditions" | "software">,
  domain: { conditions: Boxes },
): Difference[] {
  const found: Difference[] = [];
  for (const condition of family.conditions) {
    const { name } = condition;
    const asked = question.conditions[name];
    const has = model.conditions[name];
    if (asked === has) continue;
    if (condition.kind === "label") {
      found.push(fixedDifference(name, asked, has ?? "none", "a label must be the same"));
    } else if (parseDecimal(has ?? "") === null) {
      // A bundle made elsewhere can state anything under a key of its own.
      found.push(fixedDifference(name, asked, has ?? "none", "the model does not state a number"));
    } else {
      found.push(quantityDifference(condition, asked, has, domain.conditions[name]));
    }
  }
  for (const name of new Set([...Object.keys(question.software), ...Object.keys(model.software)])) {
    const asked = question.software[name] ?? "none";
    const has = model.software[name] ?? "none";
    if (asked !== has) found.push(fixedDifference(name, asked, has, "software must be the same"));
  }
  return found;
}

function quantityDifference(
  condition: QuantityCondition,
  asked: string,
  has: string,
  range: Boxes[string] | undefined,
): Difference {
  const { name, unit } = condition;
  const grid = Number(condition.grid);
  const steps = inSteps(Number(asked), grid);
  const low = range?.low ?? Number(has);
  const high = range?.high ?? Number(has);
  const fits = steps >= inSteps(low, grid) && steps <= inSteps(high, grid);
  const apart = toleranceDistance(condition, asked, has);
  // A condition without tolerance; JSON has no infinity.
  const distance = Number.isFinite(apart) ? apart : null;
  const away = distance === null ? "the family allows no tolerance" : `${tolerances(distance)} away`;
  const shown = (value: number | string) => onGrid(value, condition.grid);
  const box = `${shown(low)} to ${shown(high)}`;
  const where = fits
    ? `inside its measured domain, ${box}`
    : low === high
      ? "it was tested at its own value alone"
      : `its measured domain is ${box}`;
  return {
    name,
    asked,
    has,
    unit,
    distance,
    domain: { low, high },
    fits,
    reason: `${name}: asked ${shown(asked)} ${unit}, model ${shown(has)}, ${away}; ${where}`,
  };
}

function fixedDifference(name: string, asked: string, has: string, rule: string): Difference {
  const reason = `${name}: asked ${asked}, model ${has}; ${rule}`;
  return { name, asked, has, unit: null, distance: null, domain: null, fits: false, reason };
}
