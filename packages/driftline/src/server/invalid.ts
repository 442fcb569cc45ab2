// What is wrong with a request, in plain words: the field, what it must be, what was given.

import type { z } from "zod";
import { type DriftlineError, fail } from "../errors/registry.ts";
import { nearestName } from "../family/nearestName.ts";

type Issue = z.core.$ZodIssue;

/** The error for a body, query or path that does not follow its schema. */
export function invalidRequest(
  error: z.ZodError,
  schema: z.ZodType,
  part: string,
  given: unknown,
): DriftlineError {
  const issue = error.issues[0];
  const field = shortened(issue.path.map(String).join("."));
  const value = issue.path.reduce<unknown>(
    (at, name) => (at as Record<PropertyKey, unknown> | undefined)?.[name],
    given,
  );
  if (issue.code === "unrecognized_keys") {
    const allowed = namesAt(schema, issue.path);
    const nearest = nearestName(issue.keys[0], allowed);
    const unknown = shortened(issue.keys[0]);
    return fail("usage", `The ${part} has an unknown member ${JSON.stringify(unknown)}.`, {
      field: (field === "" ? unknown : `${field}.${unknown}`) || part,
      remedy: `${nearest ? `Did you mean ${nearest}? ` : ""}Members here: ${allowed.join(", ") || "none"}.`,
    });
  }
  const where = field === "" ? `The ${part}` : `${field} in the ${part}`;
  return fail("usage", `${where} ${requirement(issue)}; it is ${describe(value)}.`, {
    field: field === "" ? part : field,
    remedy: "The OpenAPI document at /v1/openapi.json describes every request.",
  });
}

/** A name that the client chose, short enough for a message. */
function shortened(name: string): string {
  return name.length > 80 ? `${name.slice(0, 79)}…` : name;
}

/** "must be …" for an issue. */
function requirement(issue: Issue): string {
  switch (issue.code) {
    case "invalid_type":
      return `must be ${kinds[issue.expected] ?? issue.expected}`;
    case "invalid_value":
      return `must be ${issue.values.map((value) => JSON.stringify(value)).join(" or ")}`;
    case "too_small":
      return `must ${sized(issue.origin, `at least ${issue.minimum}`)}`;
    case "too_big":
      return `must ${sized(issue.origin, `at most ${issue.maximum}`)}`;
    case "invalid_union": {
      const options = issue.errors.map((issues) => requirement(issues[0]).replace(/^must be /, ""));
      return options.length === 0 ? "is not allowed" : `must be ${[...new Set(options)].join(" or ")}`;
    }
    default:
      return `is not allowed: ${issue.message}`;
  }
}

function sized(origin: string, limit: string): string {
  if (origin === "string") return `have ${limit} characters`;
  return origin === "array" ? `have ${limit} entries` : `be ${limit}`;
}

const kinds: Record<string, string> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  object: "an object",
  record: "an object",
  array: "a list",
};

function describe(value: unknown): string {
  if (value === undefined) return "missing";
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "an object";
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

/** Names of the members that an object within the schema may have. */
function namesAt(schema: z.ZodType, path: PropertyKey[]): string[] {
  let at = unwrapped(schema);
  for (const name of path) at = unwrapped(shapeOf(at)[String(name)]);
  return Object.keys(shapeOf(at));
}

function unwrapped(schema: z.ZodType | undefined): z.ZodType | undefined {
  const inner = (schema as { unwrap?: () => z.ZodType } | undefined)?.unwrap?.();
  return inner === undefined ? schema : unwrapped(inner);
}

function shapeOf(schema: z.ZodType | undefined): Record<string, z.ZodType> {
  return (schema as { shape?: Record<string, z.ZodType> } | undefined)?.shape ?? {};
}
