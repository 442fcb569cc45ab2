// Campaigns behind a server, over HTTP.

import { z } from "zod";
import { hit, miss } from "./api.ts";
import {
  type Campaigns,
  imported,
  lockPage,
  recall,
  retirement,
  samplePage,
  tagSummary,
  tagTable,
} from "./campaigns.ts";
import { lock } from "./lock/lock.ts";
import { type Asking, listing, pageQuery, query, segments } from "./requests.ts";

export function connectCampaigns({ ask, read, get }: Asking): Campaigns {
  async function post<T>(schema: z.ZodType<T>, path: string, body?: unknown): Promise<T> {
    return read(schema, (await ask(path, { method: "POST", body }))[1]);
  }

  return {
    tags: async () => (await get(z.object({ tags: z.array(tagSummary) }), "v1/tags")).tags,
    tag: (name) => get(tagTable, segments`v1/tags/${name}`),
    importRuns: async (request) =>
      (await post(z.object({ imported: z.array(imported) }), "v1/tags", request)).imported,
    async freeze(tag) {
      await post(tagTable, segments`v1/tags/${tag}/freeze`);
    },
    async resolveRun(family, { tag, run, accept, asOf }) {
      const path = segments`v1/tags/${tag}/runs/${String(run)}`;
      const asked = query({ family, accept, asOf: asOf ?? undefined });
      const [status, json] = await ask(`${path}${asked}`, {}, [404]);
      return status === 404 ? read(miss, json) : read(hit, json);
    },
    lock: (request) => post(lock, "v1/locks", request),
    locks: (tag) =>
      listing(async (after) => {
        const { locks, next } = await get(
          lockPage,
          `v1/locks${pageQuery({ tag, after: after ?? undefined })}`,
        );
        return [locks, next];
      }),
    registerSample: async (sample) =>
      (await post(z.object({ registered: z.boolean() }), "v1/samples", sample)).registered,
    samples: (tag) =>
      listing(async (after) => {
        const { samples, next } = await get(
          samplePage,
          `v1/samples${pageQuery({ tag, after: after ?? undefined })}`,
        );
        return [samples, next];
      }),
    retire: (bundle, reason) => post(retirement, segments`v1/models/${bundle}/retire`, { reason }),
    recall: (bundle) => get(recall, segments`v1/models/${bundle}/uses`),
  };
}
