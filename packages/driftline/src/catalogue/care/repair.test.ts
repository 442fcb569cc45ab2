// Records lost, damaged, older or newer than the rest: caught up, or refused with the remedy, and repaired.

import assert from "node:assert/strict";
import { appendFileSync, chmodSync, copyFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type TestContext, test } from "node:test";
import { openCatalogue } from "../catalogue.ts";
import { databaseFile } from "../database.ts";
import { journalFile } from "../journal.ts";
import { ask, inChild, makeBundle, nextLine, scratchDirectory, testFamily } from "../testing.ts";
import { repairCatalogue } from "./repair.ts";

const first = makeBundle(ask());
const second = makeBundle(ask(), { salt: "retrained" });
const other = makeBundle(ask({ drift_velocity: "5.6" }));
const withdrawn = makeBundle(ask({ drift_velocity: "5.7" }));

/** A closed catalogue: a key with two models, one with one, one whose model is withdrawn. */
async function filled(t: TestContext): Promise<string> {
  const directory = await scratchDirectory(t);
  await using(directory, async (catalogue) => {
    for (const bundle of [first, other, withdrawn, second])
      await catalogue.publish({ ...bundle, reason: "test" });
    await catalogue.withdraw(withdrawn.digest, "bad gas");
  });
  return directory;
}

async function using<R>(
  directory: string,
  work: (catalogue: Awaited<ReturnType<typeof openCatalogue>>) => Promise<R>,
): Promise<R> {
  const catalogue = await openCatalogue(directory);
  try {
    return await work(catalogue);
  } finally {
    await catalogue.close();
  }
}

/** Which bundle serves each question, and that verification is content. */
async function assertWhole(directory: string, expected = [second.digest, other.digest, null]): Promise<void> {
  await using(directory, async (catalogue) => {
    const serving = [];
    for (const { question } of [first, other, withdrawn]) {
      const resolution = await catalogue.resolve(question, testFamily, "exact");
      serving.push(resolution.found ? resolution.model.bundle : null);
    }
    assert.deepEqual(serving, expected);
    assert.deepEqual((await catalogue.verifyAll()).findings, []);
  });
}

const remove = (directory: string, ...names: string[]) => {
  for (const name of names) rmSync(join(directory, name), { force: true });
};
const database = [databaseFile, `${databaseFile}-wal`, `${databaseFile}-shm`];

test("a database that is lost is made again when the catalogue is opened", async (t) => {
  const directory = await filled(t);
  remove(directory, ...database);
  await assertWhole(directory);
});

test("a database older than the journal catches up; the bundles in between are there again", async (t) => {
  const directory = await scratchDirectory(t);
  await using(directory, (catalogue) => catalogue.publish({ ...first, reason: "test" }));
  copyFileSync(join(directory, databaseFile), join(directory, "old"));
  await using(directory, async (catalogue) => {
    for (const bundle of [other, withdrawn, second]) await catalogue.publish({ ...bundle, reason: "test" });
    await catalogue.withdraw(withdrawn.digest, "bad gas");
  });
  remove(directory, ...database);
  copyFileSync(join(directory, "old"), join(directory, databaseFile));
  await assertWhole(directory);
});

test("a journal that is lost is written again", async (t) => {
  const directory = await filled(t);
  const before = readFileSync(join(directory, journalFile), "utf8");
  remove(directory, journalFile);
  await assertWhole(directory);
  assert.equal(readFileSync(join(directory, journalFile), "utf8"), before);
});

test("a process killed between journal and commit has published", async (t) => {
  const directory = await filled(t);
  const next = makeBundle(ask({ drift_velocity: "5.8" }));
  const child = inChild(
    t,
    directory,
    `const catalogue = await c.openCatalogue(directory);
     const bundle = c.makeBundle(c.ask({ drift_velocity: "5.8" }));
     await catalogue.database.write(async (trx) => {
       // Everything that publishing does in its transaction, and no commit.
       const row = { key: bundle.question.key, family: bundle.question.family, family_version: 1, bundle: bundle.digest,
         action: "serve", reason: "test", created_at: new Date().toISOString() };
       await catalogue.blobs.putBytes(bundle.manifest);
       for (const bytes of Object.values(bundle.files)) await catalogue.blobs.putBytes(bytes);
       c.journal(directory).append([{ id: 6, ...row }]);
       console.log("journalled");
       process.kill(process.pid, "SIGKILL");
     });`,
  );
  assert.equal(await nextLine(child), "journalled");
  await assertWhole(directory);
  await using(directory, async (catalogue) => {
    const resolution = await catalogue.resolve(next.question, testFamily, "exact");
    assert.equal(resolution.found && resolution.model.bundle, next.digest);
    // And the numbering goes on.
    const last = makeBundle(ask({ drift_velocity: "5.9" }));
    await catalogue.publish({ ...last, reason: "test" });
  });
  const ids = readFileSync(join(directory, journalFile), "utf8").match(/"id":\d+/g);
  assert.deepEqual(
    ids,
    [1, 2, 3, 4, 5, 6, 7].map((id) => `"id":${id}`),
  );
});

test("database and journal both lost: opening refuses, repair makes records from the stored manifests", async (t) => {
  const directory = await filled(t);
  remove(directory, ...database, journalFile);
  await assert.rejects(openCatalogue(directory), { code: "damaged", remedy: /doctor --repair/ });
  const { actions, after } = await repairCatalogue(directory);
  assert.deepEqual(after.findings, []);
  assert.match(actions.join("\n"), /4 bindings were restored from the journal and stored manifests/);
  // That one was withdrawn stood in the journal alone; of the two models of one key any may be the newer one.
  await using(directory, async (catalogue) => {
    const resolution = await catalogue.resolve(withdrawn.question, testFamily, "exact");
    assert.ok(resolution.found);
    assert.equal((await Array.fromAsync(catalogue.models())).length, 4);
  });
});

