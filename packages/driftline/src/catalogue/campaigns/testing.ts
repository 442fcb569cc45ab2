// What tests of campaigns share: tables of the test family, locks and samples, and a catalogue that has one of each.

import { hash } from "node:crypto";
import type { TestContext } from "node:test";
import { type Lock, lockFormat, sealLock } from "@driftline/client/lock/lock";
import type { Catalogue } from "../catalogue.ts";
import { ask, makeBundle, scratchCatalogue, type TestBundle, testFamily } from "../testing.ts";
import { readRuns } from "./readRuns.ts";

/** Rows of a table with the columns tag, first and last run, and drift velocity. */
export function rowsOf(csv: string) {
  return readRuns("runs.csv", new TextEncoder().encode(`tag,first_run,last_run,drift_velocity\n${csv}`), [
    testFamily,
  ]);
}

/** A lock of ten runs for each bundle. */
export function lockOf(tag: string, bundles: TestBundle[]): Lock {
  return sealLock({
    format: lockFormat,
    tag,
    createdAt: new Date().toISOString(),
    runs: hash("sha256", tag),
    accept: "exact",
    ranges: bundles.map(({ question, digest }, i) => {
      const { family, familyVersion, conditions, software, key } = question;
      const asked = { family, familyVersion, conditions, software, key };
      return {
        firstRun: i * 10,
        lastRun: i * 10 + 9,
        ...asked,
        bundle: digest,
        match: "exact" as const,
        distance: "0",
      };
    }),
  });
}

export const sample = (bundle: string, name: string) => ({
  file: `/data/${name}`,
  sha256: hash("sha256", name),
  size: 10,
  bundle,
  lock: null,
  tag: "mc",
  provenance: { seed: "1", events: "10" },
});

/** Two models, a tag, a lock of both models and a sample of the first. */
export async function filled(
  t: TestContext,
): Promise<{ catalogue: Catalogue; bundles: TestBundle[]; lock: Lock }> {
  const catalogue = await scratchCatalogue(t);
  const bundles = [makeBundle(ask()), makeBundle(ask({ drift_velocity: "6" }), { salt: "other" })];
  for (const bundle of bundles) await catalogue.publish({ ...bundle, reason: "test" });
  await catalogue.campaigns.importRuns("runs.csv", rowsOf("mc,0,9,5.5\nmc,10,19,6\n"));
  const lock = lockOf("mc", bundles);
  await catalogue.campaigns.registerLock(lock);
  await catalogue.campaigns.registerSample(sample(bundles[0].digest, "a"));
  return { catalogue, bundles, lock };
}
