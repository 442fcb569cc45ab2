// The OpenAPI document: every route is in it, references lead somewhere, examples follow their schemas.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { errorRegistry } from "../errors/registry.ts";
import { commonExamples, examples } from "./examples.ts";
import { createServer } from "./server.ts";
import { memoryDriftline } from "./testing.ts";

type Json = Record<string, unknown>;
interface Operation {
  operationId: string;
  summary?: string;
  tags?: string[];
  parameters?: { name: string; in: string; required: boolean; schema: Json }[];
  requestBody?: { content: Record<string, { schema: Json; example?: unknown }> };
  responses: Record<
    string,
    { description: string; content?: Record<string, { schema: Json; example?: unknown }> }
  >;
}
interface Document {
  openapi: string;
  info: { title: string; version: string };
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Json> };
}

describe("the OpenAPI document", () => {
  let directory: string;
  let app: FastifyInstance;
  let document: Document;
  let operations: { path: string; method: string; operation: Operation }[];
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "driftline-openapi-"));
    app = await createServer({ driftline: await memoryDriftline(directory) });
    const response = await app.inject("/v1/openapi.json");
    assert.equal(response.statusCode, 200);
    document = response.json();
    operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
    );
  });
  after(async () => {
    await app.close();
    await rm(directory, { recursive: true });
  });

  it("is OpenAPI 3.1 with a title and a version", () => {
    assert.equal(document.openapi, "3.1.0");
    assert.ok(document.info.title);
    assert.match(document.info.version, /^\d+\.\d+\.\d+$/);
  });

  it("has every route of the interface, and no other", () => {
    // Fastify's own listing, as method and path; HEAD is answered wherever GET is.
    const routes = operations.map(({ path, method }) => `${method.toUpperCase()} ${path}`).sort();
    assert.deepEqual(routes, [
      "GET /healthz",
      "GET /metrics",
      "GET /readyz",
      "GET /v1/families",
      "GET /v1/families/{family}",
      "GET /v1/families/{family}/resolve",
      "GET /v1/jobs",
      "GET /v1/jobs/{id}",
      "GET /v1/jobs/{id}/events",
      "GET /v1/jobs/{id}/report",
      "GET /v1/locks",
      "GET /v1/models",
      "GET /v1/models/{digest}",
      "GET /v1/models/{digest}/bundle.tar",
      "GET /v1/models/{digest}/files/{path}",
      "GET /v1/models/{digest}/manifest",
      "GET /v1/models/{digest}/uses",
      "GET /v1/openapi.json",
      "GET /v1/samples",
      "GET /v1/tags",
      "GET /v1/tags/{tag}",
      "GET /v1/tags/{tag}/runs/{run}",
      "HEAD /v1/models/{digest}/files/{path}",
      "POST /v1/families/{family}/ensure",
      "POST /v1/families/{family}/resolve",
      "POST /v1/jobs/{id}/cancel",
      "POST /v1/locks",
      "POST /v1/models",
      "POST /v1/models/{digest}/retire",
      "POST /v1/samples",
      "POST /v1/tags",
      "POST /v1/tags/{tag}/freeze",
    ]);
    for (const { path, method } of operations) {
      const url = path.replace("{path}", "*").replaceAll(/\{(\w+)\}/g, ":$1");
      assert.ok(app.hasRoute({ method: method.toUpperCase() as "GET", url }), `${method} ${url}`);
    }
  });

  it("gives each operation an id of its own, a summary, a tag, its path's parameters and problems", () => {
    const ids = operations.map(({ operation }) => operation.operationId);
    assert.equal(new Set(ids).size, ids.length, ids.join());
    for (const { path, operation } of operations) {
      const { operationId, summary, tags, parameters = [], responses } = operation;
      assert.ok(summary && tags?.length === 1, operationId);
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();
      const declared = parameters.filter((parameter) => parameter.in === "path");
      assert.deepEqual(declared.map(({ name }) => name).sort(), inPath, operationId);
      assert.ok(declared.every(({ required }) => required));
      if (path.startsWith("/v1/") && path !== "/v1/openapi.json") {
        for (const status of ["400", "401", "500", "503"])
          assert.ok(responses[status], `${operationId} ${status}`);
      }
      for (const [status, { description, content = {} }] of Object.entries(responses)) {
        assert.ok(description, `${operationId} ${status}`);
        const types = Object.keys(content);
        if (Number(status) >= 400) assert.deepEqual(types, ["application/problem+json"], operationId);
      }
    }
  });

  it("refers only to schemas that are there, and has none that nobody refers to", () => {
    const references = new Set(
      [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(([, reference]) => reference),
    );
    const names = Object.keys(document.components.schemas).map((name) => `#/components/schemas/${name}`);
    assert.deepEqual([...references].sort(), names.sort());
    assert.ok(names.includes("#/components/schemas/ResolveRequest"));
  });

  it("describes conditions in words", () => {
    const { ResolveRequest } = document.components.schemas;
    const { conditions } = ResolveRequest.properties as Record<string, { description: string }>;
    assert.match(conditions.description, /value with a unit/);
  });

  it("has examples that follow the schemas, for every JSON answer", () => {
    const definitions = JSON.parse(
      JSON.stringify(document.components.schemas).replaceAll("#/components/schemas/", "#/$defs/"),
    );
    const check = (schema: Json, example: unknown, what: string) => {
      const local = JSON.parse(JSON.stringify(schema).replaceAll("#/components/schemas/", "#/$defs/"));
      const parsed = z.fromJSONSchema({ ...local, $defs: definitions }).safeParse(example);
      assert.ok(parsed.success, `${what}: ${parsed.error?.message}`);
    };
    let checked = 0;
    for (const { operation } of operations) {
      const body = operation.requestBody?.content["application/json"];
      if (body !== undefined) {
        check(body.schema, body.example, `${operation.operationId} request`);
        checked++;
      }
      for (const [status, { content = {} }] of Object.entries(operation.responses)) {
        for (const [type, { schema, example }] of Object.entries(content)) {
          if (!type.endsWith("json")) continue;
          const what = `${operation.operationId} ${status}`;
          // The document itself and a manifest would be longer than what they explain.
          if (["openapi 200", "getManifest 200"].includes(what)) continue;
          assert.notEqual(example, undefined, `${what} has no example`);
          check(schema, example, what);
          checked++;
        }
      }
    }
    assert.ok(checked > 80, `only ${checked} examples`);
    assert.throws(() => check({ $ref: "#/components/schemas/Hit" }, { found: false }, "must fail"));
  });

  it("has examples of problems with the status of their code, and none for unknown operations", () => {
    const problems = [commonExamples, ...Object.values(examples).map(({ responses }) => responses)];
    for (const [status, example] of problems.flatMap((responses) => Object.entries(responses))) {
      if (Number(status) < 400) continue;
      const { code } = example as { code: keyof typeof errorRegistry };
      assert.equal(errorRegistry[code].http, Number(status), code);
    }
    const ids = new Set(operations.map(({ operation }) => operation.operationId));
    for (const id of Object.keys(examples)) assert.ok(ids.has(id), `no operation ${id}`);
  });
});
