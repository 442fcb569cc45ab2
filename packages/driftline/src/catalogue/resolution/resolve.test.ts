// Resolution: exact, compatible at the edges of measured domains, and misses that explain themselves.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Hit, Miss, Resolution } from "@driftline/client/api";
import { hit as hitSchema, miss as missSchema } from "@driftline/client/api";
import { ask, keyOf, makeBundle, scratchCatalogue, testFamily } from "../testing.ts";

function asHit(answer: Resolution): Hit {
  assert.ok(answer.found, `expected a model, got: ${JSON.stringify(answer)}`);
  return hitSchema.parse(answer);
}

function asMiss(answer: Resolution): Miss {
  assert.ok(!answer.found, "expected no model");
  return missSchema.parse(answer);
}

test("an empty catalogue answers with a miss that says so", async (t) => {
  const catalogue = await scratchCatalogue(t);
  const miss = asMiss(await catalogue.resolve(ask(), testFamily, "exact"));
  assert.equal(miss.reason, "No model serves test.tpc version 1.");
  assert.deepEqual(miss.nearest, []);
});

test("the model of exactly these conditions is found by its key", async (t) => {
  const catalogue = await scratchCatalogue(t);
  const bundle = makeBundle(ask());
  await catalogue.publish({ ...bundle, reason: "test" });
  for (const accept of ["exact", "compatible"] as const) {
    const hit = asHit(await catalogue.resolve(ask({ drift_velocity: "55.0 mm/us" }), testFamily, accept));
    assert.equal(hit.match, "exact");
    assert.equal(hit.distance, 0);
    assert.equal(hit.model.bundle, bundle.digest);
    assert.equal(hit.model.serving, true);
    assert.deepEqual(hit.differences, []);
    assert.deepEqual(hit.domain.inputs.pt, { low: 0.2, high: 2.5, unit: "GeV/c", tested: true });
  }
});

test("the JSON of an exact hit is that of resolve, whatever is in the labels; a miss has none", async (t) => {
  const catalogue = await scratchCatalogue(t);
  for (const gas of ["Ar/CH4 90/10", 'a "label" \\ },"family":', "π+σ", "{}"]) {
    const question = ask({ gas, drift_velocity: "55 mm/us" });
    assert.equal(await catalogue.exactJson(question), null);
    const bundle = makeBundle(question, { domain: { drift_velocity: [5.45, 5.55] } });
    await catalogue.publish({ ...bundle, reason: "test" });
    const json = await catalogue.exactJson(question);
    assert.deepEqual(JSON.parse(json!), await catalogue.resolve(question, testFamily, "exact"));
    await catalogue.withdraw(bundle.digest, "test");
    assert.equal(await catalogue.exactJson(question), null);
  }
});

test("compatible: 5.55 is inside a domain of 5.50 ± 0.05, 5.56 is not, and exact resolution takes neither", async (t) => {
  const catalogue = await scratchCatalogue(t);
  await catalogue.publish({
    ...makeBundle(ask(), { domain: { drift_velocity: [5.45, 5.55] } }),
    reason: "test",
  });
  for (const edge of ["5.55", "5.45"]) {
    const hit = asHit(await catalogue.resolve(ask({ drift_velocity: edge }), testFamily, "compatible"));
    assert.equal(hit.match, "compatible");
    assert.equal(hit.distance, 1);
    assert.deepEqual(
      hit.differences.map(({ reason }) => reason),
      [
        `drift_velocity: asked ${edge} cm/us, model 5.50, 1 tolerance away; inside its measured domain, 5.45 to 5.55`,
      ],
    );
  }
  for (const beyond of ["5.56", "5.44"]) {
    asMiss(await catalogue.resolve(ask({ drift_velocity: beyond }), testFamily, "compatible"));
  }
  const miss = asMiss(await catalogue.resolve(ask({ drift_velocity: "5.52" }), testFamily, "exact"));
  assert.match(miss.reason, /made for exactly these conditions/);
  assert.match(miss.reason, /0\.4 tolerances away: compatible resolution accepts it/);
});

