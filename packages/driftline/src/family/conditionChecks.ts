// What no schema can say about one condition or software component: numbers on the grid, known units, sound words.

import {
  compare,
  type Decimal,
  formatDecimal,
  isMultiple,
  maxDigits,
  parseDecimal,
} from "@driftline/client/question/decimal";
import { normalise, softwareParser } from "@driftline/client/question/label";
import { isUnit } from "@driftline/client/question/units";
import type { z } from "zod";
import type { FieldPath } from "./familyYaml.ts";
import type { labelCondition } from "./schema.ts";
import type { Finding } from "./schemaProblems.ts";

/** A scalar as it is written in the file. */
export type SourceOf = (path: FieldPath) => string | null;
/** Takes a problem; `name` where the name of the field is wrong, not its value. */
export type Report = (path: Finding["path"], message: string, remedy: string, name?: boolean) => void;

const decimalFields = ["nominal", "grid", "tolerance", "minimum", "maximum"] as const;

export function checkQuantity(
  path: Finding["path"],
  condition: Record<string, unknown>,
  sourceOf: SourceOf,
  report: Report,
): void {
  if (typeof condition.unit === "string") checkUnit([...path, "unit"], condition.unit, report);
  const values: Partial<Record<(typeof decimalFields)[number], Decimal>> = {};
  for (const field of decimalFields) {
    // What is neither a text nor a number is for the schema to refuse.
    if (typeof condition[field] !== "string" && !Number.isFinite(condition[field])) continue;
    const text = sourceOf([...path, field]) ?? "";
    const value = parseDecimal(text);
    if (value) values[field] = value;
    else
      report(
        [...path, field],
        `is ${JSON.stringify(text.slice(0, 60))}, no decimal number`,
        `Write a number in ${condition.unit}, without the unit.`,
      );
  }
  const { grid, tolerance, minimum, maximum, nominal } = values;
  const zero = { digits: 0n, exponent: 0 };
  if (tolerance && compare(tolerance, zero) < 0)
    report([...path, "tolerance"], "is negative", "Write 0 for none.");
  if (minimum && maximum && compare(minimum, maximum) > 0) {
    report([...path, "minimum"], "is above maximum", "Exchange the two.");
  }
  if (nominal && ((minimum && compare(nominal, minimum) < 0) || (maximum && compare(nominal, maximum) > 0))) {
    report(
      [...path, "nominal"],
      "is outside the allowed range",
      `Choose one from ${condition.minimum} to ${condition.maximum}.`,
    );
  }
  if (!grid) return;
  if (compare(grid, zero) <= 0) {
    report([...path, "grid"], "is not above zero", "Write the step to which values are rounded.");
    return;
  }
  for (const field of ["nominal", "tolerance", "minimum", "maximum"] as const) {
    const value = values[field];
    if (value && formatDecimal(value).length + formatDecimal(grid).length > maxDigits) {
      report(
        [...path, field],
        "has too many digits for this grid",
        "Choose a coarser grid or a smaller range.",
      );
    }
    if (value && !isMultiple(value, grid)) {
      report(
        [...path, field],
        "is not a multiple of grid",
        `Choose a multiple of ${condition.grid}, or a finer grid.`,
      );
    }
  }
}

export function checkLabel(
  path: Finding["path"],
  label: z.output<typeof labelCondition>,
  report: Report,
): void {
  const words = new Set<string>();
  for (const [i, value] of (label.values ?? []).entries()) {
    const result = normalise(value);
    if ("problem" in result) report([...path, "values", i], result.problem, "Change the word.");
    else if (words.has(result.word))
      report([...path, "values", i], "is there twice", "Remove one of the two.");
    else words.add(result.word);
  }
  if (label.nominal === undefined || label.nominal === null) return;
  const nominal = normalise(label.nominal);
  if ("problem" in nominal) report([...path, "nominal"], nominal.problem, "Change the word.");
  else if (label.values && !words.has(nominal.word)) {
    report([...path, "nominal"], "is not among values", `Choose one of ${[...words].join(", ")}, or add it.`);
  }
}

export function checkSoftware(name: string, nominal: string | null, report: Report): void {
  if (nominal === null) return;
  try {
    softwareParser({ name, description: "", nominal: null })(nominal);
  } catch {
    report(
      ["software", name, "nominal"],
      `is ${JSON.stringify(nominal)}`,
      "Write name/version, without spaces.",
    );
  }
}

export function checkUnit(path: Finding["path"], unit: string, report: Report): void {
  if (isUnit(unit)) return;
  report(
    path,
    `is ${JSON.stringify(unit)}, no known unit`,
    'Write SI symbols with prefixes joined by *, /, ^ and sqrt(), ADC, bin, pad, or "1" for none.',
  );
}
