// Every answer that is not what was asked for: a problem document, and never what is inside the server.

import { randomUUID } from "node:crypto";
import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { toProblem } from "../errors/problem.ts";
import { DriftlineError, fail } from "../errors/registry.ts";
import { maxHeaderBytes } from "./limits.ts";

/** Answers an error of any kind with a problem document. */
export function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const known =
    error instanceof DriftlineError ? error : (requestFault(error, request) ?? hidden(error, request));
  const problem = toProblem(known);
  // What a handler had prepared for success must not be kept with a failure.
  for (const header of ["cache-control", "etag", "accept-ranges", "content-length", "content-disposition"]) {
    reply.removeHeader(header);
  }
  if (problem.status === 401) reply.header("www-authenticate", "Bearer");
  if (problem.status === 503) reply.header("retry-after", "1");
  return reply
    .code(problem.status)
    .type("application/problem+json")
    .send(JSON.stringify({ ...problem, instance: request.url }));
}

/** Answers unknown routes, and known ones asked by a method that they don't have. */
export function answerUnknownRoutes(app: FastifyInstance): void {
  const routes: { pattern: RegExp; methods: string[] }[] = [];
  app.addHook("onRoute", ({ url, method }) => {
    const escaped = url.replace(/[.+?^${}()|[\]\\]/g, "\\$&");
    const pattern = new RegExp(`^${escaped.replace(/:[A-Za-z]+/g, "[^/]+").replace("*", ".*")}$`);
    routes.push({ pattern, methods: [method].flat() });
  });
  app.setNotFoundHandler((request, reply) => {
    const [path] = request.url.split("?");
    const shown = path.length > 200 ? `${path.slice(0, 200)}…` : path;
    const methods = routes.flatMap((route) => (route.pattern.test(path) ? route.methods : []));
    if (methods.length === 0 && request.url !== "*") {
      throw fail("unknown_route", `There is nothing at ${request.method} ${shown}.`, {
        remedy: "The OpenAPI document at /v1/openapi.json lists all routes.",
      });
    }
    const allowed = [...new Set([...methods, "OPTIONS"])].sort().join(", ");
    reply.header("allow", allowed);
    if (request.method === "OPTIONS") return reply.code(204).send();
    throw fail("wrong_method", `${shown} does not take ${request.method}.`, {
      remedy: `Use one of ${allowed}.`,
    });
  });
}

/** Answers a request with an `Expect` that nobody knows as one without it (RFC 9110, 10.1.1), in place of an empty 417. */
export function ignoreExpectations({ server }: FastifyInstance): void {
  server.on("checkExpectation", (request, response) => server.emit("request", request, response));
}

/** Time for the rest of a refused request to come, so that closing does not take the answer from the client. */
const lingerMs = 1_000;

/** Answers bytes that are no HTTP request, or one whose headers are too large or too slow; then hangs up. */
export function refuseConnection(error: NodeJS.ErrnoException, socket: Socket): void {
  const problem = toProblem(connectionFault(error));
  const body = JSON.stringify(problem);
  const head = `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\nContent-Type: application/problem+json`;
  socket.end(`${head}\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`);
  const timer = setTimeout(() => socket.destroy(), lingerMs);
  socket.once("close", () => clearTimeout(timer));
}

function connectionFault({ code }: NodeJS.ErrnoException): DriftlineError {
  if (code === "HPE_HEADER_OVERFLOW") {
    return fail("large_headers", "The headers of the request are too large.", {
      field: "headers",
      remedy: `Send at most ${maxHeaderBytes / 1024} KiB.`,
    });
  }
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") {
    return fail("too_slow", "The request did not come in time.", { remedy: "Send it again, all of it." });
  }
  return fail("usage", "The connection carried no proper HTTP request.");
}

/** Fastify's own errors that a request causes, as Driftline's. */
function requestFault(error: unknown, request: FastifyRequest): DriftlineError | undefined {
  const { code, statusCode = 500, message } = error as FastifyError;
  if (code === "FST_ERR_CTP_BODY_TOO_LARGE" || statusCode === 413) {
    return fail("too_large", "The body of the request is too large.", {
      field: "body",
      remedy: `Send at most ${request.routeOptions.bodyLimit / 2 ** 20} MiB.`,
    });
  }
  if (code === "FST_ERR_CTP_INVALID_MEDIA_TYPE") {
    return fail("unsupported_media_type", "The body of the request is not JSON.", {
      field: "content-type",
      remedy: "Send JSON with the header Content-Type: application/json.",
    });
  }
  if (statusCode >= 400 && statusCode < 500) {
    const isBody = code?.startsWith("FST_ERR_CTP") || error instanceof SyntaxError;
    // Fastify's words repeat the path.
    const said = message.length > 300 ? `${message.slice(0, 300)}…` : message;
    return fail("usage", isBody ? `The body of the request is not valid JSON: ${said}` : said, {
      field: isBody ? "body" : undefined,
    });
  }
  return undefined;
}

/** A fault of the server: its log has the error, the client gets a number to ask about. */
function hidden(error: unknown, request: FastifyRequest): DriftlineError {
  const id = randomUUID();
  request.log.error({ err: error, id, method: request.method, url: request.url }, "fault while answering");
  return fail("internal", `Something failed in the server; its log has it under ${id}.`, {
    remedy: "Ask again; if it stays, give whoever runs the server this number.",
    data: { id },
  });
}
