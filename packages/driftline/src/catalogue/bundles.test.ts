// Publication: whole or not at all, the same once or twice, from one process or several, killed or not.

import assert from "node:assert/strict";
import { chmod, mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Transaction } from "kysely";
import { openCatalogue } from "./catalogue.ts";
import type { CatalogueTables } from "./tables.ts";
import {
  ask,
  ended,
  inChild,
  makeBundle,
  nextLine,
  scratchCatalogue,
  scratchDirectory,
  type TestBundle,
  testFamily,
} from "./testing.ts";

async function writeBundle(directory: string, { manifest, files }: TestBundle): Promise<void> {
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, "bundle.json"), manifest);
  for (const [path, bytes] of Object.entries(files)) await writeFile(join(directory, path), bytes);
}

test("a bundle from a directory: its name is the SHA-256 of bundle.json, and all of it comes back", async (t) => {
  const catalogue = await scratchCatalogue(t);
  const bundle = makeBundle(ask());
  const directory = join(await scratchDirectory(t), "bundle");
  await writeBundle(directory, bundle);
  await writeFile(join(directory, "notes.txt"), "not listed, so not published");
  const { model, created } = await catalogue.publish({ directory, reason: "test" });
  assert.equal(created, true);
  assert.equal(model.bundle, bundle.digest);
  assert.equal(model.serving, true);
  const size = Object.values(bundle.files).reduce((sum, { length }) => sum + length, bundle.manifest.length);
  assert.equal(model.size, size);
  await rm(directory, { recursive: true });
  assert.deepEqual(Buffer.from(await catalogue.manifest(model.bundle)), Buffer.from(bundle.manifest));
  for (const [path, bytes] of Object.entries(bundle.files)) {
    const entry = await catalogue.fileEntry(model.bundle, path);
    assert.deepEqual(Buffer.from(await catalogue.blobs.read(entry.sha256)), Buffer.from(bytes));
  }
  assert.equal((await catalogue.blobs.list()).length, Object.keys(bundle.files).length + 1);
});

test("publishing twice changes nothing; a superseded bundle does not come back by a repeated request", async (t) => {
  const catalogue = await scratchCatalogue(t);
  const bindings = async () =>
    (await catalogue.database.db.selectFrom("bindings").selectAll().execute()).length;
  const first = makeBundle(ask());
  await catalogue.publish({ ...first, reason: "first" });
  const again = await catalogue.publish({ ...first, reason: "again" });
  assert.deepEqual([again.created, again.model.serving, await bindings()], [false, true, 1]);

  const second = makeBundle(ask(), { salt: "retrained" });
  await catalogue.publish({ ...second, reason: "retrained" });
  assert.equal((await catalogue.byKey(first.question.key)).bundle, second.digest);
  const late = await catalogue.publish({ ...first, reason: "late repeat" });
  assert.deepEqual([late.created, late.model.serving, await bindings()], [false, false, 2]);
  assert.equal((await catalogue.byKey(first.question.key)).bundle, second.digest);

  // The way back: withdraw the newer one, publish the older one.
  await catalogue.withdraw(second.digest, "worse");
  assert.equal((await catalogue.publish({ ...first, reason: "rolled back" })).model.serving, true);
});

test("the fence runs in the publishing transaction; where it throws nothing is published", async (t) => {
  const catalogue = await scratchCatalogue(t);
  const bundle = makeBundle(ask());
  const fence = async (trx: Transaction<CatalogueTables>) => {
    assert.equal((await trx.selectFrom("bundles").select("digest").execute()).length, 0);
    throw new Error("lease lost");
  };
  await assert.rejects(catalogue.publish({ ...bundle, reason: "test", fence }), /lease lost/);
  assert.deepEqual(await Array.fromAsync(catalogue.models()), []);
  let calls = 0;
  const counted = async () => void calls++;
  await catalogue.publish({ ...bundle, reason: "test", fence: counted });
  await catalogue.publish({ ...bundle, reason: "test", fence: counted });
  assert.equal(calls, 2, "also where the bundle is there: the job must end");
});

test("bundles that are not as their manifest says are refused, named by file, and leave no record", async (t) => {
  const catalogue = await scratchCatalogue(t);
  const good = makeBundle(ask());
  const withoutCard = { ...good.files };
  delete (withoutCard as Record<string, unknown>)["card.md"];
  const longer = { ...good.files, "model.onnx": Buffer.concat([good.files["model.onnx"], Buffer.from("x")]) };
  const other = { ...good.files, "model.onnx": good.files["model.onnx"].with(0, 0) };
  const cases: [what: RegExp, bundle: TestBundle][] = [
    [/card\.md: the file was not given/, { ...good, files: withoutCard }],
    [/model\.onnx: .* bytes .* were declared/, { ...good, files: longer }],
    [/model\.onnx: .* SHA-256 .* were declared/, { ...good, files: other }],
    [/not JSON/, { ...good, manifest: new TextEncoder().encode("{") }],
    [/not JSON in UTF-8/, { ...good, manifest: new Uint8Array([0xff, 0xfe]) }],
    [/scheme/, makeBundle(ask(), { change: (m) => Object.assign(m, { scheme: "other" }) })],
    [/key/, makeBundle(ask(), { change: (m) => Object.assign(m, { key: `k1-${"0".repeat(64)}` }) })],
    [/dataSource/, makeBundle(ask(), { change: (m) => Object.assign(m, { provenance: {} }) })],
  ];
  for (const [message, bundle] of cases) {
    await assert.rejects(catalogue.publish({ ...bundle, reason: "test" }), {
      code: "invalid_bundle",
      message,
    });
  }
  for (const path of ["/etc/passwd", "../x", "a/../x", ".x", "a//b", "a\\b", "bundle.json", "model.onnx"]) {
    const bundle = makeBundle(ask(), {
      change: ({ files }) => void files.push({ path, size: 0, sha256: "0".repeat(64) }),
    });
    await assert.rejects(catalogue.publish({ ...bundle, reason: "test" }), { code: "invalid_bundle" }, path);
  }
  const refused = makeBundle(ask(), { change: ({ verdict }) => Object.assign(verdict, { passed: false }) });
  await assert.rejects(catalogue.publish({ ...refused, reason: "test" }), { code: "refused" });
  assert.deepEqual(await Array.fromAsync(catalogue.models()), []);
});

