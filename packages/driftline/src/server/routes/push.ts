// POST /v1/models: a bundle made elsewhere, as a plain tar; the answer names the job that judges it.

import type { IncomingMessage } from "node:http";
import { type Driftline, job, model } from "@driftline/client/api";
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import { fail } from "../../errors/registry.ts";
import type { CheckDataFiles } from "../dataFiles.ts";
import { bodyProblems, commonProblems, jsonResponse, problemResponse, refusalProblem } from "../schemas.ts";

const type = "application/x-tar";
const paths = z.union([z.string(), z.array(z.string())]).optional();

export const pushRoute: FastifyPluginAsyncZod<{
  driftline: Driftline;
  checkDataFiles: CheckDataFiles;
}> = async (app, { driftline, checkDataFiles }) => {
  // Whatever is sent is read as it comes, by the one who takes it apart.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(type, (_request, body, done) => done(null, body));
  app.addHook("onRequest", async ({ headers }) => {
    const [given] = (headers["content-type"] ?? "").toLowerCase().split(";");
    if (given.trim() === type) return;
    throw fail(
      "unsupported_media_type",
      `The body of the request is ${given || "of no type"}, not ${type}.`,
      {
        field: "content-type",
        remedy: `Send the bundle as a plain tar with the header Content-Type: ${type}; \`driftline push\` does.`,
      },
    );
  });

  app.post(
    "/models",
    {
      config: { work: "upload" },
      schema: {
        operationId: "pushModel",
        tags: ["models"],
        summary: "Publish a bundle made elsewhere: it is verified, and judged again before it serves",
        description:
          "The body is a plain tar: bundle.json first, then the files that it lists, as `bundle.tar` of a model has them. " +
          "The job judges the model by the gates of the family as it is here.",
        querystring: z.strictObject({
          data: paths.describe(
            "A file with responses to judge it by, by its path on the server; may be repeated",
          ),
        }),
        consumes: [type],
        body: z.custom<IncomingMessage>().describe("The bundle as a tar"),
        response: {
          200: jsonResponse("The bundle is there already", model),
          202: jsonResponse("A job judges it; Location names the job", job),
          404: problemResponse("The family, or its version, is not known here"),
          409: problemResponse(
            "The bundle was refused here before, or claims what cannot be tested",
            refusalProblem,
          ),
          ...bodyProblems,
          ...commonProblems,
        },
      },
    },
    async (request, reply) => {
      const { body } = request;
      const files = [request.query.data ?? []].flat();
      const data = files.length === 0 ? undefined : { files: await checkDataFiles(files) };
      try {
        // Ending early must not end the connection: the answer goes out on it.
        const tar = { open: () => body.iterator({ destroyOnReturn: false }) };
        const answered = await driftline.push(tar, { data });
        if (answered.model !== null) return reply.code(200).send(answered.model);
        return reply.code(202).header("location", `/v1/jobs/${answered.job.id}`).send(answered.job);
      } finally {
        body.resume();
      }
    },
  );
};