test("domain edges that binary fractions blur are exact: every edge of a box on the grid is inside", async (t) => {
  const catalogue = await scratchCatalogue(t);
  const centres = Array.from({ length: 40 }, (_, i) => 3 + i * 0.17);
  for (const [i, centre] of centres.entries()) {
    const question = ask({ drift_velocity: centre.toFixed(2), transverse_diffusion: String(100 + 20 * i) });
    // Ends as a producer computes them in floating point, noise included.
    const domain = { drift_velocity: [centre - 0.05, centre + 0.05] as [number, number] };
    await catalogue.publish({ ...makeBundle(question, { domain }), reason: "test" });
  }
  for (const [i, centre] of centres.entries()) {
    const at = (offset: number) => {
      const drift_velocity = (centre + offset).toFixed(2);
      return catalogue.resolve(
        ask({ drift_velocity, transverse_diffusion: String(100 + 20 * i) }),
        testFamily,
        "compatible",
      );
    };
    assert.equal(asHit(await at(0.05)).distance, 1);
    assert.equal(asHit(await at(-0.05)).distance, 1);
    asMiss(await at(0.06));
    asMiss(await at(-0.06));
  }
});

test("far off: the miss says for each condition why the model does not fit", async (t) => {
  const catalogue = await scratchCatalogue(t);
  await catalogue.publish({
    ...makeBundle(ask(), { domain: { drift_velocity: [5.45, 5.55] } }),
    reason: "test",
  });
  const question = ask({
    drift_velocity: "5.60",
    magnetic_field: "0.51",
    threshold: "1.1",
    transverse_diffusion: "185",
  });
  const miss = asMiss(await catalogue.resolve(question, testFamily, "compatible"));
  const [nearest] = miss.nearest;
  assert.deepEqual(
    nearest.differences.map(({ reason, fits }) => [reason, fits]),
    [
      [
        "drift_velocity: asked 5.60 cm/us, model 5.50, 2 tolerances away; its measured domain is 5.45 to 5.55",
        false,
      ],
      [
        "magnetic_field: asked 0.51 T, model 0.50, 1 tolerance away; it was tested at its own value alone",
        false,
      ],
      [
        "threshold: asked 1.1 ADC, model 1.0, the family allows no tolerance; it was tested at its own value alone",
        false,
      ],
    ],
  );
  assert.equal(nearest.distance, null, "a condition without tolerance differs");
  assert.equal(nearest.differences[0].distance, 2);
});

test("of several that fit the nearest wins, and of equally near ones the newest", async (t) => {
  const catalogue = await scratchCatalogue(t);
  const wide: { drift_velocity: [number, number] } = { drift_velocity: [5.4, 5.6] };
  const publish = async (drift_velocity: string) => {
    const bundle = makeBundle(ask({ drift_velocity }), { domain: wide });
    await catalogue.publish({ ...bundle, reason: "test" });
    return bundle.digest;
  };
  const low = await publish("5.48");
  const high = await publish("5.52");
  const at = async (drift_velocity: string) =>
    asHit(await catalogue.resolve(ask({ drift_velocity }), testFamily, "compatible"));
  assert.equal((await at("5.49")).model.bundle, low);
  assert.equal((await at("5.51")).model.bundle, high);
  assert.equal((await at("5.50")).model.bundle, high, "0.4 tolerances from both; high is newer");
  assert.equal((await at("5.50")).distance, 0.4);
});

test("other labels, software and versions never fit, and the miss says so", async (t) => {
  const catalogue = await scratchCatalogue(t);
  await catalogue.publish({ ...makeBundle(ask(), { domain: { drift_velocity: [5, 6] } }), reason: "test" });
  const software = ask({ drift_velocity: "5.51" }, { simulator: "mpdroot/unknown" });
  const miss = asMiss(await catalogue.resolve(software, testFamily, "compatible"));
  assert.equal(miss.nearest[0].distance, null);
  assert.deepEqual(
    miss.nearest[0].differences.filter(({ fits }) => !fits).map(({ reason }) => reason),
    ["simulator: asked mpdroot/unknown, model driftline-tpc/1; software must be the same"],
  );
  const gas = asMiss(await catalogue.resolve(ask({ gas: "P10" }), testFamily, "compatible"));
  assert.equal(
    gas.nearest[0].differences[0].reason,
    "gas: asked P10, model Ar/CH4 90/10; a label must be the same",
  );

  const next = { ...testFamily, version: 2 };
  const other = asMiss(
    await catalogue.resolve({ ...ask(), familyVersion: 2, key: `k1-${"0".repeat(64)}` }, next, "compatible"),
  );
  assert.equal(other.reason, "No model serves test.tpc version 2 (there are models of version 1).");
});