test("a bundle's directory without bundle.json, with a missing file or a link is refused", async (t) => {
  const catalogue = await scratchCatalogue(t);
  const directory = join(await scratchDirectory(t), "bundle");
  const publish = () => catalogue.publish({ directory, reason: "test" });
  await assert.rejects(publish, { code: "invalid_bundle", field: "bundle.json" });
  await writeBundle(directory, makeBundle(ask()));
  await rm(join(directory, "card.md"));
  await assert.rejects(publish, { code: "invalid_bundle", field: "card.md", message: /no such file/ });
  await symlink("model.onnx", join(directory, "card.md"));
  await assert.rejects(publish, { code: "invalid_bundle", field: "card.md", message: /not a plain file/ });
});

test("publishing over a damaged blob repairs it", async (t) => {
  const catalogue = await scratchCatalogue(t);
  const bundle = makeBundle(ask());
  await catalogue.publish({ ...bundle, reason: "test" });
  const { sha256 } = await catalogue.fileEntry(bundle.digest, "model.onnx");
  await chmod(catalogue.blobs.path(sha256), 0o644);
  await writeFile(catalogue.blobs.path(sha256), "damage");
  await catalogue.publish({ ...bundle, reason: "test" });
  assert.deepEqual((await catalogue.verifyAll()).findings, []);
});

test("two processes publish the same and different bundles at once: each once, each bound once", async (t) => {
  const directory = await scratchDirectory(t);
  const publisher = (own: string) => `
    const catalogue = await c.openCatalogue(directory);
    console.log("ready");
    await new Promise((resolve) => process.stdin.once("data", resolve));
    for (let i = 0; i < 15; i++) {
      const shared = c.makeBundle(c.ask({ transverse_diffusion: String(100 + i) }));
      const own = c.makeBundle(c.ask({ transverse_diffusion: String(100 + i) }, { simulator: "${own}/1" }));
      await Promise.all([shared, own].map((bundle) => catalogue.publish({ ...bundle, reason: "${own}" })));
    }
    await catalogue.close();
    process.exit(0);`;
  const children = [inChild(t, directory, publisher("one")), inChild(t, directory, publisher("two"))];
  for (const line of await Promise.all(children.map(nextLine))) assert.equal(line, "ready");
  for (const child of children) child.stdin!.write("go\n");
  await Promise.all(children.map(ended));

  const catalogue = await openCatalogue(directory);
  t.after(() => catalogue.close());
  const bindings = await catalogue.database.db.selectFrom("bindings").select("bundle").execute();
  const models = await Array.fromAsync(catalogue.models());
  assert.equal(models.length, 45);
  assert.equal(bindings.length, 45);
  assert.equal(new Set(bindings.map(({ bundle }) => bundle)).size, 45);
  assert.ok(models.every(({ serving }) => serving));
  assert.deepEqual((await catalogue.verifyAll()).findings, []);
});

test("publishers killed at random moments leave every bundle whole or absent", async (t) => {
  const directory = await scratchDirectory(t);
  for (const [round, delayMs] of [5, 22, 61].entries()) {
    const child = inChild(
      t,
      directory,
      `const catalogue = await c.openCatalogue(directory);
       for (let i = 0; ; i++) {
         const bundle = c.makeBundle(c.ask({ magnetic_field: String(i / 100), transverse_diffusion: "${100 + round}" }));
         await catalogue.publish({ ...bundle, reason: "test" });
         if (i === 0) console.log("published");
       }`,
    );
    await nextLine(child);
    await sleep(delayMs);
    child.kill("SIGKILL");
  }
  const catalogue = await openCatalogue(directory);
  t.after(() => catalogue.close());
  const report = await catalogue.verifyAll();
  assert.deepEqual(report.findings, []);
  const models = await Array.fromAsync(catalogue.models());
  assert.ok(models.length >= 3, `only ${models.length} bundles were published`);
  for (const model of models) {
    const question = ask(model.conditions, model.software);
    const answer = await catalogue.resolve(question, testFamily, "exact");
    assert.ok(answer.found && answer.model.bundle === model.bundle);
  }
});
