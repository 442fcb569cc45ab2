// What every answer must be: of a status and a form that the OpenAPI document declares, and never what is inside the server.

import assert from "node:assert/strict";
import { z } from "zod";
import { errorRegistry } from "../../packages/driftline/src/errors/registry.ts";
import type { Schema } from "./schemas.ts";

export interface Parameter {
  name: string;
  in: "path" | "query" | "header";
  required: boolean;
  schema: Schema;
}

export interface Operation {
  path: string;
  method: string;
  operationId: string;
  parameters: Parameter[];
  body: Schema | null;
  responses: Record<string, { content?: Record<string, { schema: Schema }> }>;
}

export interface OpenApi {
  operations: Operation[];
  components: Record<string, Schema>;
}

interface Document {
  paths: Record<
    string,
    Record<
      string,
      Omit<Operation, "path" | "method" | "body"> & {
        requestBody?: { content: Record<string, { schema: Schema }> };
      }
    >
  >;
  components: { schemas: Record<string, Schema> };
}

export function readOpenApi({ paths, components }: Document): OpenApi {
  return {
    operations: Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { requestBody, parameters = [], operationId, responses }]) => ({
        path,
        method: method.toUpperCase(),
        operationId,
        parameters,
        body: requestBody?.content["application/json"]?.schema ?? null,
        responses,
      })),
    ),
    components: components.schemas,
  };
}

export interface Answer {
  status: number;
  /** Names in lower case. */
  headers: Record<string, string>;
  body: Buffer;
}

export interface ProblemDocument {
  code: keyof typeof errorRegistry;
  detail: string;
  field?: string;
  remedy?: string;
}

/** Statuses that any path can answer with (docs/http.md), besides those that the document declares for an operation. */
const general = [400, 403, 404, 405, 408, 413, 415, 431];
/** Of those declared, the ones that a server in good health never gives. */
const faults = [401, 500, 503];

/** What the inside of a program looks like; a text that the request itself has is its own. */
const inside = [
  /\n\s+at .+:\d+/,
  /node_modules|node:internal/,
  /\.ts\b/,
  /\/(packages|src|bin)\//,
  /\bundefined\b|\[object \w+\]|\bNaN\b/,
  /Invalid input/,
  /\b(Type|Range|Syntax|Zod|Reference)Error\b|\bERR_\w+|FST_\w+|SQLITE\w*|HPE_\w+/,
  /Cannot (read|convert|set)|is not (a function|iterable)/,
  /call stack|heap/,
];

/** Throws where a text that a user reads shows the inside of the program; `asked` is what the user gave. */
export function checkText(text: string, asked: string): void {
  for (const pattern of inside) {
    const [found] = pattern.exec(text) ?? [];
    assert.ok(
      found === undefined || asked.includes(found),
      `a user reads ${JSON.stringify(found)} in: ${text.slice(0, 600)}`,
    );
  }
}

export function problemIn(body: string, asked: string): ProblemDocument & { status: number } {
  const problem = JSON.parse(body) as Record<string, unknown>;
  const { type, title, status, detail, code, field, remedy } = problem;
  assert.ok(typeof code === "string" && Object.hasOwn(errorRegistry, code), `code ${String(code)}`);
  const known = errorRegistry[code as keyof typeof errorRegistry];
  assert.equal(type, `urn:driftline:error:${code}`);
  assert.equal(title, known.title);
  assert.equal(status, known.http);
  assert.ok(typeof detail === "string" && detail.length > 10, `detail ${String(detail)}`);
  for (const text of [detail, field, remedy]) {
    if (text === undefined) continue;
    assert.ok(typeof text === "string" && text !== "", `not a text: ${JSON.stringify(text)}`);
    checkText(text, asked);
  }
  return problem as unknown as ProblemDocument & { status: number };
}

/** The operation that a path and method name; HEAD is answered wherever GET is. */
export function operationOf({ operations }: OpenApi, method: string, url: string): Operation | undefined {
  const [path] = url.split("?");
  return operations.find((operation) => {
    if (operation.method !== method && !(operation.method === "GET" && method === "HEAD")) return false;
    const pattern = operation.path
      .replace(/[.+?^$()|[\]\\]/g, "\\$&")
      .replace("{path}", ".+")
      .replace(/\{\w+\}/g, "[^/]+");
    return new RegExp(`^${pattern}$`).test(path);
  });
}

/** Checks an answer to a request by `method`; `asked` is the request as text. */
export function checkAnswer(
  document: OpenApi,
  operation: Operation | undefined,
  method: string,
  answer: Answer,
  asked: string,
): void {
  const { status, headers, body } = answer;
  const declared = operation?.responses[status];
  const what = `${operation?.operationId ?? "no operation"} answered ${status}: ${body.toString().slice(0, 600)}`;
  assert.ok(!faults.includes(status), what);
  const type = headers["content-type"];
  if (method === "OPTIONS" && status === 204) {
    assert.ok(headers.allow?.split(", ").includes("OPTIONS") && body.length === 0, what);
    return;
  }
  assert.ok(declared !== undefined || general.includes(status), `not declared: ${what}`);
  if (status === 405) assert.ok(headers.allow && !headers.allow.split(", ").includes(method), what);
  if (method === "HEAD" || status === 304) {
    assert.equal(body.length, 0, what);
    return;
  }
  if (status >= 400) {
    assert.match(type ?? "", /^application\/problem\+json/, what);
    const problem = problemIn(body.toString(), asked);
    assert.equal(problem.status, status);
    assert.ok(problem.detail.length < 3_000, `a detail of ${problem.detail.length} characters`);
    if (status === 404 && problem.code === "no_model")
      checkSchema(document, declared?.content?.["application/problem+json"].schema ?? {}, problem);
    return;
  }
  const json = declared?.content?.["application/json"];
  if (json !== undefined) {
    assert.match(type ?? "", /^application\/json/, what);
    checkSchema(document, json.schema, JSON.parse(body.toString()));
  }
}

const compiled = new WeakMap<Schema, z.ZodType>();

export function followsSchema(
  { components }: OpenApi,
  schema: Schema,
  value: unknown,
): ReturnType<z.ZodType["safeParse"]> {
  let parser = compiled.get(schema);
  if (parser === undefined) {
    const local = (part: unknown) =>
      JSON.parse(JSON.stringify(part).replaceAll("#/components/schemas/", "#/$defs/"));
    parser = z.fromJSONSchema({ ...local(schema), $defs: local(components) }) as z.ZodType;
    compiled.set(schema, parser);
  }
  return parser.safeParse(value);
}

function checkSchema(document: OpenApi, schema: Schema, value: unknown): void {
  const { success, error } = followsSchema(document, schema, value);
  assert.ok(success, `${error?.message}\n${JSON.stringify(value).slice(0, 600)}`);
}
