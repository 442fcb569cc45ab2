// /v1/tags, /v1/locks, /v1/samples: what campaigns rely on; and which of them used a model.

import type { Driftline } from "@driftline/client/api";
import { hit } from "@driftline/client/api";
import {
  imported,
  importRequest,
  lockPage,
  lockRequest,
  recall,
  retirement,
  retireRequest,
  runPath,
  runQuery,
  sample,
  samplePage,
  tagSummary,
  tagTable,
} from "@driftline/client/campaigns";
import { lock } from "@driftline/client/lock/lock";
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import { maxRunsBytes } from "../limits.ts";
import { page, pageLimit } from "../pages.ts";
import { bodyProblems, commonProblems, jsonResponse, missProblem, problemResponse } from "../schemas.ts";
import { answerResolution } from "./families.ts";
import { digestOrKey } from "./models.ts";

const tagParams = z.object({ tag: z.string().describe("Name of a tag") });
const noTag = { 404: problemResponse("No such tag") };
const listed = z.strictObject({
  tag: z.string().optional(),
  after: z.string().optional().describe("`next` of the page before"),
  limit: pageLimit,
});

export const campaignRoutes: FastifyPluginAsyncZod<{ driftline: Driftline }> = async (app, options) => {
  const { campaigns } = options.driftline;

  app.get(
    "/tags",
    {
      schema: {
        operationId: "listTags",
        tags: ["campaigns"],
        summary: "Tags, each with the runs that its table spans",
        response: {
          200: jsonResponse("All tags", z.object({ tags: z.array(tagSummary) })),
          409: problemResponse("Under a lock there are none"),
          ...commonProblems,
        },
      },
    },
    async () => ({ tags: await campaigns.tags() }),
  );

  app.post(
    "/tags",
    {
      bodyLimit: maxRunsBytes,
      config: { work: "upload" },
      schema: {
        operationId: "importRuns",
        tags: ["campaigns"],
        summary: "Import a table of runs, CSV or JSON: all of it or nothing",
        body: importRequest,
        response: {
          200: jsonResponse("What became of each tag", z.object({ imported: z.array(imported) })),
          409: problemResponse("A tag of it is frozen"),
          ...bodyProblems,
          ...commonProblems,
        },
      },
    },
    async ({ body }) => ({ imported: await campaigns.importRuns(body) }),
  );

  app.get(
    "/tags/:tag",
    {
      schema: {
        operationId: "getTag",
        tags: ["campaigns"],
        summary: "The table of runs of a tag",
        params: tagParams,
        response: {
          200: jsonResponse("The table", tagTable),
          ...noTag,
          409: problemResponse("Under a lock there are none"),
          ...commonProblems,
        },
      },
    },
    ({ params: { tag } }) => campaigns.tag(tag),
  );

  app.post(
    "/tags/:tag/freeze",
    {
      schema: {
        operationId: "freezeTag",
        tags: ["campaigns"],
        summary: "Close a tag: its table never changes again; freezing it again changes nothing",
        params: tagParams,
        response: {
          200: jsonResponse("The table", tagTable),
          ...noTag,
          409: problemResponse("Under a lock there are none"),
          ...commonProblems,
        },
      },
    },
    async ({ params: { tag } }) => {
      await campaigns.freeze(tag);
      return campaigns.tag(tag);
    },
  );

  app.get(
    "/tags/:tag/runs/:run",
    {
      schema: {
        operationId: "resolveRun",
        tags: ["campaigns"],
        summary: "The model of a family for a run, now or as it was at a time",
        params: runPath,
        querystring: runQuery,
        response: {
          200: jsonResponse("The model that serves the run", hit),
          404: problemResponse(
            "No model fits (code no_model, with the members of a miss), or no such tag, run or family",
            missProblem,
          ),
          409: problemResponse("Under a lock there are none"),
          ...commonProblems,
        },
      },
    },
    async ({ params: { tag, run }, query: { family, accept, asOf = null } }, reply) =>
      answerResolution(await campaigns.resolveRun(family, { tag, run, accept, asOf }), reply),
  );

  app.post(
    "/locks",
    {
      schema: {
        operationId: "makeLock",
        tags: ["campaigns"],
        summary: "Fix which bundle each run of a tag uses, and keep that as a lock",
        body: lockRequest,
        response: {
          200: jsonResponse("The lock", lock),
          404: problemResponse(
            "Models are missing (`missing` names them), or there is no such tag or family",
          ),
          409: problemResponse("Under a lock there are none"),
          ...bodyProblems,
          ...commonProblems,
        },
      },
    },
    ({ body }) => campaigns.lock(body),
  );

  app.get(
    "/locks",
    {
      config: { work: "listing" },
      schema: {
        operationId: "listLocks",
        tags: ["campaigns"],
        summary: "Locks, in the order in which they were made, a page at a time",
        querystring: listed,
        response: {
          200: jsonResponse("Locks", lockPage),
          409: problemResponse("Under a lock there are none"),
          ...commonProblems,
        },
      },
    },
    async ({ query: { tag, after, limit } }) => {
      const all =
        after === undefined ? campaigns.locks(tag) : following(campaigns.locks(tag), "digest", after);
      const { entries, more } = await page(all, limit);
      return { locks: entries, next: more ? entries[limit - 1].digest : null };
    },
  );

  app.get(
    "/samples",
    {
      config: { work: "listing" },
      schema: {
        operationId: "listSamples",
        tags: ["campaigns"],
        summary: "Registered samples, in the order in which they were, a page at a time",
        querystring: listed,
        response: {
          200: jsonResponse("Samples", samplePage),
          409: problemResponse("Under a lock there are none"),
          ...commonProblems,
        },
      },
    },
    async ({ query: { tag, after, limit } }) => {
      const all =
        after === undefined ? campaigns.samples(tag) : following(campaigns.samples(tag), "sha256", after);
      const { entries, more } = await page(all, limit);
      return { samples: entries, next: more ? entries[limit - 1].sha256 : null };
    },
  );

  app.post(
    "/samples",
    {
      schema: {
        operationId: "registerSample",
        tags: ["campaigns"],
        summary: "Note a sample, so that it is named when its bundle is recalled; once for a content",
        body: sample,
        response: {
          200: jsonResponse("Whether it is new", z.object({ registered: z.boolean() })),
          409: problemResponse("Under a lock there are none"),
          ...bodyProblems,
          ...commonProblems,
        },
      },
    },
    async ({ body }) => ({ registered: await campaigns.registerSample(body) }),
  );

  app.post(
    "/models/:digest/retire",
    {
      schema: {
        operationId: "retireModel",
        tags: ["models"],
        summary: "Take a model out of service for good; it can still be pulled by its digest",
        params: digestOrKey,
        body: retireRequest,
        response: {
          200: jsonResponse("The model, and how many used it", retirement),
          404: problemResponse("No such model"),
          409: problemResponse("Under a lock nothing is retired"),
          ...bodyProblems,
          ...commonProblems,
        },
      },
    },
    ({ params: { digest }, body: { reason } }) => campaigns.retire(digest, reason),
  );

  app.get(
    "/models/:digest/uses",
    {
      schema: {
        operationId: "recallModel",
        tags: ["models"],
        summary: "Locks that name a model and samples that were made with it",
        params: digestOrKey,
        response: {
          200: jsonResponse("Locks and samples", recall),
          404: problemResponse("No such model"),
          409: problemResponse("Under a lock nothing is told"),
          ...commonProblems,
        },
      },
    },
    ({ params: { digest } }) => campaigns.recall(digest),
  );
};

/** Entries behind the one that `after` names; none where nothing is called so. */
async function* following<T>(entries: AsyncIterable<T>, name: keyof T, after: string): AsyncGenerator<T> {
  let isBehind = false;
  for await (const entry of entries) {
    if (isBehind) yield entry;
    else isBehind = entry[name] === after;
  }
}