test("a damaged database is set aside, and what it held is restored", async (t) => {
  const directory = await filled(t);
  const path = join(directory, databaseFile);
  const bytes = readFileSync(path);
  bytes.fill(0xff, 100, 40_000);
  writeFileSync(path, bytes);
  await assert.rejects(openCatalogue(directory), { code: "damaged", remedy: /doctor --repair/ });
  const { actions, after } = await repairCatalogue(directory);
  assert.deepEqual(after.findings, []);
  assert.match(actions[0], /damaged database was moved to/);
  assert.deepEqual(
    readFileSync(join(directory, "damaged", (await readdir(join(directory, "damaged")))[0], databaseFile)),
    bytes,
  );
  await assertWhole(directory);
});

test("a damaged database that another process has open is left alone", async (t) => {
  const directory = await filled(t);
  const path = join(directory, databaseFile);
  const child = inChild(
    t,
    directory,
    `const { openSync } = await import("node:fs");
     openSync(${JSON.stringify(path)}, "r");
     console.log("open");
     process.stdin.resume();`,
  );
  assert.equal(await nextLine(child), "open");
  writeFileSync(path, "no database");
  await assert.rejects(repairCatalogue(directory), {
    code: "busy",
    message: new RegExp(`process ${child.pid}`),
  });
  assert.equal(readFileSync(path, "utf8"), "no database");
});

test("database and journal that contradict each other are refused; repair follows the journal", async (t) => {
  const directory = await filled(t);
  const altered = new DatabaseSync(join(directory, databaseFile));
  altered.exec("update bindings set reason = 'changed' where id = 5");
  altered.close();
  await assert.rejects(openCatalogue(directory), { code: "damaged", message: /disagree about binding 5/ });
  const { after } = await repairCatalogue(directory);
  assert.deepEqual(after.findings, []);
  await assertWhole(directory);
});

test("altered records are made again from the manifests", async (t) => {
  const directory = await filled(t);
  const altered = new DatabaseSync(join(directory, databaseFile));
  altered.exec(`update bundles set conditions_json = '{}' where digest = '${other.digest}'`);
  altered.exec(`update bindings set bundle = '${first.digest}' where bundle = '${other.digest}'`);
  altered.close();
  const { after } = await repairCatalogue(directory);
  assert.deepEqual(after.findings, []);
  await assertWhole(directory);
});

test("a damaged line of the journal is written again from the database", async (t) => {
  const directory = await filled(t);
  const path = join(directory, journalFile);
  const before = readFileSync(path, "utf8");
  writeFileSync(path, before.replace("bad gas", "bad gus").replace('"id":2', '"id":8'));
  appendFileSync(path, "torn");
  await using(directory, async (catalogue) => {
    const { findings } = await catalogue.verifyAll();
    assert.equal(findings[0].what, "journal");
    assert.match(findings[0].message, /Line 2 of .* is damaged/);
  });
  await repairCatalogue(directory);
  assert.equal(readFileSync(path, "utf8"), before);
  await assertWhole(directory);
});

test("damaged and missing blobs are set aside, their models withdrawn; publishing again heals all", async (t) => {
  const directory = await filled(t);
  const [path, missing] = await using(directory, async (catalogue) => {
    const entry = (digest: string) => catalogue.fileEntry(digest, "card.md");
    return Promise.all(
      [second, other].map(async ({ digest }) => catalogue.blobs.path((await entry(digest)).sha256)),
    );
  });
  chmodSync(path, 0o644);
  writeFileSync(path, "changed");
  rmSync(missing);
  const { actions, after } = await repairCatalogue(directory);
  assert.deepEqual(after.findings, []);
  assert.equal(after.lost.length, 2);
  assert.equal(actions.filter((action) => action.includes("no longer serves")).length, 2);
  // The model before the damaged one does not come back by itself.
  await assertWhole(directory, [null, null, null]);
  await using(directory, async (catalogue) => {
    for (const bundle of [second, other]) await catalogue.publish({ ...bundle, reason: "again" });
    assert.deepEqual((await catalogue.verifyAll()).lost, []);
  });
  await assertWhole(directory);
});

test("a bundle lost together with the database is named, and its predecessor stays out of service", async (t) => {
  const directory = await filled(t);
  const path = await using(directory, async ({ blobs }) => blobs.path(second.digest));
  rmSync(path);
  remove(directory, ...database);
  await assert.rejects(openCatalogue(directory), { code: "damaged", message: new RegExp(second.digest) });
  const { actions, after } = await repairCatalogue(directory);
  assert.match(actions.join("\n"), new RegExp(`could not be restored: bundle ${second.digest}`));
  assert.deepEqual(after.findings, []);
  await assertWhole(directory, [null, other.digest, null]);
});

test("a whole catalogue is left as it is, and so is an empty directory", async (t) => {
  const directory = await filled(t);
  const before = readFileSync(join(directory, journalFile), "utf8");
  assert.deepEqual((await repairCatalogue(directory)).actions, []);
  assert.equal(readFileSync(join(directory, journalFile), "utf8"), before);
  await assertWhole(directory);
  assert.deepEqual((await repairCatalogue(await scratchDirectory(t))).actions, []);
});
