// The HTTP server: a catalogue, in process, offered under /v1.

import type { Driftline, Job } from "@driftline/client/api";
import fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from "fastify";
import type { z } from "zod";
import packageJson from "../../package.json" with { type: "json" };
import { fail } from "../errors/registry.ts";
import { refuseOpenServer, requireToken, tokenCheck } from "./auth.ts";
import { trackConnections } from "./connections.ts";
import { dataFileCheck } from "./dataFiles.ts";
import { requestGuard } from "./guard.ts";
import { invalidRequest } from "./invalid.ts";
import { parseJsonBodies } from "./jsonBody.ts";
import { defaultLimits, type Limits, maxBodyBytes, type RouteWork } from "./limits.ts";
import { countRequests } from "./metrics.ts";
import { registerOpenApi } from "./openapi.ts";
import { answerUnknownRoutes, ignoreExpectations, sendProblem } from "./problems.ts";
import { campaignRoutes } from "./routes/campaigns.ts";
import { familyRoutes, type ResolveJson } from "./routes/families.ts";
import { healthRoutes } from "./routes/health.ts";
import { jobRoutes } from "./routes/jobs.ts";
import { modelRoutes } from "./routes/models.ts";
import { pushRoute } from "./routes/push.ts";
import { shortWay } from "./shortWay.ts";
import type { TlsPair } from "./tls.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** The bound that a route's requests count for; `request` if not given. */
    work?: RouteWork;
  }
}

export interface ServerOptions {
  driftline: Driftline;
  /** Answers questions in place of `driftline.resolve`, with a hit as JSON where that is cheaper. */
  resolveJson?: ResolveJson;
  /** How many jobs are in each state; by default they are listed and counted. */
  jobCounts?: () => Promise<Map<Job["state"], number>>;
  /** Asked of every request but those for health. */
  token?: string | null;
  /** Address that it will listen at; a Host header must name it where it is loopback. */
  host?: string;
  /** Further names that Host and Origin may have there. */
  allowedHosts?: string[];
  /** Folders whose files clients may name. By default any file without a token, as the server is loopback's; else none. */
  dataDirectories?: string[] | null;
  /** Addresses of folders on other servers whose files clients may name; none by default. */
  dataAddresses?: string[];
  tls?: TlsPair | null;
  limits?: Partial<Limits>;
  /** Time between comments on a quiet stream of events. */
  heartbeatMs?: number;
  /** Where faults are logged; warnings and errors go to standard error by default. */
  logger?: FastifyBaseLogger;
}

/** The app, not yet listening; `app.inject` answers without a socket. */
export async function createServer(options: ServerOptions): Promise<FastifyInstance> {
  const { driftline, token, heartbeatMs = 15_000, logger, tls, host = "127.0.0.1" } = options;
  const connections = trackConnections({ ...defaultLimits, ...options.limits }, tls);
  const guard = requestGuard(host, options.allowedHosts ?? []);
  const hasToken = tokenCheck(token);
  const { resolveJson = driftline.resolve, jobCounts = () => countJobs(driftline) } = options;
  let closing = false;
  const short = shortWay({
    resolveJson,
    isWelcome: (request) =>
      !closing &&
      guard(request) === undefined &&
      hasToken(request.headers.authorization) &&
      connections.hasRoom(request, "request"),
    admit: (request, response) => connections.admit(request, response, "request"),
    count: (...counted) => metrics.count(...counted),
  });
  const app: FastifyInstance = fastify({
    ...(logger ? { loggerInstance: logger } : { logger: { level: "warn", stream: process.stderr } }),
    logController: new LogController({ disableRequestLogging: true }),
    // A logger of its own for each request would cost as much as finding the model.
    childLoggerFactory: (log) => log,
    bodyLimit: maxBodyBytes,
    routerOptions: { maxParamLength: 512 },
    serverFactory: (handler) => connections.serve(short.before(handler)),
    // Requests that came before the server was told to stop are answered.
    return503OnClosing: false,
    frameworkErrors: sendProblem,
    clientErrorHandler: connections.onClientError,
  });
  app.setValidatorCompiler<z.ZodType>(({ schema, httpPart = "request" }) => (given) => {
    const parsed = schema.safeParse(given);
    if (parsed.success) return { value: parsed.data };
    return { error: invalidRequest(parsed.error, schema, partNames[httpPart] ?? httpPart, given) };
  });
  // Answers come from the platform, typed and tested; the schemas of responses document them.
  app.setSerializerCompiler(() => (answer) => JSON.stringify(answer));
  app.setErrorHandler(sendProblem);
  const metrics = countRequests(app, connections.figures, jobCounts);
  answerUnknownRoutes(app);
  short.replayBodies(app);
  app.addHook("onRequest", (request, _reply, done) => done(guard(request.raw)));
  ignoreExpectations(app);
  if (token) requireToken(app, hasToken);
  app.addHook("onRequest", (request, reply, done) =>
    done(connections.admit(request.raw, reply.raw, request.routeOptions.config?.work ?? "request")),
  );
  let stopWaiting = () => {};
  app.addHook("preClose", async () => {
    closing = true;
    stopWaiting = connections.shutDown();
  });
  app.addHook("onClose", async () => stopWaiting());
  parseJsonBodies(app);
  await registerOpenApi(app, packageJson.version, Boolean(token));
  await app.register(healthRoutes, { driftline, metrics, version: packageJson.version });
  const checkDataFiles = dataFileCheck(options.dataDirectories ?? (token ? [] : null), options.dataAddresses);
  await app.register(familyRoutes, { prefix: "/v1", driftline, resolveJson, checkDataFiles });
  await app.register(modelRoutes, { prefix: "/v1", driftline });
  await app.register(pushRoute, { prefix: "/v1", driftline, checkDataFiles });
  await app.register(campaignRoutes, { prefix: "/v1", driftline });
  await app.register(jobRoutes, { prefix: "/v1", driftline, heartbeatMs });
  await app.ready();
  return app;
}

async function countJobs(driftline: Driftline): Promise<Map<Job["state"], number>> {
  const counts = new Map<Job["state"], number>();
  for await (const { state } of driftline.jobs()) counts.set(state, (counts.get(state) ?? 0) + 1);
  return counts;
}

const partNames: Record<string, string> = { querystring: "query", params: "path", headers: "headers" };

export interface Listening {
  /** Such as http://127.0.0.1:8080; https under TLS. */
  url: string;
  /** Stops listening, ends streams of events, and lets other answers go on for a few seconds. */
  close(): Promise<void>;
}

/** Serves at host and port (0 for a free one). Errors: `usage` where it may not or cannot listen there. */
export async function listen(options: ServerOptions & { host: string; port: number }): Promise<Listening> {
  const { host, port, token, tls } = options;
  refuseOpenServer(host, token);
  const app = await createServer(options);
  try {
    const url = await app.listen({ host, port });
    return { url: tls ? url.replace("http:", "https:") : url, close: () => app.close() };
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