test("the three nearest are sorted by distance, models with other software last", async (t) => {
  const catalogue = await scratchCatalogue(t);
  for (const drift_velocity of ["5.9", "5.4", "5.7", "6.5"]) {
    await catalogue.publish({ ...makeBundle(ask({ drift_velocity })), reason: "test" });
  }
  await catalogue.publish({ ...makeBundle(ask({}, { simulator: "other/1" })), reason: "test" });
  const nearestTo = async (drift_velocity: string) => {
    const { nearest } = asMiss(await catalogue.resolve(ask({ drift_velocity }), testFamily, "exact"));
    return nearest.map(({ model, distance }) => [model.conditions.drift_velocity, distance]);
  };
  assert.deepEqual(await nearestTo("5.5"), [
    ["5.4", 2],
    ["5.7", 4],
    ["5.9", 8],
  ]);
  assert.deepEqual(await nearestTo("7"), [
    ["6.5", 10],
    ["5.9", 22],
    ["5.7", 26],
  ]);
});

test("a withdrawn model is resolved by nothing, and readable by digest; publishing again brings it back", async (t) => {
  const catalogue = await scratchCatalogue(t);
  const bundle = makeBundle(ask(), { domain: { drift_velocity: [5.45, 5.55] } });
  await catalogue.publish({ ...bundle, reason: "test" });
  asHit(await catalogue.resolve(ask({ drift_velocity: "5.51" }), testFamily, "compatible"));
  const withdrawn = await catalogue.withdraw(bundle.digest.slice(0, 12), "pads swapped");
  assert.equal(withdrawn.serving, false);
  const miss = asMiss(await catalogue.resolve(ask(), testFamily, "exact"));
  assert.match(miss.reason, /of exactly these conditions was withdrawn: pads swapped\./);
  assert.deepEqual(miss.nearest, []);
  asMiss(await catalogue.resolve(ask({ drift_velocity: "5.51" }), testFamily, "compatible"));
  assert.equal((await catalogue.model(bundle.digest)).serving, false);
  assert.deepEqual(Buffer.from(await catalogue.manifest(bundle.digest)), Buffer.from(bundle.manifest));

  await catalogue.publish({ ...bundle, reason: "it was right after all" });
  assert.equal(asHit(await catalogue.resolve(ask(), testFamily, "exact")).model.bundle, bundle.digest);
  asHit(await catalogue.resolve(ask({ drift_velocity: "5.51" }), testFamily, "compatible"));
});

test("the index follows publications between questions, and a changed tolerance of the family", async (t) => {
  const catalogue = await scratchCatalogue(t);
  const domain: { drift_velocity: [number, number] } = { drift_velocity: [5.4, 5.6] };
  asMiss(await catalogue.resolve(ask(), testFamily, "compatible"));
  const first = makeBundle(ask(), { domain });
  await catalogue.publish({ ...first, reason: "test" });
  const question = ask({ drift_velocity: "5.55" });
  assert.equal(asHit(await catalogue.resolve(question, testFamily, "compatible")).model.bundle, first.digest);
  const retrained = makeBundle(ask(), { domain, salt: "retrained" });
  await catalogue.publish({ ...retrained, reason: "test" });
  assert.equal(
    asHit(await catalogue.resolve(question, testFamily, "compatible")).model.bundle,
    retrained.digest,
  );
  const conditions = testFamily.conditions.map((condition) =>
    condition.name === "drift_velocity" ? { ...condition, tolerance: "0.1" } : condition,
  );
  const tolerant = await catalogue.resolve(question, { ...testFamily, conditions }, "compatible");
  assert.equal(asHit(tolerant).distance, 0.5);
});

test("a bundle from elsewhere that states no number for a condition is never near and breaks nothing", async (t) => {
  const catalogue = await scratchCatalogue(t);
  await catalogue.publish({ ...makeBundle(ask({ drift_velocity: "6" })), reason: "test" });
  const { drift_velocity: _, ...rest } = ask().conditions;
  const odd: ReturnType<typeof ask>[] = [
    { ...ask(), conditions: rest },
    { ...ask(), conditions: { ...rest, drift_velocity: "fast" } },
  ];
  for (const question of odd) {
    await catalogue.publish({ ...makeBundle({ ...question, key: keyOf(question) }), reason: "test" });
  }
  const miss = asMiss(await catalogue.resolve(ask(), testFamily, "compatible"));
  assert.equal(miss.nearest[0].model.conditions.drift_velocity, "6");
  assert.equal(miss.nearest[1].distance, null);
  assert.match(
    miss.nearest[1].differences[0].reason,
    /^drift_velocity: asked 5.5, model (none|fast); the model does not/,
  );
});
