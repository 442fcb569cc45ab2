// The OpenAPI 3.1 document: made from the routes' schemas, with an example of each request and answer.

import swagger from "@fastify/swagger";
import type { FastifyInstance } from "fastify";
import { createJsonSchemaTransform, createJsonSchemaTransformObject } from "fastify-type-provider-zod";
import { examples } from "./examples.ts";
import { components } from "./schemas.ts";

interface Content {
  [mediaType: string]: { example?: unknown };
}
interface Operation {
  operationId?: string;
  requestBody?: { content: Content };
  responses: Record<string, { content?: Content }>;
}

/** Must be registered before the routes. `app.swagger()` then gives the document. */
export async function registerOpenApi(app: FastifyInstance, version: string, token: boolean): Promise<void> {
  const toSchemas = createJsonSchemaTransformObject({ schemaRegistry: components });
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
        { name: "jobs", description: "Making of models" },
        { name: "server", description: "State of the server" },
      ],
      ...(token && {
        components: { securitySchemes: { token: { type: "http" as const, scheme: "bearer" } } },
        security: [{ token: [] }],
      }),
    },
    transform: createJsonSchemaTransform({ schemaRegistry: components }),
    transformObject: (document) => withExamples(toSchemas(document)),
  });
}

function withExamples<T extends object>(document: T): T {
  const { paths } = document as { paths: Record<string, Record<string, Operation>> };
  for (const operation of Object.values(paths).flatMap((path) => Object.values(path))) {
    const known = examples[operation.operationId ?? ""];
    for (const content of Object.values(operation.requestBody?.content ?? {})) {
      if (known?.request !== undefined) content.example = known.request;
    }
    for (const [status, { content = {} }] of Object.entries(operation.responses)) {
      const example = known?.responses?.[status] ?? examples.problems?.responses?.[status];
      for (const each of Object.values(content)) if (example !== undefined) each.example = example;
    }
  }
  return document;
}
