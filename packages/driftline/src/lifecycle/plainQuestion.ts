// A cheap check of the body that is sent most, in front of its schema: what it takes the schema takes too, as the same.

import type { resolveRequest } from "@driftline/client/api";
import type { z } from "zod";

type Request = z.output<typeof resolveRequest>;

/** The request to resolve, where it is one as clients write it; null where the schema must say. */
export function plainQuestion(given: unknown): Request | null {
  if (!isObject(given)) return null;
  for (const name in given) {
    if (name !== "conditions" && name !== "software" && name !== "accept") return null;
  }
  const { conditions = {}, software = {}, accept = "exact" } = given as Partial<Request>;
  if (accept !== "exact" && accept !== "compatible") return null;
  if (!isObject(conditions) || !isObject(software)) return null;
  for (const name in conditions) {
    const value: unknown = conditions[name];
    if (typeof value !== "string" && !Number.isFinite(value)) return null;
  }
  for (const name in software) if (typeof software[name] !== "string") return null;
  return { conditions, software, accept };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
