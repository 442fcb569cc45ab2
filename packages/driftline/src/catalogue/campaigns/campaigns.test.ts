// Locks, samples and retirements: what is recalled, what is refused, and that none of it is lost with the database.

import assert from "node:assert/strict";
import { appendFile, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import type { Lock } from "@driftline/client/lock/lock";
import { connectSnapshot } from "@driftline/client/snapshot/connectSnapshot";
import { verifySnapshot } from "@driftline/client/snapshot/verifySnapshot";
import { backupCatalogue, restoreCatalogue } from "../care/backup.ts";
import { repairCatalogue } from "../care/repair.ts";
import { type Catalogue, openCatalogue } from "../catalogue.ts";
import { publishTest } from "../snapshot/testing.ts";
import {
  ask,
  inChild,
  makeBundle,
  scratchCatalogue,
  scratchDirectory,
  type TestBundle,
  testFamily,
} from "../testing.ts";
import { filled, rowsOf, sample } from "./testing.ts";

test("the locks and samples that used a bundle are recalled, each once", async (t) => {
  const { catalogue, bundles, lock } = await filled(t);
  const { campaigns } = catalogue;
  await campaigns.registerLock(lock);
  assert.equal(await campaigns.registerSample(sample(bundles[0].digest, "a")), false);
  assert.equal(await campaigns.registerSample(sample(bundles[0].digest, "b")), true);
  const uses = await campaigns.uses(bundles[0].digest);
  assert.deepEqual(
    uses.locks.map(({ digest, tag }) => [digest, tag]),
    [[lock.digest, "mc"]],
  );
  assert.deepEqual(
    uses.samples.map(({ file, provenance }) => [file, provenance.events]),
    [
      ["/data/a", "10"],
      ["/data/b", "10"],
    ],
  );
  assert.deepEqual((await campaigns.uses(bundles[1].digest)).samples, []);
});

test("a retired bundle serves no more, exactly or compatibly, is not brought back by publishing, and can be read", async (t) => {
  const catalogue = await scratchCatalogue(t);
  const domain: Record<string, [number, number]> = { drift_velocity: [5.45, 5.55] };
  const bundle = makeBundle(ask(), { domain });
  await catalogue.publish({ ...bundle, reason: "test" });
  const { serving } = await catalogue.retire(bundle.digest, "gain map was wrong");
  assert.equal(serving, false);
  for (const question of [ask(), ask({ drift_velocity: "5.52" })]) {
    assert.equal((await catalogue.resolve(question, testFamily, "compatible")).found, false);
  }
  await assert.rejects(catalogue.publish({ ...bundle, reason: "test" }), {
    code: "refused",
    message: /was retired: gain map was wrong/,
  });
  assert.deepEqual(Buffer.from(await catalogue.manifest(bundle.digest)), Buffer.from(bundle.manifest));
  // One that was superseded before is retired too, and the one that serves is left alone.
  const [older, newer] = ["older", "newer"].map((salt) => makeBundle(ask({ gas: "P10" }), { salt }));
  for (const each of [older, newer]) await catalogue.publish({ ...each, reason: "test" });
  await catalogue.retire(older.digest, "bad");
  assert.equal((await catalogue.model(newer.digest)).serving, true);
  await catalogue.withdraw(newer.digest, "test");
  await assert.rejects(catalogue.publish({ ...older, reason: "test" }), { code: "refused" });
  // The first reason stays.
  await catalogue.retire(older.digest, "worse");
  assert.equal(await catalogue.retirement(older.digest), "bad");
});

async function assertWhole(catalogue: Catalogue, bundles: TestBundle[], lock: Lock): Promise<void> {
  const { campaigns } = catalogue;
  assert.equal((await campaigns.tag("mc")).table.ranges.length, 2);
  const { locks, samples } = await campaigns.uses(bundles[0].digest);
  assert.equal(samples.length, 1);
  assert.deepEqual(await campaigns.lock(locks[0].content), lock);
}

test("the ledger survives the loss of the database", async (t) => {
  const { catalogue, bundles, lock } = await filled(t);
  await catalogue.retire(bundles[1].digest, "bad");
  await catalogue.close();
  const { dataDirectory } = catalogue;
  for (const suffix of ["", "-wal", "-shm"])
    await rm(join(dataDirectory, `catalogue.sqlite${suffix}`), { force: true });
  const restored = await openCatalogue(dataDirectory);
  t.after(() => restored.close());
  await assertWhole(restored, bundles, lock);
  assert.equal(await restored.retirement(bundles[1].digest), "bad");
  assert.deepEqual((await restored.verifyAll()).findings, []);
  // And goes on.
  await restored.campaigns.importRuns("runs.csv", rowsOf("mc,20,29,5.5\n"));
});

test("a lost, cut or damaged journal of the ledger is made again", async (t) => {
  const { catalogue, bundles, lock } = await filled(t);
  await catalogue.close();
  const journal = join(catalogue.dataDirectory, "ledger.jsonl");
  const whole = await readFile(journal);
  const reopened = async () => {
    const again = await openCatalogue(catalogue.dataDirectory);
    try {
      await assertWhole(again, bundles, lock);
    } finally {
      await again.close();
    }
    assert.deepEqual(await readFile(journal), whole);
  };
  await rm(journal);
  await reopened();
  await truncate(journal, whole.length - 20);
  await reopened();
  // What a killed writer left of a line.
  await appendFile(journal, "0123456789abcdef {");
  const again = await openCatalogue(catalogue.dataDirectory);
  await again.campaigns.freeze("mc");
  await again.close();
  const text = await readFile(journal, "utf8");
  assert.ok(text.startsWith(whole.toString()) && text.trimEnd().split("\n").length === 4);
  // A flipped bit in the middle is mended by a repair.
  const flipped = Buffer.from(text);
  flipped[40] ^= 1;
  await writeFile(journal, flipped);
  const { actions } = await repairCatalogue(catalogue.dataDirectory);
  assert.match(actions.join("\n"), /The ledger was made again/);
  assert.equal(await readFile(journal, "utf8"), text);
  assert.deepEqual((await repairCatalogue(catalogue.dataDirectory)).actions, []);
});

test("damage to the journal of the ledger is found; a retirement outlives both databases and the journal of bindings", async (t) => {
  const { catalogue, bundles } = await filled(t);
  await catalogue.retire(bundles[0].digest, "bad");
  const { dataDirectory } = catalogue;
  const path = join(dataDirectory, "ledger.jsonl");
  const whole = await readFile(path);
  const flipped = Buffer.from(whole);
  flipped[40] ^= 1;
  await writeFile(path, flipped);
  const { findings } = await catalogue.verifyAll();
  assert.match(findings.map(({ message }) => message).join(), /Line 1 of .*ledger\.jsonl is damaged/);
  await writeFile(path, whole);
  assert.deepEqual((await catalogue.verifyAll()).findings, []);
  await catalogue.close();
  for (const name of ["catalogue.sqlite", "catalogue.sqlite-wal", "catalogue.sqlite-shm", "bindings.jsonl"]) {
    await rm(join(dataDirectory, name), { force: true });
  }
  const { actions } = await repairCatalogue(dataDirectory);
  assert.match(actions.join("\n"), /was retired, and no longer serves/);
  const again = await openCatalogue(dataDirectory);
  t.after(() => again.close());
  assert.equal((await again.model(bundles[0].digest)).serving, false);
  assert.equal((await again.model(bundles[1].digest)).serving, true);
});

test("what was acknowledged before a kill is there afterwards, with the database and without", async (t) => {
  const { catalogue, bundles } = await filled(t);
  await catalogue.close();
  const child = inChild(
    t,
    catalogue.dataDirectory,
    `const catalogue = await c.openCatalogue(directory);
     for (let n = 0; ; n++) {
       await catalogue.campaigns.registerSample({ ...${JSON.stringify(sample(bundles[1].digest, "x"))}, sha256: String(n) });
       process.stdout.write(n + "\\n");
     }`,
  );
  let acknowledged = -1;
  for await (const line of createInterface(child.stdout!)) {
    acknowledged = Number(line);
    if (acknowledged === 20) child.kill("SIGKILL");
  }
  for (const lose of [false, true]) {
    for (const suffix of lose ? ["", "-wal", "-shm"] : []) {
      await rm(join(catalogue.dataDirectory, `catalogue.sqlite${suffix}`), { force: true });
    }
    const again = await openCatalogue(catalogue.dataDirectory);
    const { samples } = await again.campaigns.uses(bundles[1].digest);
    await again.close();
    assert.ok(samples.length > acknowledged, `${samples.length} of ${acknowledged + 1}`);
    assert.deepEqual(
      samples.map(({ sha256 }) => sha256),
      samples.map((_, n) => String(n)),
    );
  }
});

test("tables and locks are held against collection, backed up and restored", async (t) => {
  const { catalogue, bundles, lock } = await filled(t);
  const { removed } = await catalogue.collectUnused(Date.now() + 60_000);
  assert.equal(removed, 0);
  await assertWhole(catalogue, bundles, lock);
  const backup = await scratchDirectory(t);
  assert.deepEqual((await backupCatalogue(catalogue.dataDirectory, backup)).damaged, []);
  const target = join(await scratchDirectory(t), "data");
  await restoreCatalogue(backup, target);
  const restored = await openCatalogue(target);
  t.after(() => restored.close());
  await assertWhole(restored, bundles, lock);
  assert.deepEqual((await restored.verifyAll()).findings, []);
});

test("a missing table is found, and said to be lost once it has been set aside", async (t) => {
  const { catalogue } = await filled(t);
  const { content } = await catalogue.campaigns.tag("mc");
  await rm(catalogue.blobs.path(content));
  const { findings } = await catalogue.verifyAll();
  assert.deepEqual(
    findings.map(({ kind, digest, message }) => [kind, digest, /the table of runs of tag mc/.test(message)]),
    [["missing", content, true]],
  );
  await assert.rejects(catalogue.campaigns.tag("mc"), { code: "damaged" });
  await catalogue.close();
  const { after } = await repairCatalogue(catalogue.dataDirectory);
  assert.deepEqual(after.findings, []);
  assert.deepEqual(after.lost, [{ digest: content, bundles: [] }]);
});

test("a snapshot with a tag has its runs and locks, and the bundles of locks that serve no more", async (t) => {
  const { catalogue, bundles, lock } = await filled(t);
  await catalogue.withdraw(bundles[1].digest, "test");
  const { content } = await catalogue.campaigns.tag("mc");
  const locks = await catalogue.campaigns.locks("mc");
  const directory = await scratchDirectory(t);
  const tag = {
    ...{ name: "mc", frozen: false, runs: content },
    locks: locks.map((each) => each.content),
    bundles: locks.flatMap((each) => each.bundles),
  };
  const { models } = await publishTest(catalogue, directory, { tags: [tag], keep: 0 });
  assert.equal(models, 1);
  const snapshot = await connectSnapshot(directory);
  assert.equal((await snapshot.tags[0].runs()).ranges.length, 2);
  assert.deepEqual(await snapshot.tags[0].locks(), [lock]);
  assert.equal((await snapshot.model(bundles[1].digest)).serving, false);
  assert.deepEqual(Buffer.from(await snapshot.manifest(bundles[1].digest)), Buffer.from(bundles[1].manifest));
  assert.deepEqual((await verifySnapshot(directory)).findings, []);
  // Pruned again without the tag, the withdrawn bundle goes.
  await publishTest(catalogue, directory, { keep: 0 });
  await assert.rejects((await connectSnapshot(directory)).model(bundles[1].digest), {
    code: "unknown_model",
  });
});
