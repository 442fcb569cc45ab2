// /v1/families: what kinds of model there are; asking for one, and having it made.

import {
  type Driftline,
  ensureRequest,
  familySummary,
  hit,
  job,
  type Resolution,
  type ResolveRequest,
  resolveRequest,
} from "@driftline/client/api";
import type { FastifyReply } from "fastify";
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import { toProblem } from "../../errors/problem.ts";
import { fail } from "../../errors/registry.ts";
import { quoted } from "../../family/quantity.ts";
import type { CheckDataFiles } from "../dataFiles.ts";
import {
  bodyProblems,
  commonProblems,
  jsonResponse,
  missProblem,
  problemResponse,
  refusalProblem,
} from "../schemas.ts";

const params = z.object({ family: z.string().describe("Name of a family, such as mpd.tpc") });
const repeated = z.union([z.string(), z.array(z.string())]).optional();
const resolveQuery = z.strictObject({
  at: repeated.describe("A condition as name=value, such as drift_velocity=5.5cm/us; may be repeated"),
  software: repeated.describe("A component as name=name/version, such as simulator=mpdroot/unknown"),
  accept: z.enum(["exact", "compatible"]).optional(),
});
const resolveResponses = {
  200: jsonResponse("The model that answers the question", hit),
  404: problemResponse(
    "No model fits (code no_model, with the members of a miss), or no such family",
    missProblem,
  ),
  ...commonProblems,
};

export type ResolveJson = (family: string, request: ResolveRequest) => Promise<Resolution | string>;

export interface FamilyRoutesOptions {
  driftline: Driftline;
  resolveJson: ResolveJson;
  checkDataFiles: CheckDataFiles;
}

export const familyRoutes: FastifyPluginAsyncZod<FamilyRoutesOptions> = async (app, options) => {
  const { driftline, resolveJson, checkDataFiles } = options;

  app.get(
    "/families",
    {
      schema: {
        operationId: "listFamilies",
        tags: ["families"],
        summary: "Families with their conditions, inputs and output",
        response: {
          200: jsonResponse("All families", z.object({ families: z.array(familySummary) })),
          ...commonProblems,
        },
      },
    },
    async () => ({ families: await driftline.families() }),
  );

  app.get(
    "/families/:family",
    {
      schema: {
        operationId: "getFamily",
        tags: ["families"],
        summary: "One family",
        params,
        response: {
          200: jsonResponse("The family", familySummary),
          404: problemResponse("No such family"),
          ...commonProblems,
        },
      },
    },
    async ({ params: { family } }) => {
      const families = await driftline.families();
      const found = families.find(({ name }) => name === family);
      if (found !== undefined) return found;
      throw fail("unknown_family", `There is no family ${JSON.stringify(family)}.`, {
        field: "family",
        remedy: `Families here: ${families.map(({ name }) => name).join(", ") || "none"}.`,
      });
    },
  );

  app.post(
    "/families/:family/resolve",
    {
      schema: {
        operationId: "resolve",
        tags: ["families"],
        summary: "The model for conditions, or why there is none",
        params,
        body: resolveRequest,
        response: { ...resolveResponses, ...bodyProblems },
      },
    },
    async (request, reply) => answerResolution(await resolveJson(request.params.family, request.body), reply),
  );

  app.get(
    "/families/:family/resolve",
    {
      schema: {
        operationId: "resolveByQuery",
        tags: ["families"],
        summary: "The same question in a URL: ?at=drift_velocity=5.5cm/us&accept=compatible",
        params,
        querystring: resolveQuery,
        response: resolveResponses,
      },
    },
    async ({ params: { family }, query }, reply) => {
      const question: ResolveRequest = {
        conditions: assignments("at", query.at),
        software: assignments("software", query.software),
        accept: query.accept,
      };
      return answerResolution(await resolveJson(family, question), reply);
    },
  );

  app.post(
    "/families/:family/ensure",
    {
      schema: {
        operationId: "ensure",
        tags: ["families"],
        summary: "The model for conditions, or the job that makes it",
        params,
        body: ensureRequest,
        response: {
          200: jsonResponse("The model is there", hit),
          202: jsonResponse("A job makes it; Location names the job", job),
          404: problemResponse("No such family"),
          409: problemResponse("The model of this recipe was refused by validation", refusalProblem),
          ...bodyProblems,
          ...commonProblems,
        },
      },
    },
    async ({ params: { family }, body }, reply) => {
      const data = body.data && { files: await checkDataFiles(body.data.files) };
      const answered = await driftline.ensure(family, { ...body, data });
      if (answered.model !== null) return reply.code(200).send(answered.model);
      return reply.code(202).header("location", `/v1/jobs/${answered.job.id}`).send(answered.job);
    },
  );
};

/** A hit, or its opposite as a problem document with the members of the miss. */
export function answerResolution(resolution: Resolution | string, reply: FastifyReply) {
  if (typeof resolution === "string") {
    return reply
      .code(200)
      .type("application/json")
      .send(resolution as never);
  }
  if (resolution.found) return reply.code(200).type("application/json").send(resolution);
  const problem = toProblem(
    fail("no_model", resolution.reason, {
      remedy: "Have it made (ensure), or accept compatible models.",
      data: resolution,
    }),
  );
  return reply.code(404).type("application/problem+json").send(JSON.stringify(problem));
}

/** ["a=1", "b=2"] as { a: "1", b: "2" }. */
function assignments(field: string, given: string | string[] | undefined): Record<string, string> {
  const values: Record<string, string> = {};
  for (const text of [given ?? []].flat()) {
    const at = text.indexOf("=");
    const name = text.slice(0, Math.max(at, 0));
    if (name === "" || Object.hasOwn(values, name)) {
      const what = name === "" ? "is not name=value" : "names it a second time";
      throw fail("usage", `${field}=${quoted(text)} in the query ${what}.`, {
        field,
        remedy: "Write for example ?at=drift_velocity=5.5cm/us&at=magnetic_field=0.5T.",
      });
    }
    // Not by assignment: "__proto__" is a name like any other, and unknown.
    Object.defineProperty(values, name, { value: text.slice(at + 1), enumerable: true });
  }
  return values;
}
