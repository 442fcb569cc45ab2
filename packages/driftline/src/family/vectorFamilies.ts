// The published test vectors of the condition key, and their reduced families as families to ask, for tests and benches.

import { readFileSync } from "node:fs";
import type { Family } from "./family.ts";
import { makeFamily } from "./testing.ts";

interface Definition {
  name: string;
  version: number;
  conditions: {
    name: string;
    unit: string | null;
    nominal: string | null;
    grid: string | null;
    tolerance: string | null;
    minimum: string | null;
    maximum: string | null;
    values: string[] | null;
  }[];
  software: { name: string; nominal: string | null }[];
}

interface Asked {
  family: string;
  given: { conditions: Record<string, unknown>; software: Record<string, unknown> };
}

export interface Vectors {
  families: Record<string, Definition>;
  accepted: (Asked & { defaulted: string[]; canonical: string; key: string })[];
  refused: (Asked & { error: string; field: string })[];
}

export function readVectors(): Vectors {
  return JSON.parse(readFileSync(new URL("./vectors.json", import.meta.url), "utf8")) as Vectors;
}

/** A family with the conditions and software of a definition, and nothing else of use. */
export function familyOf(definition: Definition): Family {
  return makeFamily({
    name: definition.name,
    version: definition.version,
    conditions: definition.conditions.map(
      ({ name, unit, nominal, grid, tolerance, minimum, maximum, values }) =>
        unit === null
          ? { kind: "label", name, description: "", values, nominal }
          : {
              kind: "quantity",
              name,
              description: "",
              unit,
              nominal,
              grid: grid!,
              tolerance: tolerance!,
              minimum: minimum!,
              maximum: maximum!,
            },
    ),
    software: definition.software.map(({ name, nominal }) => ({ name, description: "", nominal })),
  });
}
