// Bodies of requests as JSON, with a bound on nesting: what is nested without end overflows the stack of whoever walks it.

import type { FastifyInstance } from "fastify";
import { fail } from "../errors/registry.ts";
import { maxJsonDepth } from "./limits.ts";

export function parseJsonBodies(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser("error", "error");
  app.addContentTypeParser<string>("application/json", { parseAs: "string" }, (request, body, done) => {
    if (!isDeeperThan(maxJsonDepth, body)) return parse(request, body, done);
    const error = fail("usage", `The body of the request is nested more than ${maxJsonDepth} levels deep.`, {
      field: "body",
      remedy: "Send flatter JSON.",
    });
    done(error);
  });
}

/** Whether objects and lists in a JSON text are nested more than `limit` deep; of text that is no JSON it may say either. */
export function isDeeperThan(limit: number, json: string): boolean {
  let depth = 0;
  for (let i = 0; i < json.length; i++) {
    const character = json[i];
    if (character === '"') {
      i = endOfString(json, i);
      if (i < 0) return false;
    } else if (character === "{" || character === "[") {
      if (++depth > limit) return true;
    } else if (character === "}" || character === "]") depth--;
  }
  return false;
}

/** Where the string that opens at `start` closes; -1 where it doesn't. */
function endOfString(json: string, start: number): number {
  for (let at = start + 1; ; at++) {
    at = json.indexOf('"', at);
    if (at < 0) return -1;
    let backslashes = 0;
    while (json[at - 1 - backslashes] === "\\") backslashes++;
    if (backslashes % 2 === 0) return at;
  }
}
