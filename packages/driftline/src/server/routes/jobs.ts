// /v1/jobs: what is being made, its events as they happen, and stopping it.

import { Readable } from "node:stream";
import { type Driftline, job, jobPage } from "@driftline/client/api";
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import { eventStream } from "../eventStream.ts";
import { page, pageLimit } from "../pages.ts";
import { commonProblems, jsonResponse, problemResponse } from "../schemas.ts";

const params = z.object({ id: z.string().describe("Number of the job") });
const missing = { 404: problemResponse("No such job") };
const position = z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

export interface JobRoutesOptions {
  driftline: Driftline;
  heartbeatMs: number;
}

export const jobRoutes: FastifyPluginAsyncZod<JobRoutesOptions> = async (app, options) => {
  const { driftline, heartbeatMs } = options;
  // Streams would keep a server from closing: they are ended, and clients go on with the next server.
  const closing = new AbortController();
  app.addHook("preClose", async () => closing.abort());

  app.get(
    "/jobs",
    {
      config: { work: "listing" },
      schema: {
        operationId: "listJobs",
        tags: ["jobs"],
        summary: "Jobs, newest first, a page at a time",
        querystring: z.strictObject({
          after: z.string().optional().describe("`next` of the page before"),
          limit: pageLimit,
        }),
        response: { 200: jsonResponse("Jobs", jobPage), ...missing, ...commonProblems },
      },
    },
    async ({ query: { limit, ...filter } }) => {
      const { entries, more } = await page(driftline.jobs(filter), limit);
      return { jobs: entries, next: more ? entries[limit - 1].id : null };
    },
  );

  app.get(
    "/jobs/:id",
    {
      schema: {
        operationId: "getJob",
        tags: ["jobs"],
        summary: "One job with its stages",
        params,
        response: { 200: jsonResponse("The job", job), ...missing, ...commonProblems },
      },
    },
    ({ params: { id } }) => driftline.job(id),
  );

  app.post(
    "/jobs/:id/cancel",
    {
      schema: {
        operationId: "cancelJob",
        tags: ["jobs"],
        summary: "Stop a job; one that has ended stays as it is",
        params,
        response: { 200: jsonResponse("The job", job), ...missing, ...commonProblems },
      },
    },
    ({ params: { id } }) => driftline.cancel(id),
  );

  app.get(
    "/jobs/:id/report",
    {
      exposeHeadRoute: false,
      config: { work: "download" },
      schema: {
        operationId: "getReport",
        tags: ["jobs"],
        summary: "The validation report of a job, also of one that was refused",
        params,
        response: {
          200: { description: "One page", content: { "text/html": { schema: z.string() } } },
          404: problemResponse("No such job, or it has no report"),
          ...commonProblems,
        },
      },
    },
    async ({ params: { id } }, reply) => {
      const report = await driftline.report(id);
      // As with the report in a bundle: a page must not act in the name of this server.
      reply.header("content-security-policy", "sandbox").header("x-content-type-options", "nosniff");
      return reply.type("text/html; charset=utf-8").send(Buffer.from(report) as never);
    },
  );

  app.get(
    "/jobs/:id/events",
    {
      exposeHeadRoute: false,
      config: { work: "events" },
      schema: {
        operationId: "jobEvents",
        tags: ["jobs"],
        summary: "Events of a job as server-sent events, from the first or after one that is named",
        description:
          "Each message is a JobEvent whose `seq` is the message's id. A comment comes every 15 s. " +
          "When the job has ended the last message is `event: end` with its state.",
        params,
        querystring: z.strictObject({ after: position.optional().describe("Only events after this one") }),
        headers: z.object({
          "last-event-id": position
            .optional()
            .describe("The same, as browsers send it; it goes before `after`"),
        }),
        response: {
          200: { description: "Events", content: { "text/event-stream": { schema: z.string() } } },
          ...missing,
          ...commonProblems,
        },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      await driftline.job(id);
      const gone = new AbortController();
      reply.raw.once("close", () => gone.abort());
      const stream = eventStream(driftline, id, {
        after: request.headers["last-event-id"] ?? request.query.after ?? 0,
        signal: AbortSignal.any([closing.signal, gone.signal]),
        heartbeatMs,
      });
      reply.header("cache-control", "no-store").header("x-accel-buffering", "no").type("text/event-stream");
      return reply.send(Readable.from(stream, { objectMode: false, highWaterMark: 16 * 1024 }) as never);
    },
  );
};
