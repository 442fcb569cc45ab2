// Collecting: what no bundle holds goes when it was long unused, and nothing that is in use.

import assert from "node:assert/strict";
import { utimesSync } from "node:fs";
import { test } from "node:test";
import { ask, inChild, makeBundle, nextLine, scratchCatalogue } from "../testing.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const day = 24 * 3600 * 1000;

test("old blobs of no bundle go, recent ones and those of bundles stay, withdrawn ones too", async (t) => {
  const catalogue = await scratchCatalogue(t);
  const { blobs } = catalogue;
  const bundle = makeBundle(ask());
  await catalogue.publish({ ...bundle, reason: "test" });
  await catalogue.withdraw(bundle.digest, "test");
  const age = (digest: string) => utimesSync(blobs.path(digest), 0, (Date.now() - 2 * day) / 1000);
  const [old, recent, again, touched] = await Promise.all(
    ["old", "recent", "again", "touched"].map((text) => blobs.putBytes(bytes(text))),
  );
  for (const digest of await blobs.list()) if (digest !== recent) age(digest);
  await blobs.putBytes(bytes("again"));
  await blobs.touch(touched);
  const before = Date.now() - day;
  assert.deepEqual(await catalogue.collectUnused(before, { rehearse: true }), {
    removed: 1,
    bytes: 3,
    recent: 3,
  });
  assert.ok((await blobs.list()).includes(old));
  assert.deepEqual(await catalogue.collectUnused(before), { removed: 1, bytes: 3, recent: 3 });
  const left = await blobs.list();
  assert.ok(!left.includes(old));
  for (const digest of [recent, again, touched]) assert.ok(left.includes(digest));
  assert.deepEqual((await catalogue.verifyAll()).findings, []);
});

test("publishers and collectors at once: every bundle is whole", async (t) => {
  const catalogue = await scratchCatalogue(t);
  const { blobs } = catalogue;
  // Another process keeps putting the files of bundles that the collector sees as old ones of no bundle.
  const child = inChild(
    t,
    catalogue.dataDirectory,
    `const { utimesSync } = await import("node:fs");
     const catalogue = await c.openCatalogue(directory);
     for (let i = 0; i < 50; i++) {
       const bundle = c.makeBundle(c.ask({ drift_velocity: (1 + i / 100).toFixed(2) }), { salt: String(i) });
       for (const file of Object.values(bundle.files)) {
         const digest = await catalogue.blobs.putBytes(file);
         try { utimesSync(catalogue.blobs.path(digest), 0, 0); } catch {}
       }
       await catalogue.publish({ ...bundle, reason: "test" });
     }
     console.log("published");`,
  );
  const done = nextLine(child);
  let ended = false;
  void done.finally(() => {
    ended = true;
  });
  let removed = 0;
  while (!ended) removed += (await catalogue.collectUnused(day)).removed;
  assert.equal(await done, "published");
  assert.ok(removed > 0, "the collector never met an old blob");
  const report = await catalogue.verifyAll();
  assert.deepEqual([report.findings, report.bundles], [[], 50]);
  assert.ok((await blobs.list()).length > 150);
});
