// The short way of the request that comes most: POST …/resolve whose answer is an exact hit, past the framework.
// Whatever else comes of it, a miss or an error, goes the long way with the body that was read, and is answered there.

import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import type { FastifyInstance } from "fastify";
import { plainQuestion } from "../lifecycle/plainQuestion.ts";
import type { ResolveJson } from "./routes/families.ts";

const route = "/v1/families/:family/resolve";
const target = /^\/v1\/families\/([\w.-]+)\/resolve$/;
/** Longer questions go the long way. */
const maxBytes = 16 * 1024;

export interface ShortWayOptions {
  resolveJson: ResolveJson;
  /** Whether nothing speaks against the request: where it comes from, its token, the bounds. */
  isWelcome(request: IncomingMessage): boolean;
  /** Counts it among the work that is going on. */
  admit(request: IncomingMessage, response: ServerResponse): void;
  /** Counts the answer. */
  count(route: string, method: string, status: number, seconds: number): void;
}

export function shortWay(options: ShortWayOptions) {
  const { resolveJson, isWelcome, admit, count } = options;
  const bodies = new WeakMap<IncomingMessage, Buffer>();

  return {
    /** Puts the short way before the handler of the framework. */
    before:
      (longWay: RequestListener): RequestListener =>
      (request, response) => {
        const family = familyOf(request);
        if (family === undefined || !isWelcome(request)) return longWay(request, response);
        const started = performance.now();
        admit(request, response);
        const pieces: Buffer[] = [];
        request.on("data", (piece: Buffer) => pieces.push(piece));
        request.on("end", () => {
          const body = pieces.length === 1 ? pieces[0] : Buffer.concat(pieces);
          const goOn = () => {
            bodies.set(request, body);
            longWay(request, response);
          };
          const question = questionOf(body);
          if (question === null) return goOn();
          const send = (answer: Awaited<ReturnType<ResolveJson>>) => {
            if (typeof answer !== "string") return goOn();
            response.writeHead(200, {
              "content-type": "application/json; charset=utf-8",
              "content-length": Buffer.byteLength(answer),
            });
            response.end(answer);
            count(route, "POST", 200, (performance.now() - started) / 1000);
          };
          resolveJson(family, question)
            .then(send, goOn)
            // Nothing is left to say where even that failed; a rejection must not end the process.
            .catch(() => response.destroy());
        });
      },

    /** Gives the framework the body that was read on the short way. */
    replayBodies(app: FastifyInstance): void {
      app.addHook("onRoute", (added) => {
        if (added.url !== route || added.method !== "POST") return;
        added.preParsing = (request, _reply, payload, done) => {
          const body = bodies.get(request.raw);
          done(null, body === undefined ? payload : Readable.from([body], { objectMode: false }));
        };
      });
    },
  };
}

function familyOf({ method, url = "", headers }: IncomingMessage): string | undefined {
  if (method !== "POST" || headers["content-type"] !== "application/json") return undefined;
  if (!(Number(headers["content-length"]) <= maxBytes)) return undefined;
  return target.exec(url)?.[1];
}

function questionOf(body: Buffer) {
  try {
    return plainQuestion(JSON.parse(body.toString()));
  } catch {
    return null;
  }
}
