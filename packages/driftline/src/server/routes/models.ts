// /v1/models: published bundles, their files, and each as one tar.

import { type Driftline, model, modelPage } from "@driftline/client/api";
import { bundleManifest } from "@driftline/client/bundle";
import { tarBundle } from "@driftline/client/tar";
import { manifestFile, parseManifest } from "@driftline/client/verify";
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import { fail } from "../../errors/registry.ts";
import { quoted } from "../../family/quantity.ts";
import { page, pageLimit } from "../pages.ts";
import { commonProblems, jsonResponse, problemResponse } from "../schemas.ts";
import { sendFile } from "../sendFile.ts";

const params = z.object({
  digest: z
    .string()
    .regex(/^[0-9a-f]{8,64}$/, "a digest is 64 hexadecimal digits; at least 8 of them are needed")
    .describe("SHA-256 of bundle.json, or a unique prefix of at least 8 digits"),
});
/** A key names the model that serves it. */
export const digestOrKey = z.object({
  digest: z
    .string()
    .regex(
      /^(k1-)?[0-9a-f]{8,64}$/,
      "a digest is 64 hexadecimal digits, and a key k1- and 64 of them; at least 8 of them are needed",
    )
    .describe(
      "SHA-256 of bundle.json, or the key that the model serves; a unique prefix of at least 8 digits",
    ),
});
const fileParams = params.extend({ "*": z.string().describe("Path of a file in the bundle") });
const bytes = { schema: z.any().describe("The bytes of the file") };
const missing = { 404: problemResponse("No such model or file") };

export const modelRoutes: FastifyPluginAsyncZod<{ driftline: Driftline }> = async (app, { driftline }) => {
  app.get(
    "/models",
    {
      config: { work: "listing" },
      schema: {
        operationId: "listModels",
        tags: ["models"],
        summary: "Published models, newest first, a page at a time",
        querystring: z.strictObject({
          family: z.string().optional(),
          after: params.shape.digest.optional().describe("`next` of the page before"),
          limit: pageLimit,
        }),
        response: { 200: jsonResponse("Models", modelPage), ...missing, ...commonProblems },
      },
    },
    async ({ query: { limit, ...filter } }) => {
      const { entries, more } = await page(driftline.models(filter), limit);
      return { models: entries, next: more ? entries[limit - 1].bundle : null };
    },
  );

  app.get(
    "/models/:digest",
    {
      schema: {
        operationId: "getModel",
        tags: ["models"],
        summary: "One model, by the digest of its bundle or the key that it serves",
        params: digestOrKey,
        response: { 200: jsonResponse("The model", model), ...missing, ...commonProblems },
      },
    },
    ({ params: { digest } }) => driftline.model(digest),
  );

  app.get(
    "/models/:digest/manifest",
    {
      schema: {
        operationId: "getManifest",
        tags: ["models"],
        summary: "The bundle's manifest as JSON; its exact bytes are files/bundle.json",
        params,
        response: { 200: jsonResponse("bundle.json", bundleManifest), ...missing, ...commonProblems },
      },
    },
    async ({ params: { digest } }) => parseManifest(await driftline.manifest(digest), digest).manifest,
  );

  app.route({
    method: ["GET", "HEAD"],
    url: "/models/:digest/files/*",
    config: { work: "download" },
    schema: {
      operationId: "getFile",
      tags: ["models"],
      summary: "A file of a bundle; its ETag is its SHA-256",
      params: fileParams,
      response: {
        200: { description: "The file", content: { "application/octet-stream": bytes } },
        206: { description: "The range that was asked for", content: { "application/octet-stream": bytes } },
        304: z.undefined().describe("The client has it already"),
        416: problemResponse("The range lies outside the file"),
        ...missing,
        ...commonProblems,
      },
    },
    async handler(request, reply) {
      const { digest, "*": path } = request.params;
      const manifestBytes = await driftline.manifest(digest);
      const { digest: whole, manifest } = parseManifest(manifestBytes, digest);
      const immutable = whole === digest;
      if (path === manifestFile) {
        const open = async () => new Blob([Buffer.from(manifestBytes)]).stream();
        return sendFile({ path, size: manifestBytes.length, sha256: whole, immutable, open }, request, reply);
      }
      const file = manifest.files.find((each) => each.path === path);
      if (file === undefined) {
        throw fail("unknown_file", `Bundle ${digest} has no file ${quoted(path)}.`, {
          field: "path",
          remedy: `It has ${[manifestFile, ...manifest.files.map((each) => each.path)].join(", ")}.`,
        });
      }
      return sendFile({ ...file, immutable, open: () => driftline.file(whole, path) }, request, reply);
    },
  });

  app.get(
    "/models/:digest/bundle.tar",
    {
      exposeHeadRoute: false,
      config: { work: "download" },
      schema: {
        operationId: "getBundleTar",
        tags: ["models"],
        summary: "The whole bundle as one tar file",
        params,
        response: {
          200: { description: "The tar file", content: { "application/x-tar": bytes } },
          ...missing,
          ...commonProblems,
        },
      },
    },
    async ({ params: { digest } }, reply) => {
      const manifestBytes = await driftline.manifest(digest);
      const { digest: whole, manifest } = parseManifest(manifestBytes, digest);
      const name = `${manifest.family}-${whole.slice(0, 12)}.tar`.replaceAll(/[^A-Za-z0-9._-]/g, "_");
      reply.header("content-disposition", `attachment; filename="${name}"`).type("application/x-tar");
      return reply.send(tarBundle(driftline, whole, manifestBytes));
    },
  );
};
