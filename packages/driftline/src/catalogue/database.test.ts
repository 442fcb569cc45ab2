// The database: migrations from nothing and onwards, several processes at once, and what is refused.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { openCatalogue } from "./catalogue.ts";
import { databaseFile, type Migration, openDatabase } from "./database.ts";
import { catalogueMigrations } from "./tables.ts";
import { ask, ended, inChild, makeBundle, nextLine, scratchDirectory, testFamily } from "./testing.ts";

interface NoteTables {
  notes: { text: string; author?: string | null };
}

const notes1: Migration = {
  name: "notes/1",
  up: (trx) => trx.schema.createTable("notes").addColumn("text", "text").execute(),
};
const notes2: Migration = {
  name: "notes/2",
  up: (trx) => trx.schema.alterTable("notes").addColumn("author", "text").execute(),
};

test("an empty directory gets all migrations, a present database the ones it lacks, and keeps its rows", async (t) => {
  const directory = await scratchDirectory(t);
  const before = await openCatalogue(directory);
  const bundle = makeBundle(ask());
  await before.publish({ ...bundle, reason: "test" });
  await before.close();

  const migrations = [...catalogueMigrations, notes1, notes2];
  for (let opening = 0; opening < 2; opening++) {
    const database = await openDatabase<NoteTables>(directory, migrations);
    await database.write((trx) => trx.insertInto("notes").values({ text: "a", author: "b" }).execute());
    assert.equal((await database.db.selectFrom("notes").selectAll().execute()).length, opening + 1);
    await database.close();
  }
  const after = await openCatalogue(directory, [notes1, notes2]);
  t.after(() => after.close());
  const answer = await after.resolve(ask(), testFamily, "exact");
  assert.ok(answer.found && answer.model.bundle === bundle.digest);
});

test("a newer database is refused with a remedy; a series that this code does not use is left alone", async (t) => {
  const directory = await scratchDirectory(t);
  await (await openDatabase(directory, [notes1, notes2])).close();
  await assert.rejects(openDatabase(directory, [notes1]), {
    code: "invalid_data_directory",
    message: /written by a newer version of Driftline: this one does not know notes\/2\./,
    remedy: /Update Driftline/,
  });
  await (await openDatabase(directory, catalogueMigrations)).close();
});

test("a migration that fails leaves the database as it was", async (t) => {
  const directory = await scratchDirectory(t);
  const failing: Migration = {
    name: "notes/2",
    async up(trx) {
      await notes2.up(trx);
      throw new Error("half way");
    },
  };
  await assert.rejects(openDatabase(directory, [notes1, failing]), /half way/);
  await (await openDatabase(directory, [notes1, notes2])).close();
});

test("a foreign or newer data directory is refused by its marker", async (t) => {
  for (const marker of ['{"scheme":"driftline-data/2"}', "null", "not JSON"]) {
    const directory = await scratchDirectory(t);
    await writeFile(join(directory, "catalogue.json"), marker);
    await assert.rejects(openCatalogue(directory), { code: "invalid_data_directory", field: "data-dir" });
  }
});

test("a database file that is none is named as damaged", async (t) => {
  const directory = await scratchDirectory(t);
  await writeFile(join(directory, databaseFile), "not a database ".repeat(1000));
  await assert.rejects(openCatalogue(directory), {
    code: "damaged",
    message: /catalogue\.sqlite is damaged/,
  });
});

test("four processes that open an empty directory at once all succeed", async (t) => {
  const directory = await scratchDirectory(t);
  const script = "const catalogue = await c.openCatalogue(directory); await catalogue.close();";
  await Promise.all(Array.from({ length: 4 }, () => ended(inChild(t, directory, script))));
});

test("transactions that read and then write lose nothing, in one process and in three", async (t) => {
  const directory = await scratchDirectory(t);
  const counter: Migration = {
    name: "counter/1",
    async up(trx) {
      await trx.schema.createTable("counter").addColumn("n", "integer").execute();
      await trx.insertInto("counter").values({ n: 0 }).execute();
    },
  };
  const database = await openDatabase<{ counter: { n: number } }>(directory, [counter]);
  t.after(() => database.close());
  const increment = () =>
    database.write(async (trx) => {
      const { n } = await trx.selectFrom("counter").select("n").executeTakeFirstOrThrow();
      await trx
        .updateTable("counter")
        .set({ n: n + 1 })
        .execute();
    });
  const script = `
    const database = await c.openDatabase(directory, []);
    const increment = () => database.write(async (trx) => {
      const { n } = await trx.selectFrom("counter").select("n").executeTakeFirstOrThrow();
      await trx.updateTable("counter").set({ n: n + 1 }).execute();
    });
    await Promise.all(Array.from({ length: 200 }, increment));
    await database.close();`;
  const children = [inChild(t, directory, script), inChild(t, directory, script)];
  await Promise.all([...Array.from({ length: 200 }, increment), ...children.map(ended)]);
  assert.equal((await database.db.selectFrom("counter").selectAll().executeTakeFirstOrThrow()).n, 600);
});

test("while another process writes, readers answer at once and the event loop of a waiting writer runs on", async (t) => {
  const directory = await scratchDirectory(t);
  const database = await openDatabase<NoteTables>(directory, [notes1]);
  t.after(() => database.close());
  const child = inChild(
    t,
    directory,
    `const database = await c.openDatabase(directory, []);
     await database.write(async (trx) => {
       await trx.insertInto("notes").values({ text: "child" }).execute();
       console.log("holding");
       await new Promise((resolve) => setTimeout(resolve, 400));
     });
     await database.close();`,
  );
  assert.equal(await nextLine(child), "holding");
  assert.deepEqual(await database.db.selectFrom("notes").selectAll().execute(), []);
  let ticks = 0;
  const timer = setInterval(() => ticks++, 5);
  await database.write((trx) => trx.insertInto("notes").values({ text: "parent" }).execute());
  clearInterval(timer);
  assert.ok(ticks > 10, `the timer of 5 ms fired ${ticks} times in some 400 ms`);
  const rows = await database.db.selectFrom("notes").selectAll().execute();
  assert.deepEqual(
    rows.map(({ text }) => text),
    ["child", "parent"],
  );
  await ended(child);
});

test("the reading connection refuses to write, and a failed transaction leaves nothing", async (t) => {
  const database = await openDatabase<NoteTables>(await scratchDirectory(t), [notes1]);
  t.after(() => database.close());
  await assert.rejects(database.db.insertInto("notes").values({ text: "a" }).execute(), /readonly/);
  await assert.rejects(
    database.write(async (trx) => {
      await trx.insertInto("notes").values({ text: "a" }).execute();
      throw new Error("no");
    }),
    /^Error: no$/,
  );
  assert.deepEqual(await database.db.selectFrom("notes").selectAll().execute(), []);
});
