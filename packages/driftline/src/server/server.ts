// The HTTP server: a catalogue, in process, offered under /v1.

import type { Driftline } from "@driftline/client/api";
import fastify, { type FastifyBaseLogger, type FastifyInstance } from "fastify";
import type { z } from "zod";
import packageJson from "../../package.json" with { type: "json" };
import { fail } from "../errors/registry.ts";
import { refuseOpenServer, requireToken } from "./auth.ts";
import { invalidRequest } from "./invalid.ts";
import { countRequests } from "./metrics.ts";
import { registerOpenApi } from "./openapi.ts";
import { answerUnknownRoutes, refuseConnection, sendProblem } from "./problems.ts";
import { familyRoutes } from "./routes/families.ts";
import { healthRoutes } from "./routes/health.ts";
import { jobRoutes } from "./routes/jobs.ts";
import { modelRoutes } from "./routes/models.ts";

export interface ServerOptions {
  driftline: Driftline;
  /** Asked of every request but those for health. */
  token?: string | null;
  /** Time between comments on a quiet stream of events. */
  heartbeatMs?: number;
  /** Where faults are logged; warnings and errors go to standard error by default. */
  logger?: FastifyBaseLogger;
}

/** The app, not yet listening; `app.inject` answers without a socket. */
export async function createServer(options: ServerOptions): Promise<FastifyInstance> {
  const { driftline, token, heartbeatMs = 15_000, logger } = options;
  const app: FastifyInstance = fastify({
    ...(logger ? { loggerInstance: logger } : { logger: { level: "warn", stream: process.stderr } }),
    bodyLimit: 1024 * 1024,
    requestTimeout: 60_000,
    routerOptions: { maxParamLength: 512 },
    frameworkErrors: sendProblem,
    clientErrorHandler: refuseConnection,
  });
  app.setValidatorCompiler<z.ZodType>(({ schema, httpPart = "request" }) => (given) => {
    const parsed = schema.safeParse(given);
    if (parsed.success) return { value: parsed.data };
    return { error: invalidRequest(parsed.error, schema, partNames[httpPart] ?? httpPart, given) };
  });
  // Answers come from the platform, typed and tested; the schemas of responses document them.
  app.setSerializerCompiler(() => (answer) => JSON.stringify(answer));
  app.setErrorHandler(sendProblem);
  const metrics = countRequests(app);
  answerUnknownRoutes(app);
  if (token) requireToken(app, token);
  await registerOpenApi(app, packageJson.version, Boolean(token));
  await app.register(healthRoutes, { driftline, metrics, version: packageJson.version });
  await app.register(familyRoutes, { prefix: "/v1", driftline });
  await app.register(modelRoutes, { prefix: "/v1", driftline });
  await app.register(jobRoutes, { prefix: "/v1", driftline, metrics, heartbeatMs });
  await app.ready();
  return app;
}

const partNames: Record<string, string> = { querystring: "query", params: "path", headers: "headers" };

export interface Listening {
  /** Such as http://127.0.0.1:8080. */
  url: string;
  /** Ends streams of events, lets requests finish, and stops listening. */
  close(): Promise<void>;
}

/** Serves at host and port (0 for a free one). Errors: `usage` where it may not or cannot listen there. */
export async function listen(options: ServerOptions & { host: string; port: number }): Promise<Listening> {
  const { host, port, token, ...others } = options;
  refuseOpenServer(host, token);
  const app = await createServer({ ...others, token });
  try {
    const url = await app.listen({ host, port });
    return { url, close: () => app.close() };
  } catch (cause) {
    await app.close();
    const { code, message } = cause as NodeJS.ErrnoException;
    const why = code === "EADDRINUSE" ? "another program listens there" : message;
    throw fail("usage", `Listening at ${host}, port ${port}: ${why}.`, {
      field: code === "EADDRINUSE" || code === "EACCES" ? "http-port" : "host",
      remedy: "Name another with --host and --http-port.",
      cause,
    });
  }
}
