// /healthz, /readyz, /metrics and the OpenAPI document: what machines ask about the server.

import type { Driftline } from "@driftline/client/api";
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import { fail } from "../../errors/registry.ts";
import type { Metrics } from "../metrics.ts";
import { guardProblems, jsonResponse, problemResponse } from "../schemas.ts";

const state = z.object({ status: z.string(), version: z.string() });

export interface HealthRoutesOptions {
  driftline: Driftline;
  metrics: Metrics;
  version: string;
}

export const healthRoutes: FastifyPluginAsyncZod<HealthRoutesOptions> = async (app, options) => {
  const { driftline, metrics, version } = options;

  app.get(
    "/healthz",
    {
      config: { work: "watching" },
      schema: {
        operationId: "health",
        tags: ["server"],
        summary: "Whether the process answers",
        response: { 200: jsonResponse("It does", state), ...guardProblems },
      },
    },
    async () => ({ status: "ok", version }),
  );

  app.get(
    "/readyz",
    {
      config: { work: "watching" },
      schema: {
        operationId: "readiness",
        tags: ["server"],
        summary: "Whether the catalogue behind it answers",
        response: {
          200: jsonResponse("It does", state),
          503: problemResponse("It does not"),
          ...guardProblems,
        },
      },
    },
    async (request) => {
      try {
        await driftline.families();
      } catch (error) {
        request.log.error({ err: error }, "the catalogue does not answer");
        throw fail("busy", "The catalogue does not answer.", { remedy: "The server's log says why." });
      }
      return { status: "ready", version };
    },
  );

  app.get(
    "/metrics",
    {
      config: { work: "watching" },
      schema: {
        operationId: "metrics",
        tags: ["server"],
        summary: "Figures for Prometheus",
        response: {
          200: { description: "Figures", content: { "text/plain": { schema: z.string() } } },
          401: problemResponse("The server asks for a token"),
          500: problemResponse("A fault of the server"),
          ...guardProblems,
        },
      },
    },
    async (_request, reply) =>
      reply.type("text/plain; version=0.0.4; charset=utf-8").send(await metrics.text()),
  );

  app.get(
    "/v1/openapi.json",
    {
      schema: {
        operationId: "openapi",
        tags: ["server"],
        summary: "This document",
        response: {
          200: jsonResponse("OpenAPI 3.1", z.looseObject({ openapi: z.string() })),
          401: problemResponse("The server asks for a token"),
          503: problemResponse("The server is busy: ask again after the time in Retry-After"),
          ...guardProblems,
        },
      },
    },
    async () => app.swagger() as unknown as { openapi: string },
  );
};
