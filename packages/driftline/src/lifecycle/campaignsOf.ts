// Campaigns of a data directory, as the interface has them.

import type { Campaigns } from "@driftline/client/campaigns";
import { readRuns } from "../catalogue/campaigns/readRuns.ts";
import { type Catalogued, makeLock, resolveRun } from "./campaigns.ts";

export function campaignsOf(platform: Catalogued): Campaigns {
  const { catalogue, families } = platform.opened;
  const { campaigns } = catalogue;
  return {
    tags: campaigns.tags,
    async tag(name) {
      const { table, frozen, content } = await campaigns.tag(name);
      return { ...table, frozen, content };
    },
    importRuns: async ({ file, content, replace = false }) =>
      campaigns.importRuns(file, readRuns(file, new TextEncoder().encode(content), families.values()), {
        replace,
      }),
    freeze: campaigns.freeze,
    resolveRun: (family, at) => resolveRun(platform, family, at),
    lock: ({ tag, families: names = [], accept = "exact" }) =>
      makeLock(platform, { tag, families: names, accept }),
    async *locks(tag) {
      yield* await campaigns.locks(tag);
    },
    registerSample: campaigns.registerSample,
    async *samples(tag) {
      yield* await campaigns.samples(tag);
    },
    async retire(bundle, reason) {
      const model = await catalogue.retire(bundle, reason);
      const { locks, samples } = await campaigns.uses(model.bundle);
      const retired = (await catalogue.retirement(model.bundle)) ?? reason;
      return { ...model, retired, locks: locks.length, samples: samples.length };
    },
    async recall(prefix) {
      // A sample can have been made with a bundle of another catalogue, named by all its digits.
      const whole = /^[0-9a-f]{64}$/.test(prefix) ? await campaigns.uses(prefix) : null;
      const isUsed = whole !== null && whole.locks.length + whole.samples.length > 0;
      const bundle = isUsed ? prefix : (await catalogue.model(prefix)).bundle;
      const { locks, samples } = whole ?? (await campaigns.uses(bundle));
      return { bundle, retired: await catalogue.retirement(bundle), locks, samples };
    },
  };
}
