// Turns what someone asked of a family into a canonical question: checked values, canonical JSON and the condition key.

import { hash } from "node:crypto";
import { DriftlineError } from "../error.ts";
import type { AskedFamily, Condition, ConditionValues, Question, SoftwareVersions } from "./family.ts";
import { formatKey } from "./key.ts";
import { labelParser, softwareParser } from "./label.ts";
import { nearestName } from "./nearestName.ts";
import { quantityParser, toleranceDistance } from "./quantity.ts";

export interface Given {
  /** Condition to a quantity with a unit, a number in the declared unit, or a label. */
  conditions?: Record<string, unknown>;
  /** Component to `name/version`. */
  software?: Record<string, unknown>;
}

interface Field {
  name: string;
  nominal: string | null;
  parse: (given: unknown) => string;
}

interface CompiledFamily {
  conditions: Field[];
  software: Field[];
  /** Names in the order of the canonical form. */
  sortedConditions: string[];
  sortedSoftware: string[];
}

const compiled = new WeakMap<AskedFamily, CompiledFamily>();

/**
 * Checks and completes a question. What is not given takes the nominal value and is named in `defaulted`. Throws
 * `unknown_condition`, `missing_condition`, `invalid_quantity`, `wrong_unit`, `out_of_range`, `invalid_label` or
 * `invalid_software`; each names the field, what was given and what is allowed.
 */
export function canonicalQuestion(family: AskedFamily, given: Given): Question {
  const { conditions: conditionFields, software: softwareFields, ...order } = compile(family);
  const askedConditions = given.conditions ?? {};
  const askedSoftware = given.software ?? {};
  const defaulted: string[] = [];

  const unknown = unknownName(askedConditions, conditionFields);
  if (unknown !== null) throw unknownCondition(family, unknown);
  const conditions: ConditionValues = {};
  for (const field of conditionFields) {
    conditions[field.name] =
      givenOrNominal(field, askedConditions, defaulted) ?? missingCondition(family, field.name);
  }

  const unknownComponent = unknownName(askedSoftware, softwareFields);
  if (unknownComponent !== null) throw unknownSoftware(family, unknownComponent);
  const software: SoftwareVersions = {};
  for (const field of softwareFields) {
    software[field.name] =
      givenOrNominal(field, askedSoftware, defaulted) ?? missingSoftware(family, field.name);
  }

  // RFC 8785: members sorted, no white space, strings as JSON.stringify writes them. Names are ASCII.
  const canonical =
    `{"conditions":${canonicalObject(conditions, order.sortedConditions)},"family":${JSON.stringify(family.name)},` +
    `"familyVersion":${family.version},"scheme":"driftline-key/1",` +
    `"software":${canonicalObject(software, order.sortedSoftware)}}`;
  return {
    family: family.name,
    familyVersion: family.version,
    conditions,
    software,
    defaulted,
    canonical,
    key: formatKey(hash("sha256", canonical)),
  };
}

export interface ConditionDifference {
  name: string;
  /** Null for a label. */
  unit: string | null;
  asked: string;
  has: string;
  /** |asked - has| in tolerances (Infinity where the tolerance is zero and they differ); null for a label. */
  distance: number | null;
}

/** Compares two sets of canonical values, condition by condition, in the family's order; equal ones too. */
export function conditionDifferences(
  family: AskedFamily,
  asked: ConditionValues,
  has: ConditionValues,
): ConditionDifference[] {
  return family.conditions.map((condition) => {
    const { name } = condition;
    const label = condition.kind === "label";
    return {
      name,
      unit: label ? null : condition.unit,
      asked: asked[name],
      has: has[name],
      distance: label ? null : toleranceDistance(condition, asked[name], has[name]),
    };
  });
}

function compile(family: AskedFamily): CompiledFamily {
  const known = compiled.get(family);
  if (known) return known;
  const made: CompiledFamily = {
    conditions: family.conditions.map((condition) => ({ ...condition, parse: conditionParser(condition) })),
    software: family.software.map((component) => ({ ...component, parse: softwareParser(component) })),
    sortedConditions: family.conditions.map(({ name }) => name).sort(),
    sortedSoftware: family.software.map(({ name }) => name).sort(),
  };
  compiled.set(family, made);
  return made;
}

function conditionParser(condition: Condition): (given: unknown) => string {
  return condition.kind === "label" ? labelParser(condition) : remembering(quantityParser(condition));
}

/** The same texts are asked again and again: exact arithmetic on them is the larger part of making a key. */
function remembering(parse: (given: unknown) => string): (given: unknown) => string {
  const known = new Map<string, string>();
  return (given) => {
    if (typeof given !== "string" || given.length > 40) return parse(given);
    let value = known.get(given);
    if (value === undefined) {
      value = parse(given);
      if (known.size >= 500) known.clear();
      known.set(given, value);
    }
    return value;
  };
}

function unknownName(given: Record<string, unknown>, fields: Field[]): string | null {
  return Object.keys(given).find((name) => !fields.some((field) => field.name === name)) ?? null;
}

function givenOrNominal(field: Field, given: Record<string, unknown>, defaulted: string[]): string | null {
  if (Object.hasOwn(given, field.name) && given[field.name] !== undefined)
    return field.parse(given[field.name]);
  defaulted.push(field.name);
  return field.nominal;
}

function canonicalObject(values: Record<string, string>, names: string[]): string {
  let members = "";
  for (const name of names)
    members += `${members === "" ? "" : ","}"${name}":${JSON.stringify(values[name])}`;
  return `{${members}}`;
}

function unknownCondition(family: AskedFamily, name: string): Error {
  const names = family.conditions.map((condition) => condition.name);
  const shown = name.slice(0, 80);
  const input = family.inputs.some((feature) => feature.name === name)
    ? "It is an input of the model, which may vary from row to row. "
    : "";
  return new DriftlineError(
    "unknown_condition",
    `AskedFamily ${family.name} has no condition ${JSON.stringify(shown)}.`,
    {
      field: `conditions.${shown}`,
      remedy: `${input}${didYouMean(name, names)}Conditions: ${names.join(", ")}.`,
    },
  );
}

function missingCondition(family: AskedFamily, name: string): never {
  throw new DriftlineError(
    "missing_condition",
    `Condition ${name} of ${family.name} was not given and has no nominal value.`,
    {
      field: `conditions.${name}`,
      remedy: `Give ${name}; \`driftline families ${family.name}\` says what it is.`,
    },
  );
}

function unknownSoftware(family: AskedFamily, name: string): Error {
  const names = family.software.map((component) => component.name);
  const shown = name.slice(0, 80);
  return new DriftlineError(
    "invalid_software",
    `AskedFamily ${family.name} has no software component ${JSON.stringify(shown)}.`,
    {
      field: `software.${shown}`,
      remedy: `${didYouMean(name, names)}Software: ${names.join(", ") || "none"}.`,
    },
  );
}

function missingSoftware(family: AskedFamily, name: string): never {
  throw new DriftlineError(
    "invalid_software",
    `Software ${name} of ${family.name} was not given and has no nominal version.`,
    {
      field: `software.${name}`,
      remedy: `Give ${name} as name/version.`,
    },
  );
}

function didYouMean(name: string, names: string[]): string {
  const nearest = nearestName(name, names);
  return nearest ? `Did you mean ${nearest}? ` : "";
}
