// Upkeep names a damaged blob once, removes what was long unused, and stops when told.

import assert from "node:assert/strict";
import { chmodSync, utimesSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { ask, makeBundle, scratchCatalogue } from "../catalogue/testing.ts";
import { startUpkeep } from "./upkeep.ts";

/** No job is to judge a bundle. */
const store = { candidates: async () => [] };

test("rounds of upkeep", { timeout: 20_000 }, async (t) => {
  const catalogue = await scratchCatalogue(t);
  const { blobs } = catalogue;
  const bundle = makeBundle(ask());
  await catalogue.publish({ ...bundle, reason: "test" });
  const bytes = (text: string) => new TextEncoder().encode(text);
  const damaged = await blobs.putBytes(bytes("damaged"));
  const old = await blobs.putBytes(bytes("old"));
  chmodSync(blobs.path(damaged), 0o644);
  writeFileSync(blobs.path(damaged), "changed");
  utimesSync(blobs.path(old), 0, 0);

  const lines: string[] = [];
  const removed = Promise.withResolvers<void>();
  const upkeep = startUpkeep(
    { catalogue, store },
    30,
    (line) => {
      lines.push(line);
      if (line.startsWith("Removed")) removed.resolve();
    },
    { intervalMs: 5 },
  );
  await removed.promise;
  // Another round names nothing again.
  const later = await blobs.putBytes(bytes("later"));
  utimesSync(blobs.path(later), 0, 0);
  while ((await blobs.lastUse(later)) !== null) await new Promise((resolve) => setTimeout(resolve, 5));
  await upkeep.close();

  assert.equal(lines.filter((line) => line.includes(damaged)).length, 1);
  assert.match(lines[0], /doctor --repair/);
  assert.match(lines[1], /Removed 1 blob /);
  assert.deepEqual(
    (await blobs.list()).filter((digest) => [old, later, damaged].includes(digest)),
    [damaged],
  );
  assert.equal((await catalogue.manifest(bundle.digest)).length, bundle.manifest.length);
});

test("closing ends a round that waits", async (t) => {
  const catalogue = await scratchCatalogue(t);
  const upkeep = startUpkeep({ catalogue, store }, 30, () => {});
  await upkeep.close();
});
