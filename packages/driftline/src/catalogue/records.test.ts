// Records: prefixes, lists, files of a bundle, withdrawal.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { ask, makeBundle, scratchCatalogue, testFamily } from "./testing.ts";

test("a model is named by its digest, its key, or a prefix of 8 digits or more", async (t) => {
  const catalogue = await scratchCatalogue(t);
  const bundle = makeBundle(ask());
  await catalogue.publish({ ...bundle, reason: "test" });
  const { digest } = bundle;
  const { key } = bundle.question;
  for (const name of [digest, digest.slice(0, 8), key, key.slice(0, 11)]) {
    assert.equal((await catalogue.model(name)).bundle, digest, name);
  }
  for (const name of [key, key.slice(0, 11), key.slice(3, 11)]) {
    assert.equal((await catalogue.byKey(name)).bundle, digest, name);
  }
  for (const name of [
    digest.slice(0, 7),
    digest.toUpperCase(),
    `${digest}0`,
    "",
    "k1-",
    "%",
    digest.slice(0, 7).concat("'"),
  ]) {
    await assert.rejects(catalogue.model(name), { code: "usage" }, name);
  }
});

test("an unknown prefix names the nearest digests, the one with most digits in common first", async (t) => {
  const catalogue = await scratchCatalogue(t);
  await assert.rejects(catalogue.model("00000000"), { code: "unknown_model", remedy: /catalogue is empty/ });
  const digests: string[] = [];
  for (let i = 0; i < 20; i++) {
    const bundle = makeBundle(ask({ transverse_diffusion: String(100 + i) }));
    await catalogue.publish({ ...bundle, reason: "test" });
    digests.push(bundle.digest);
  }
  const meant = digests[7];
  const typo = `${meant.slice(0, 11)}${meant[11] === "0" ? "1" : "0"}`;
  await assert.rejects(
    catalogue.model(typo),
    (error: { code: string; remedy: string; data: { nearest: string[] } }) => {
      assert.equal(error.code, "unknown_model");
      assert.equal(error.data.nearest.length, 3);
      assert.equal(error.data.nearest[0], meant);
      assert.match(error.remedy, new RegExp(`The nearest are ${meant}`));
      return true;
    },
  );
});

test("a prefix that several begin with is refused and names them", async (t) => {
  const catalogue = await scratchCatalogue(t);
  // Rows made by hand: finding real digests that share 8 digits takes some 2^16 bundles.
  const bundle = makeBundle(ask());
  await catalogue.publish({ ...bundle, reason: "test" });
  const row = await catalogue.database.db.selectFrom("bundles").selectAll().executeTakeFirstOrThrow();
  const digests = ["1", "2"].map((last) => `abcdef01${last.repeat(56)}`);
  await catalogue.database.write((trx) =>
    trx
      .insertInto("bundles")
      .values(digests.map((digest) => ({ ...row, digest })))
      .execute(),
  );
  await assert.rejects(catalogue.model("abcdef01"), {
    code: "unknown_model",
    message: `abcdef01 is not unique: ${digests.join(", ")} begin with it.`,
  });
  assert.equal((await catalogue.model("abcdef012")).bundle, digests[1]);
});

test("a long list goes on after any model of it, those of one instant included, and once through each", async (t) => {
  const catalogue = await scratchCatalogue(t);
  const bundle = makeBundle(ask());
  await catalogue.publish({ ...bundle, reason: "test" });
  const row = await catalogue.database.db.selectFrom("bundles").selectAll().executeTakeFirstOrThrow();
  const rows = Array.from({ length: 450 }, (_, i) => ({
    ...row,
    digest: createHash("sha256").update(String(i)).digest("hex"),
    family: i % 3 === 0 ? "other" : row.family,
    // Seven at a time.
    created_at: new Date(1e12 + 1000 * Math.floor(i / 7)).toISOString(),
  }));
  await catalogue.database.write((trx) => trx.insertInto("bundles").values(rows).execute());
  const order = (a: { at: string; digest: string }, b: { at: string; digest: string }) =>
    a.at === b.at ? (a.digest < b.digest ? 1 : -1) : a.at < b.at ? 1 : -1;
  for (const family of [undefined, row.family]) {
    const expected = [...rows, row]
      .filter((each) => family === undefined || each.family === family)
      .map((each) => ({ at: each.created_at, digest: each.digest }))
      .sort(order)
      .map(({ digest }) => digest);
    const digests = async (after?: string) =>
      (await Array.fromAsync(catalogue.models({ family, after }))).map((model) => model.bundle);
    assert.deepEqual(await digests(), expected);
    for (const i of [0, 99, 100, 250, expected.length - 1]) {
      assert.deepEqual(await digests(expected[i]), expected.slice(i + 1), `after model ${i}`);
    }
  }
  assert.equal(await catalogue.count(), 451);
  await assert.rejects(catalogue.models({ after: "0".repeat(64) }).next(), { code: "unknown_model" });
});

test("models are listed newest first, by family, with whether they serve", async (t) => {
  const catalogue = await scratchCatalogue(t);
  const first = makeBundle(ask());
  const second = makeBundle(ask(), { salt: "retrained" });
  await catalogue.publish({ ...first, reason: "test" });
  await new Promise((resolve) => setTimeout(resolve, 2));
  await catalogue.publish({ ...second, reason: "test" });
  const listed = await Array.fromAsync(catalogue.models({ family: testFamily.name }));
  assert.deepEqual(
    listed.map(({ bundle, serving }) => [bundle, serving]),
    [
      [second.digest, true],
      [first.digest, false],
    ],
  );
  assert.deepEqual(await Array.fromAsync(catalogue.models({ family: "other" })), []);
  assert.deepEqual(await catalogue.servingCounts(), new Map([[testFamily.name, 1]]));
  await catalogue.withdraw(second.digest, "test");
  assert.deepEqual(await catalogue.servingCounts(), new Map());
});

test("files of a bundle: by path, by range; an unknown path lists what there is", async (t) => {
  const catalogue = await scratchCatalogue(t);
  const bundle = makeBundle(ask());
  await catalogue.publish({ ...bundle, reason: "test" });
  const text = async (range?: { start: number; end: number }) =>
    await new Response(await catalogue.file(bundle.digest, "model.onnx", range)).text();
  assert.equal(await text(), "model ");
  assert.equal(await text({ start: 1, end: 3 }), "ode");
  await assert.rejects(catalogue.file(bundle.digest, "../catalogue.sqlite"), {
    code: "unknown_file",
    remedy: "It has card.md, model.onnx, reference.safetensors, validation.json.",
  });
});

test("withdrawing a model that does not serve changes nothing; a key without model is said to be withdrawn", async (t) => {
  const catalogue = await scratchCatalogue(t);
  const first = makeBundle(ask());
  const second = makeBundle(ask(), { salt: "retrained" });
  await catalogue.publish({ ...first, reason: "test" });
  await catalogue.publish({ ...second, reason: "test" });
  await catalogue.withdraw(first.digest, "old");
  assert.equal((await catalogue.byKey(first.question.key)).bundle, second.digest);
  await catalogue.withdraw(second.digest, "test");
  await assert.rejects(catalogue.byKey(first.question.key), {
    code: "unknown_model",
    message: /are withdrawn/,
  });
});
