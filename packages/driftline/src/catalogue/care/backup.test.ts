// A backup is the catalogue of one moment, taken while it is written to; what is restored is whole.

import assert from "node:assert/strict";
import { once } from "node:events";
import { chmodSync, existsSync, rmSync, writeFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { openCatalogue } from "../catalogue.ts";
import {
  ask,
  inChild,
  makeBundle,
  nextLine,
  scratchCatalogue,
  scratchDirectory,
  testFamily,
} from "../testing.ts";
import { backupCatalogue, restoreCatalogue } from "./backup.ts";

const first = makeBundle(ask());
const second = makeBundle(ask({ drift_velocity: "5.6" }));

async function assertHolds(directory: string, bundles: (typeof first)[]): Promise<void> {
  const catalogue = await openCatalogue(directory);
  try {
    for (const { question, digest } of bundles) {
      const resolution = await catalogue.resolve(question, testFamily, "exact");
      assert.equal(resolution.found && resolution.model.bundle, digest);
    }
    assert.equal((await Array.fromAsync(catalogue.models())).length, bundles.length);
    const report = await catalogue.verifyAll();
    assert.deepEqual([report.findings, report.lost], [[], []]);
  } finally {
    await catalogue.close();
  }
}

test("backed up, brought up to date and restored: bundles, bindings, nothing else", async (t) => {
  const catalogue = await scratchCatalogue(t);
  const target = join(await scratchDirectory(t), "backup");
  await catalogue.publish({ ...first, reason: "test" });
  await catalogue.blobs.putBytes(new TextEncoder().encode("a data set"));
  const one = await backupCatalogue(catalogue.dataDirectory, target);
  assert.deepEqual([one.bundles, one.blobs, one.damaged], [1, 5, []]);

  await catalogue.publish({ ...second, reason: "test" });
  const two = await backupCatalogue(catalogue.dataDirectory, target);
  assert.equal(two.bundles, 2);
  // card.md and bundle.json are all that the second bundle does not share with the first.
  assert.equal(two.copiedBytes, second.manifest.length + second.files["card.md"].length);

  const restored = join(await scratchDirectory(t), "new");
  assert.equal((await restoreCatalogue(target, restored)).bundles, 2);
  await assertHolds(restored, [first, second]);
  await assertHolds(target, [first, second]);
});

test("taken while another process publishes, a backup is whole", async (t) => {
  const directory = await scratchDirectory(t);
  const child = inChild(
    t,
    directory,
    `const catalogue = await c.openCatalogue(directory);
     for (let i = 0; ; i++) {
       await catalogue.publish({ ...c.makeBundle(c.ask({ drift_velocity: (1 + i / 100).toFixed(2) })), reason: "test" });
       if (i === 3) console.log("publishing");
     }`,
  );
  await nextLine(child);
  const target = join(await scratchDirectory(t), "backup");
  for (let last = 0, i = 0; i < 3; i++) {
    const { bundles, damaged } = await backupCatalogue(directory, target);
    assert.deepEqual(damaged, []);
    assert.ok(bundles > last);
    last = bundles;
    const copy = join(await scratchDirectory(t), "copy");
    await restoreCatalogue(target, copy);
    const catalogue = await openCatalogue(copy);
    assert.equal((await Array.fromAsync(catalogue.models())).length, bundles);
    assert.deepEqual((await catalogue.verifyAll()).findings, []);
    await catalogue.close();
  }
  child.kill("SIGKILL");
  await once(child, "exit");
});

test("a damaged bundle is named, and the others are backed up; a damaged backup is not restored unsaid", async (t) => {
  const catalogue = await scratchCatalogue(t);
  for (const bundle of [first, second]) await catalogue.publish({ ...bundle, reason: "test" });
  const target = join(await scratchDirectory(t), "backup");
  await backupCatalogue(catalogue.dataDirectory, target);
  const path = (directory: string) =>
    catalogue.blobs.path(second.digest).replace(catalogue.dataDirectory, directory);
  for (const directory of [catalogue.dataDirectory, target]) {
    chmodSync(path(directory), 0o644);
    writeFileSync(path(directory), "changed");
  }
  const [fresh, restored] = [join(await scratchDirectory(t), "a"), join(await scratchDirectory(t), "b")];
  for (const report of [
    await backupCatalogue(catalogue.dataDirectory, fresh),
    await restoreCatalogue(target, restored),
  ]) {
    assert.equal(report.damaged.length, 1);
    assert.match(report.damaged[0], new RegExp(second.digest));
    assert.equal(report.blobs, 5);
  }
});

test("foreign directories, catalogues in use and places without one are refused", async (t) => {
  const catalogue = await scratchCatalogue(t);
  const scratch = await scratchDirectory(t);
  await writeFile(join(scratch, "thesis.tex"), "");
  await assert.rejects(backupCatalogue(catalogue.dataDirectory, scratch), {
    code: "usage",
    message: /thesis/,
  });
  assert.ok(!existsSync(join(scratch, "catalogue.json")));
  await mkdir(join(scratch, "empty"));
  await assert.rejects(backupCatalogue(join(scratch, "empty"), join(scratch, "x")), { code: "usage" });
  await assert.rejects(restoreCatalogue(join(scratch, "empty"), join(scratch, "y")), { code: "usage" });
  const target = join(scratch, "backup");
  await backupCatalogue(catalogue.dataDirectory, target);
  await assert.rejects(restoreCatalogue(target, catalogue.dataDirectory), {
    code: "usage",
    field: "data-dir",
  });
  rmSync(join(target, "blobs"), { recursive: true, force: true });
  await restoreCatalogue(target, join(scratch, "new"));
});
