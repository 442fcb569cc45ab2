// Questions: whatever the order, the unit or the normalisation they are asked in, one point has one key.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { DriftlineError } from "../errors/registry.ts";
import { canonicalQuestion, conditionDifferences } from "./question.ts";
import { familyOf, readVectors } from "./vectorFamilies.ts";

const { families } = readVectors();
const tpc = familyOf(families["mpd.tpc"]);
const words = familyOf(families["vectors.words"]);
const numbers = familyOf(families["vectors.numbers"]);

test("the order in which conditions are given does not matter", () => {
  const given = Object.entries({
    drift_velocity: "5.45 cm/us",
    transverse_diffusion: "190",
    magnetic_field: "6 kG",
    shaping_width: "0.2 us",
    threshold: 0.9,
    particle: "kaon",
    gas: "Ne/CO2 90/10",
  });
  const { key } = canonicalQuestion(tpc, { conditions: Object.fromEntries(given) });
  fc.assert(
    fc.property(fc.shuffledSubarray(given, { minLength: given.length }), (shuffled) => {
      assert.equal(canonicalQuestion(tpc, { conditions: Object.fromEntries(shuffled) }).key, key);
    }),
  );
});

test("labels that differ in normalisation alone have one key, others have two", () => {
  const key = (alpha: string) =>
    canonicalQuestion(words, {
      conditions: { zeta: "z", length: 1, alpha },
      software: { simulator: "a/1" },
    }).key;
  const word = fc
    .string({ unit: "grapheme", minLength: 1, maxLength: 30 })
    .filter(
      (text) => !/[\p{Cc}\u2028\u2029]|^\p{Zs}|\p{Zs}$/u.test(text) && text.normalize("NFD").length <= 200,
    );
  fc.assert(
    fc.property(word, word, (a, b) => {
      assert.equal(key(a.normalize("NFD")), key(a.normalize("NFC")));
      assert.equal(key(a) === key(b), a.normalize("NFC") === b.normalize("NFC"));
    }),
  );
});

test("what is not given takes the nominal value, is named, and has the key of the nominal value", () => {
  const question = canonicalQuestion(tpc, { conditions: { magnetic_field: "0.5 T", gas: undefined } });
  assert.equal(question.defaulted.length, tpc.conditions.length - 1 + tpc.software.length);
  assert.ok(!question.defaulted.includes("magnetic_field"));
  assert.ok(question.defaulted.includes("gas") && question.defaulted.includes("simulator"));
  assert.equal(question.key, canonicalQuestion(tpc, {}).key);
  assert.equal(question.key, canonicalQuestion(tpc, question).key);
});

test("family, version, every condition and every software version are part of the key", () => {
  const key = (family: typeof tpc, conditions = {}, software = {}) =>
    canonicalQuestion(family, { conditions, software }).key;
  const keys = [
    key(tpc),
    key({ ...tpc, version: 2 }),
    key({ ...tpc, name: "mpd.tpc2" }),
    ...tpc.conditions.map((condition) =>
      key(tpc, {
        [condition.name]:
          condition.kind === "quantity" ? condition.maximum : (condition.values?.[0] ?? "other"),
      }),
    ),
    ...tpc.software.map(({ name }) => key(tpc, {}, { [name]: "other/1" })),
  ];
  assert.equal(new Set(keys).size, keys.length);
});

test("the grid separates keys, and nothing finer does", () => {
  const key = (value: string) => canonicalQuestion(tpc, { conditions: { drift_velocity: value } }).key;
  assert.equal(key("5.504"), key("5.5"));
  assert.notEqual(key("5.506"), key("5.5"));
});

test("garbage is refused with an error of the registry that names the field, or accepted, and never more", () => {
  const names = ["drift_velocity", "transverse_diffusion", "particle", "gas", "constructor", "__proto__"];
  const number = fc.oneof(fc.constantFrom("5", "5.5", "-0", "1e", "1e9999", "0x1", ".", "∞"), fc.double());
  const unit = fc.string({
    unit: fc.constantFrom(..."cmuskTG/*^-()1%µ sqrt".split(""), "sqrt("),
    maxLength: 80,
  });
  const value = fc.oneof(
    fc.anything({ withBigInt: true, withDate: true, withTypedArray: true, withObjectString: true }),
    fc.string({ unit: "binary", maxLength: 300 }),
    fc.tuple(number, unit).map(([a, b]) => `${a} ${b}`),
  );
  const conditions = fc.dictionary(fc.oneof(fc.constantFrom(...names), fc.string()), value, { maxKeys: 4 });
  const software = fc.dictionary(fc.oneof(fc.constant("simulator"), fc.string()), value, { maxKeys: 2 });
  let accepted = 0;
  fc.assert(
    fc.property(conditions, software, (conditions, software) => {
      try {
        canonicalQuestion(tpc, { conditions, software });
        accepted++;
      } catch (error) {
        assert.ok(error instanceof DriftlineError, `${error}`);
        assert.match(error.field ?? "", /^(conditions|software)\./);
        assert.ok(error.remedy && error.message.length < 2000);
      }
    }),
    { numRuns: 1000, seed: 7 },
  );
  assert.ok(accepted > 0);
});

test("a unit may not cost more than a moment, however it is written", () => {
  const start = performance.now();
  for (const unit of [
    "(".repeat(64),
    "Pm^9*".repeat(12),
    `1${"%^9*%^9".repeat(9)}`,
    "sqrt(".repeat(12),
    "9".repeat(190),
  ]) {
    assert.throws(() => canonicalQuestion(numbers, { conditions: { field: `1 ${unit}` } }), DriftlineError);
  }
  assert.ok(performance.now() - start < 500);
});

test("differences are in tolerances for quantities, null for labels, in the family's order", () => {
  const asked = canonicalQuestion(tpc, {
    conditions: { drift_velocity: "5.55", particle: "kaon" },
  }).conditions;
  const has = canonicalQuestion(tpc, {}).conditions;
  const differences = conditionDifferences(tpc, asked, has);
  assert.deepEqual(
    differences.map(({ name }) => name),
    tpc.conditions.map(({ name }) => name),
  );
  assert.deepEqual(differences[0], {
    name: "drift_velocity",
    unit: "cm/us",
    asked: "5.55",
    has: "5.5",
    distance: 1,
  });
  assert.deepEqual(
    differences.find(({ name }) => name === "particle"),
    { name: "particle", unit: null, asked: "kaon", has: "pion", distance: null },
  );
  assert.equal(differences[1].distance, 0);
});
