// Arbitraries from JSON Schema, as far as OpenAPI documents use it.

import fc from "fast-check";
import { anyText } from "./values.ts";

export interface Schema {
  $ref?: string;
  type?: string | string[];
  enum?: unknown[];
  anyOf?: Schema[];
  pattern?: string;
  minimum?: number;
  maximum?: number;
  minItems?: number;
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: Schema | boolean;
}

/** Better values than any that a schema allows: by the name of a member or parameter. */
export type Known = Record<string, fc.Arbitrary<unknown> | undefined>;

/** Values that follow `schema`; references lead into `components`. Throws for a keyword that it does not know how to fill. */
export function following(
  schema: Schema,
  components: Record<string, Schema>,
  known: Known = {},
): fc.Arbitrary<unknown> {
  const inner = (each: Schema, name?: string): fc.Arbitrary<unknown> => {
    const better = name === undefined ? undefined : known[name];
    const any = following(each, components, known);
    return better === undefined
      ? any
      : fc.oneof({ weight: 9, arbitrary: better }, { weight: 1, arbitrary: any });
  };
  if (schema.$ref !== undefined) return inner(components[schema.$ref.replace("#/components/schemas/", "")]);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  if (schema.anyOf !== undefined) return fc.oneof(...schema.anyOf.map((each) => inner(each)));
  if (Array.isArray(schema.type)) {
    return fc.oneof(...schema.type.map((type) => inner({ ...schema, type })));
  }
  switch (schema.type) {
    case "string":
      return schema.pattern === undefined ? anyText : fc.stringMatching(new RegExp(schema.pattern));
    case "integer":
      return fc.integer({ min: schema.minimum, max: Math.min(schema.maximum ?? 2 ** 31 - 1, 2 ** 31 - 1) });
    case "number":
      return fc.double({ noNaN: true, noDefaultInfinity: true });
    case "boolean":
      return fc.boolean();
    case "null":
      return fc.constant(null);
    case "array":
      return fc.array(inner(schema.items ?? {}), { minLength: schema.minItems ?? 0, maxLength: 3 });
    case "object":
      return objects(schema, inner);
    case undefined:
      return fc.jsonValue({ maxDepth: 2 });
    default:
      throw new Error(`no values for JSON Schema type ${schema.type}`);
  }
}

function objects(
  schema: Schema,
  inner: (each: Schema, name?: string) => fc.Arbitrary<unknown>,
): fc.Arbitrary<unknown> {
  const { properties, additionalProperties, required = [] } = schema;
  if (properties === undefined) {
    const values = typeof additionalProperties === "object" ? additionalProperties : {};
    return fc.dictionary(anyText, inner(values), { maxKeys: 3 });
  }
  const members = Object.entries(properties).map(([name, each]) => [name, inner(each, name)] as const);
  return fc.record(Object.fromEntries(members), { requiredKeys: required });
}
