// What a schema finds wrong with a YAML file, in words: one problem for each field, with what may stand there.

import type { z } from "zod";
import { nearestName } from "./nearestName.ts";
import { quoted } from "./quantity.ts";
import { familyFile, labelCondition, quantityCondition } from "./schema.ts";

export interface Finding {
  path: (string | number)[];
  message: string;
  remedy: string;
  /** True where the name of the field is wrong, not its value. */
  name?: boolean;
}

type Schema = z.core.$ZodType;
type Issue = z.core.$ZodIssue;

/** Everything that the schema refuses in the plain data of a family.yaml. */
export function schemaProblems(data: unknown): Finding[] {
  return findings(familyFile, data);
}

/** Everything that a schema refuses in plain data, as fields below `at`. */
export function findings(
  schema: Schema & { safeParse: z.ZodType["safeParse"] },
  data: unknown,
  at: Finding["path"] = [],
): Finding[] {
  const issues = schema.safeParse(data).error?.issues ?? [];
  return issues.flatMap((issue) => {
    const path = issue.path as Finding["path"];
    const value = valueAt(data, path);
    if (issue.code === "invalid_union" && path[0] === "conditions" && path.length === 2 && at.length === 0) {
      return findings(conditionSchema(value), value, path);
    }
    return describe(issue, schema, value).map((finding) => ({
      ...finding,
      path: [...at, ...path, ...finding.path],
    }));
  });
}

/** A condition with any field of a quantity is meant as one; messages about both kinds at once help nobody. */
export function conditionSchema(value: unknown): typeof quantityCondition | typeof labelCondition {
  const fields = typeof value === "object" && value !== null ? Object.keys(value) : [];
  const quantityFields = Object.keys(quantityCondition.shape).filter(
    (name) => !(name in labelCondition.shape),
  );
  return fields.some((name) => quantityFields.includes(name)) ? quantityCondition : labelCondition;
}

function describe(issue: Issue, schema: Schema, value: unknown): Finding[] {
  const one = (message: string, remedy: string, name = false) => [{ path: [], message, remedy, name }];
  const about = schemaAt(schema, issue.path)?._zod.def;
  switch (issue.code) {
    case "unrecognized_keys": {
      const known = about?.type === "object" ? Object.keys((about as z.core.$ZodObjectDef).shape) : [];
      return issue.keys.map((key) => {
        const nearest = nearestName(key, known);
        const remedy = `${nearest ? `Did you mean ${nearest}? ` : ""}Fields here: ${known.join(", ")}.`;
        return { path: [key], message: "is not a field", remedy, name: true };
      });
    }
    case "invalid_key":
      return one(issue.issues.map(({ message }) => message).join("; "), "Rename it.", true);
    case "invalid_type":
      return value === undefined
        ? one("is missing", `Add it: ${expected(issue.expected)}.`)
        : one(`is ${shown(value)}`, `Write ${expected(issue.expected)}${quotes(issue.expected, value)}.`);
    case "invalid_union": {
      if (issue.path[0] === "training")
        return one("holds something else than JSON does", "Write finite numbers and texts.");
      const what = "a decimal number in the unit of the condition";
      return value === undefined
        ? one("is missing", `Add it: ${what}.`)
        : one(`is ${shown(value)}`, `Write ${what}.`);
    }
    case "invalid_value": {
      const allowed = issue.values.map((entry) => JSON.stringify(entry)).join(" or ");
      return one(value === undefined ? "is missing" : `is ${shown(value)}`, `Write ${allowed}.`);
    }
    case "too_small":
      return one(
        `is too ${issue.origin === "number" || issue.origin === "int" ? "small" : "short"}`,
        limit("least", issue.minimum, issue),
      );
    case "too_big":
      return one(
        `is too ${issue.origin === "number" || issue.origin === "int" ? "large" : "long"}`,
        limit("most", issue.maximum, issue),
      );
    default:
      return one(issue.message, "Change it.");
  }
}

function limit(
  side: "least" | "most",
  bound: number | bigint,
  issue: { origin: string; inclusive?: boolean },
): string {
  const what = issue.origin === "string" ? " characters" : issue.origin === "array" ? " items" : "";
  if (issue.inclusive === false) return `It must be ${side === "least" ? "above" : "below"} ${bound}.`;
  return `It must be at ${side} ${bound}${what}.`;
}

function expected(type: string): string {
  const words: Record<string, string> = {
    string: "a text",
    number: "a number",
    int: "a whole number",
    boolean: "true or false",
    array: "a list",
    tuple: "a list of two",
    object: "fields with values",
    record: "names with values",
  };
  return words[type] ?? type;
}

function quotes(type: string, value: unknown): string {
  return type === "string" && value !== null && typeof value !== "object" ? ", in quotes" : "";
}

function shown(value: unknown): string {
  if (value === null) return "empty";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "boolean") return String(value);
  return typeof value === "object" ? "a map" : quoted(value);
}

function valueAt(data: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, part) =>
      typeof value === "object" && value !== null && Object.hasOwn(value, part)
        ? (value as Record<PropertyKey, unknown>)[part]
        : undefined,
    data,
  );
}

function schemaAt(schema: Schema, path: readonly PropertyKey[]): Schema | null {
  let at: Schema | null = bare(schema);
  for (const part of path) {
    if (!at) return null;
    const def: z.core.$ZodTypeDef = at._zod.def;
    if (def.type === "object") at = (def as z.core.$ZodObjectDef).shape[String(part)] ?? null;
    else if (def.type === "record") at = (def as z.core.$ZodRecordDef).valueType;
    else if (def.type === "array") at = (def as z.core.$ZodArrayDef).element;
    else if (def.type === "tuple") at = (def as z.core.$ZodTupleDef).items[Number(part)] ?? null;
    else return null;
    at = at && bare(at);
  }
  return at;
}

/** The schema inside optional, nullable and default. */
function bare(schema: Schema): Schema {
  const { def } = schema._zod;
  return "innerType" in def ? bare(def.innerType as Schema) : schema;
}
