// Verification: every damaged byte of blobs, manifests and records is named with the bundles that it concerns.

import assert from "node:assert/strict";
import { chmod, open, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { type Catalogue, openCatalogue } from "../catalogue.ts";
import { databaseFile } from "../database.ts";
import { ask, makeBundle, scratchCatalogue, scratchDirectory } from "../testing.ts";

async function publishTwo(catalogue: Catalogue) {
  const shared = { "shared.bin": new TextEncoder().encode("shared by both") };
  const one = makeBundle(ask(), { files: shared });
  const two = makeBundle(ask({ drift_velocity: "5.6" }), { files: shared });
  for (const bundle of [one, two]) await catalogue.publish({ ...bundle, reason: "test" });
  return { one, two };
}

/** Changes the database behind the catalogue's back. */
function alter(catalogue: Catalogue, statement: string): void {
  const database = new DatabaseSync(join(catalogue.dataDirectory, databaseFile));
  database.exec("pragma foreign_keys = off");
  database.exec(statement);
  database.close();
}

test("an intact catalogue has no findings; blobs of no bundle are only listed", async (t) => {
  const catalogue = await scratchCatalogue(t);
  await publishTwo(catalogue);
  const orphan = await catalogue.blobs.putBytes(new TextEncoder().encode("a data set"));
  const progress: number[] = [];
  const report = await catalogue.verifyAll(({ done, total }) => progress.push(done / total));
  assert.deepEqual(report.findings, []);
  assert.deepEqual(report.orphans, [orphan]);
  // card.md differs between the two; model, reference, validation and shared.bin are the same. Two manifests and the orphan make 9.
  assert.deepEqual([report.bundles, report.blobs], [2, 9]);
  assert.equal(progress.length, 9);
  assert.equal(progress.at(-1), 1);
});

test("a changed and a missing blob are named with the bundles that use them", async (t) => {
  const catalogue = await scratchCatalogue(t);
  const { one, two } = await publishTwo(catalogue);
  const shared = await catalogue.fileEntry(one.digest, "shared.bin");
  const card = await catalogue.fileEntry(two.digest, "card.md");
  const path = catalogue.blobs.path(shared.sha256);
  await chmod(path, 0o644);
  const file = await open(path, "r+");
  await file.write(new Uint8Array([0]), 0, 1, 5);
  await file.close();
  await rm(catalogue.blobs.path(card.sha256));
  const { findings } = await catalogue.verifyAll();
  const found = new Map(findings.map((finding) => [finding.digest, finding]));
  assert.equal(found.size, 2);
  assert.equal(found.get(shared.sha256)?.kind, "damaged");
  assert.deepEqual(found.get(shared.sha256)?.bundles, [one.digest, two.digest].sort());
  assert.ok(found.get(shared.sha256)?.message.includes(path));
  assert.equal(found.get(card.sha256)?.kind, "missing");
  assert.deepEqual(found.get(card.sha256)?.bundles, [two.digest]);
  assert.match(found.get(card.sha256)!.message, new RegExp(`Used by bundle ${two.digest}\\.`));
});

test("a changed manifest is named on read and by verification", async (t) => {
  const catalogue = await scratchCatalogue(t);
  const { one } = await publishTwo(catalogue);
  const path = catalogue.blobs.path(one.digest);
  await chmod(path, 0o644);
  await writeFile(path, Buffer.from(one.manifest).toString().replace("5.5", "5.7"));
  await assert.rejects(catalogue.manifest(one.digest), { code: "damaged", message: new RegExp(one.digest) });
  await assert.rejects(catalogue.file(one.digest, "card.md"), { code: "damaged" });
  const { findings } = await catalogue.verifyAll();
  assert.deepEqual(
    findings.map(({ what, digest, bundles }) => [what, digest, bundles]),
    [["blob", one.digest, [one.digest]]],
  );
});

test("every column of a record and every binding is compared with the manifests", async (t) => {
  const columns = ["key", "recipe_hash", "family", "family_version", "data_source", "size"];
  const changes = [...columns, "conditions_json", "software_json", "domain_json"].map(
    (column) => [`Column ${column} of bundle`, `update bundles set ${column} = '7'`] as const,
  );
  const bindings = [
    ["names bundle", `update bindings set bundle = '${"0".repeat(64)}'`],
    ["it was made for", "update bindings set key = 'k1-'"],
    ["it was made for", "update bindings set family_version = 7"],
  ] as const;
  for (const [message, statement] of [...changes, ...bindings]) {
    const catalogue = await openCatalogue(await scratchDirectory(t));
    const bundle = makeBundle(ask());
    await catalogue.publish({ ...bundle, reason: "test" });
    alter(catalogue, statement);
    const { findings } = await catalogue.verifyAll();
    assert.ok(
      findings.some((finding) => finding.what === "record" && finding.message.includes(message)),
      `${statement}: ${JSON.stringify(findings)}`,
    );
    await catalogue.close();
  }
});

test("damaged pages of the database are found, and the blobs are checked all the same", async (t) => {
  const directory = await scratchDirectory(t);
  const before = await openCatalogue(directory);
  for (let i = 0; i < 20; i++) {
    await before.publish({ ...makeBundle(ask({ transverse_diffusion: String(100 + i) })), reason: "test" });
  }
  const [blob] = await before.blobs.list();
  await before.close();
  const path = join(directory, databaseFile);
  const file = await open(path, "r+");
  const { size } = await stat(path);
  // All of the last quarter: pages of bundles and their indices.
  await file.write(new Uint8Array(size / 4).fill(0xaa), 0, size / 4, size - size / 4);
  await file.close();
  await chmod(join(directory, "blobs", "sha256", blob.slice(0, 2), blob), 0o644);
  await writeFile(join(directory, "blobs", "sha256", blob.slice(0, 2), blob), "damage");
  const catalogue = await openCatalogue(directory);
  t.after(() => catalogue.close());
  const { findings } = await catalogue.verifyAll();
  assert.ok(findings.some(({ what }) => what === "database"));
  assert.ok(findings.some(({ what, digest }) => what === "blob" && digest === blob));
});
