// What makes two recipes the same or not.

import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { DriftlineError } from "../errors/registry.ts";
import { loadFamily } from "../family/loadFamily.ts";
import { canonicalQuestion } from "../family/question.ts";
import { planRecipe, recipeHash } from "./recipe.ts";

const family = await loadFamily(
  fileURLToPath(new URL("../../../../families/mpd.tpc/family.yaml", import.meta.url)),
);
const nominal = canonicalQuestion(family, { conditions: {}, software: {} });
const fromMpdRoot = canonicalQuestion(family, { conditions: {}, software: { simulator: "mpdroot/unknown" } });
const files = [
  { sha256: "b".repeat(64), size: 1 },
  { sha256: "a".repeat(64), size: 2 },
];

test("the hash changes with everything that determines the model, and with nothing else", () => {
  const base = recipeHash(planRecipe(family, nominal, "env", {}));
  assert.match(base, /^r1-[0-9a-f]{64}$/);
  assert.equal(recipeHash(planRecipe(family, nominal, "env", { rows: family.data.rows })), base);
  const others = [
    planRecipe(family, nominal, "other", {}),
    planRecipe(family, nominal, "env", { rows: 5 }),
    planRecipe(family, nominal, "env", { seed: 5 }),
    planRecipe(family, nominal, "env", { retries: 1 }),
    planRecipe(family, nominal, "env", { model: "wgan-gp" }),
    planRecipe(family, nominal, "env", { hyperparameters: { width: 64 } }),
    planRecipe(family, canonicalQuestion(family, { conditions: { noise: "1 ADC" } }), "env", {}),
  ].map(recipeHash);
  assert.equal(new Set([base, ...others]).size, others.length + 1);
});

test("the order of files does not matter, and a retry keeps the dataset", () => {
  const one = planRecipe(family, fromMpdRoot, "env", { files });
  assert.equal(
    recipeHash(one),
    recipeHash(planRecipe(family, fromMpdRoot, "env", { files: files.toReversed() })),
  );
  assert.equal(one.data.saturation, null);
  const retried = planRecipe(family, nominal, "env", { retries: 2 });
  assert.deepEqual(retried.data, planRecipe(family, nominal, "env", {}).data);
  assert.equal(retried.training.seed, family.training.seed + 2);
});

test("a simulator that nothing here can run is refused with the remedy", () => {
  assert.throws(
    () => planRecipe(family, fromMpdRoot, "env", {}),
    (error: unknown) =>
      error instanceof DriftlineError &&
      error.code === "invalid_software" &&
      /mpdroot\/unknown/.test(error.message) &&
      /--data/.test(error.remedy ?? ""),
  );
});

test("what canonical JSON cannot hold is refused by name, however deep it is", () => {
  let nest: unknown = 1;
  for (let depth = 0; depth < 100_000; depth++) nest = [nest];
  const wrong: [hyperparameters: Record<string, unknown>, field: string, says: RegExp][] = [
    [{ width: 64, rate: Number.POSITIVE_INFINITY }, "hyperparameters.rate", /a number that is not finite/],
    [{ layers: [{ width: Number.NaN }] }, "hyperparameters.layers", /a number that is not finite/],
    [{ nest }, "hyperparameters.nest", /nested deeper than 20 levels/],
    [{ name: { "\ud800": 1 } }, "hyperparameters.name", /half of a surrogate pair/],
  ];
  for (const [hyperparameters, field, message] of wrong) {
    assert.throws(() => planRecipe(family, nominal, "env", { hyperparameters }), {
      code: "usage",
      field,
      message,
    });
  }
  assert.throws(() => planRecipe(family, nominal, "env", { model: "\udfff" }), {
    code: "usage",
    field: "model",
  });
});
