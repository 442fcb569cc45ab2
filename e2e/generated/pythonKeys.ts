// The second opinion on every question, right or wrong: the Python client's own rules for keys give the same key or the same error code.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { type Answer, followsSchema, type OpenApi, operationOf } from "./document.ts";
import type { HttpRequest } from "./exchange.ts";
import type { Subject } from "./request.ts";

const python = fileURLToPath(new URL("../../trainer/.venv/bin/python", import.meta.url));
const sources = fileURLToPath(new URL("../../clients/python/src", import.meta.url));

const script = `
import json, sys
from driftline import DriftlineError, canonical_question
families = {family["name"]: family for family in json.loads(sys.stdin.readline())}
for line in sys.stdin:
    family, body = json.loads(line)
    asked = json.loads(body)
    try:
        answer = {"key": canonical_question(families[family], asked.get("conditions"), asked.get("software")).key}
    except DriftlineError as error:
        answer = {"code": error.code}
    print(json.dumps(answer), flush=True)
`;

export interface PythonKeys {
  /** Compares the answer to a question in a body with what the Python client makes of it; other requests pass. */
  check(request: HttpRequest, answer: Answer): Promise<void>;
  /** How many were compared. */
  compared(): number;
}

export function startPythonKeys(t: TestContext, { document, catalogue }: Subject): PythonKeys {
  const child = spawn(python, ["-c", script], {
    env: { ...process.env, PYTHONPATH: sources, PYTHONDONTWRITEBYTECODE: "1" },
    stdio: ["pipe", "pipe", "inherit"],
  });
  t.after(() => child.stdin.end());
  child.stdin.write(`${JSON.stringify(catalogue.families)}\n`);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  let compared = 0;
  return {
    compared: () => compared,
    async check(request, { status, body }) {
      const family = /^\/v1\/families\/([\w.]+)\/(resolve|ensure)$/.exec(request.path)?.[1];
      const known = catalogue.families.some(({ name }) => name === family);
      if (!known || !isQuestion(document, request)) return;
      child.stdin.write(`${JSON.stringify([family, request.body])}\n`);
      const opinion = JSON.parse((await lines.next()).value as string) as { key?: string; code?: string };
      const answer = JSON.parse(body.toString()) as { code?: string; question?: { key: string } };
      compared++;
      if (opinion.code !== undefined) assert.equal(answer.code, opinion.code, body.toString().slice(0, 600));
      else if (answer.question !== undefined) assert.equal(answer.question.key, opinion.key);
      // A question in order can ask for what cannot be made.
      else assert.ok(status === 400 && request.path.endsWith("/ensure"), body.toString().slice(0, 600));
    },
  };
}

/** Whether it is a request as the document has it, in JSON that means the same to everyone. */
function isQuestion(document: OpenApi, { method, path, headers, body }: HttpRequest): boolean {
  if (body === null || body.length > 900_000 || body.includes("__proto__") || headers.length !== 1)
    return false;
  if (headers[0][1] !== "application/json") return false;
  // Python's reader of JSON has a depth of its own; only hyperparameters are that deep.
  if (/(?:\[|\{"a":){100}/.test(body)) return false;
  const schema = operationOf(document, method, path)?.body;
  if (method !== "POST" || !schema) return false;
  try {
    return followsSchema(document, schema, JSON.parse(body)).success;
  } catch {
    return false;
  }
}
