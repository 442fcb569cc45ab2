// The search in memory against sorting all models, and what another process binds between two equal questions.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Miss } from "@driftline/client/api";
import { conditionDifferences } from "../../family/question.ts";
import { ask, ended, inChild, makeBundle, randomNumbers, scratchCatalogue, testFamily } from "../testing.ts";

test("the three nearest are those that come first when all models are sorted", async (t) => {
  const catalogue = await scratchCatalogue(t);
  // Few values, so that there are ties.
  const random = randomNumbers(4);
  const anywhere = () =>
    ask(
      {
        drift_velocity: `${(500 + random(8) * 10) / 100}`,
        magnetic_field: `0.${4 + random(3)}`,
        transverse_diffusion: `${150 + random(6) * 10}`,
        threshold: `${1 + random(2)}`,
        gas: ["Ar/CH4 90/10", "P10", "Ne"][random(3)],
      },
      { simulator: ["driftline-tpc/1", "other/1"][random(2)] },
    );
  const models: { bundle: string; question: ReturnType<typeof ask> }[] = [];
  for (let n = 0; n < 60; n++) {
    const bundle = makeBundle(anywhere());
    if (models.some(({ question }) => question.key === bundle.question.key)) continue;
    await catalogue.publish({ ...bundle, reason: "test" });
    models.push({ bundle: bundle.digest, question: bundle.question });
  }
  for (let n = 0; n < 60; n++) {
    const question = anywhere();
    if (models.some(({ question: { key } }) => key === question.key)) continue;
    const ranked = models.map(({ bundle, question: has }, published) => {
      const differing = conditionDifferences(testFamily, question.conditions, has.conditions);
      const labels = differing.filter(
        ({ distance, asked, has }) => distance === null && asked !== has,
      ).length;
      return {
        bundle,
        published,
        mismatch: labels + (question.software.simulator === has.software.simulator ? 0 : 1),
        distance: Math.max(...differing.map(({ distance }) => distance ?? 0)),
      };
    });
    ranked.sort(
      (a, b) =>
        a.mismatch - b.mismatch ||
        (a.distance === b.distance ? 0 : a.distance - b.distance) ||
        b.published - a.published,
    );
    for (const accept of ["exact", "compatible"] as const) {
      // Twice: the second answer is the one that was kept.
      for (const _ of [1, 2]) {
        const miss = (await catalogue.resolve(question, testFamily, accept)) as Miss;
        assert.deepEqual(
          miss.nearest.map(({ model }) => model.bundle),
          ranked.slice(0, 3).map(({ bundle }) => bundle),
        );
      }
    }
  }
});

test("what another process binds or withdraws is seen by the next question, asked before or not", async (t) => {
  const catalogue = await scratchCatalogue(t);
  const question = JSON.stringify({ drift_velocity: "5.55" });
  const answers = async () => {
    const asked = ask(JSON.parse(question));
    const [exact, compatible] = await Promise.all(
      (["exact", "compatible"] as const).map((accept) => catalogue.resolve(asked, testFamily, accept)),
    );
    return [exact.found, compatible.found && compatible.match];
  };
  const elsewhere = async (work: string) =>
    ended(
      inChild(
        t,
        catalogue.dataDirectory,
        `const catalogue = await c.openCatalogue(directory);
         const near = c.makeBundle(c.ask(), { domain: { drift_velocity: [5.4, 5.6] } });
         const own = c.makeBundle(c.ask(${question}));
         ${work}
         await catalogue.close();`,
      ),
    );
  assert.deepEqual(await answers(), [false, false]);
  await elsewhere(`await catalogue.publish({ ...near, reason: "test" });`);
  assert.deepEqual(await answers(), [false, "compatible"]);
  await elsewhere(`await catalogue.publish({ ...own, reason: "test" });`);
  assert.deepEqual(await answers(), [true, "exact"]);
  await elsewhere(`await catalogue.withdraw(own.digest, "test");`);
  assert.deepEqual(await answers(), [false, "compatible"]);
  await elsewhere(`await catalogue.withdraw(near.digest, "test");`);
  assert.deepEqual(await answers(), [false, false]);
});
