// The OpenAPI 3.1 document: made from the routes' schemas, with an example of each request and answer.

import swagger from "@fastify/swagger";
import type { FastifyInstance } from "fastify";
import { jsonSchemaTransform, jsonSchemaTransformObject } from "fastify-type-provider-zod";
import { commonExamples, examples } from "./examples.ts";

interface Content {
  [mediaType: string]: { example?: unknown };
}
interface Operation {
  operationId: string;
  parameters?: { name: string; in: string }[];
  requestBody?: { content: Content };
  responses: Record<string, { description: string; content?: Content }>;
}
interface Document {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, unknown> };
}

/** Must be registered before the routes. `app.swagger()` then gives the document. */
export async function registerOpenApi(app: FastifyInstance, version: string, token: boolean): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "Driftline",
        version,
        description: "Machine-learning models of an experiment, found or made by conditions.",
        license: { name: "Apache-2.0", identifier: "Apache-2.0" },
      },
      tags: [
        { name: "families", description: "Kinds of model; asking for one by conditions" },
        { name: "models", description: "Published bundles" },
        { name: "campaigns", description: "Tables of runs, locks and samples" },
        { name: "jobs", description: "Making of models" },
        { name: "server", description: "State of the server" },
      ],
      ...(token && {
        components: { securitySchemes: { token: { type: "http" as const, scheme: "bearer" } } },
        security: [{ token: [] }],
      }),
    },
    transform: jsonSchemaTransform,
    transformObject(source) {
      const document = jsonSchemaTransformObject(source) as unknown as Document;
      nameWildcards(document);
      addExamples(document);
      return withUsedSchemas(document) as never;
    },
  });
}

/** Routes that end in `*` take a path, and OpenAPI has a name in its place; HEAD gets an operation id of its own. */
function nameWildcards(document: Document): void {
  for (const [path, operations] of Object.entries(document.paths)) {
    const { get, head } = operations;
    if (head !== undefined) operations.head = { ...head, operationId: `${get.operationId}Head` };
    for (const { parameters = [] } of Object.values(operations)) {
      for (const parameter of parameters) if (parameter.name === "*") parameter.name = "path";
    }
    if (!path.includes("*")) continue;
    document.paths[path.replace(/\{?\*\}?/, "{path}")] = operations;
    delete document.paths[path];
  }
}

function operationsOf(paths: Document["paths"]): Operation[] {
  return Object.values(paths).flatMap((operations) => Object.values(operations));
}

function addExamples({ paths }: Document): void {
  for (const { operationId, requestBody, responses } of operationsOf(paths)) {
    const known = examples[operationId.replace(/Head$/, "")];
    for (const content of Object.values(requestBody?.content ?? {})) content.example = known.request;
    for (const [status, { content = {} }] of Object.entries(responses)) {
      const example = known?.responses[status] ?? commonExamples[status];
      for (const each of Object.values(content)) if (example !== undefined) each.example = example;
    }
  }
}

/**
 * Each schema is given as input and as output, the first under a name that ends in `Input`: keeps those that a route
 * refers to, and drops the ending where only one of the two is left.
 */
function withUsedSchemas(document: Document): Document {
  const { schemas } = document.components;
  const used = new Set<string>();
  const follow = (part: unknown) => {
    for (const [, name] of JSON.stringify(part).matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
      if (used.has(name)) continue;
      used.add(name);
      follow(schemas[name]);
    }
  };
  follow(document.paths);
  document.components.schemas = Object.fromEntries(
    Object.entries(schemas).filter(([name]) => used.has(name)),
  );
  let text = JSON.stringify(document);
  for (const name of used) {
    const short = name.replace(/Input$/, "");
    if (short === name || used.has(short)) continue;
    text = text.replaceAll(`"#/components/schemas/${name}"`, `"#/components/schemas/${short}"`);
    text = text.replace(`"${name}":{`, `"${short}":{`);
  }
  return JSON.parse(text);
}
