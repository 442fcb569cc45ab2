// Quantities: exact conversion and rounding, for any number and any unit; steps of the tolerance.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { QuantityCondition } from "./family.ts";
import { quantityParser, shifted, toleranceDistance } from "./quantity.ts";

function condition(changes: Partial<QuantityCondition> = {}): QuantityCondition {
  return {
    kind: "quantity",
    name: "length",
    description: "",
    unit: "mm",
    nominal: null,
    grid: "0.01",
    tolerance: "0.03",
    minimum: "-1000000",
    maximum: "1000000",
    ...changes,
  };
}

/** A whole number of 0.0001 mm as a decimal string shifted by `exponent` tens. */
function written(tenthMicrons: number, exponent: number): string {
  return `${tenthMicrons}e${-4 + exponent}`;
}

const tenthMicrons = fc.integer({ min: -1_000_000_000, max: 1_000_000_000 });

test("equivalent units, exponents and signs of the exponent give equal values", () => {
  const parse = quantityParser(condition());
  fc.assert(
    fc.property(tenthMicrons, (value) => {
      const expected = parse(written(value, 0));
      assert.equal(parse(`${written(value, 3)} um`), expected);
      assert.equal(parse(`${written(value, 3)} µm`), expected);
      assert.equal(parse(`${written(value, 3)}μm`), expected);
      assert.equal(parse(`${written(value, -1)} cm`), expected);
      assert.equal(parse(`${written(value, -3)} m`), expected);
      assert.equal(parse(`${written(value, -3)} sqrt(m^2)`), expected);
      assert.equal(parse(`${written(value, -3 + 6)} m*us/s`), expected);
    }),
  );
});

test("the value is the multiple of the grid that is nearest, the even one of two", () => {
  const parse = quantityParser(condition());
  fc.assert(
    fc.property(tenthMicrons, (value) => {
      const steps = Math.round(Number(parse(written(value, 0))) * 100);
      const off = Math.abs(value - 100 * steps);
      assert.ok(off < 50 || (off === 50 && steps % 2 === 0), `${value} went to ${steps}`);
    }),
  );
});

test("rounding is idempotent, there is no -0, no exponent and no trailing zero", () => {
  const grid = fc.constantFrom("0.01", "0.25", "1", "0.07", "250", "0.000001");
  const number = fc
    .double({ min: -900_000, max: 900_000, noNaN: true })
    .filter((value) => value === 0 || Math.abs(value) > 1e-90);
  fc.assert(
    fc.property(grid, number, (step, value) => {
      const parse = quantityParser(condition({ grid: step, minimum: "-910000", maximum: "910000" }));
      const once = parse(value);
      assert.equal(parse(once), once);
      assert.match(once, /^(0|-?(0|[1-9]\d*)(\.\d*[1-9])?)$/);
      assert.notEqual(once, "-0");
    }),
  );
});

test("whole numbers beyond 2^53 are kept to the digit", () => {
  const parse = quantityParser(
    condition({ grid: "1", minimum: `-1${"0".repeat(40)}`, maximum: `1${"0".repeat(40)}` }),
  );
  fc.assert(
    fc.property(fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n }), (value) => {
      assert.equal(parse(value.toString()), value.toString());
      assert.equal(parse(`${value}000 um`), value.toString());
    }),
  );
});

test("shifted goes one tolerance up or down and stops at the allowed range", () => {
  const field = condition({ unit: "T", grid: "0.01", tolerance: "0.05", minimum: "0", maximum: "2" });
  assert.equal(shifted(field, "0.5", 1), "0.55");
  assert.equal(shifted(field, "0.5", -1), "0.45");
  assert.equal(shifted(field, "0.03", -1), "0");
  assert.equal(shifted(field, "1.98", 1), "2");
  assert.equal(shifted(field, "2", 1), "2");
  assert.equal(shifted({ ...field, tolerance: "0" }, "0.5", 1), "0.5");
});

test("distance is exact at the tolerance, where binary subtraction is not", () => {
  const velocity = condition({ unit: "cm/us", tolerance: "0.05" });
  assert.notEqual((5.55 - 5.5) / 0.05, 1);
  assert.equal(toleranceDistance(velocity, "5.55", "5.5"), 1);
  assert.equal(toleranceDistance(velocity, "5.4", "5.5"), 2);
  assert.equal(toleranceDistance(velocity, "5.51", "5.5"), 0.2);
  assert.equal(toleranceDistance(condition({ tolerance: "0" }), "1", "1"), 0);
  assert.equal(toleranceDistance(condition({ tolerance: "0" }), "1", "2"), Number.POSITIVE_INFINITY);
});

test("a wrong unit is answered with the expected unit and others that do", () => {
  const parse = quantityParser(
    condition({ name: "drift_velocity", unit: "cm/us", minimum: "3", maximum: "8" }),
  );
  assert.throws(() => parse("5.45 cm"), {
    code: "wrong_unit",
    field: "conditions.drift_velocity",
    message:
      'Condition drift_velocity: "5.45 cm" is in cm, which does not measure the same quantity as cm/us.',
    remedy: 'Give a decimal number from 3 to 8 cm/us, such as "3 cm/us" (um/us, mm/us, m/us are converted).',
  });
  assert.throws(() => parse("5.45 m/us"), {
    code: "out_of_range",
    message: 'Condition drift_velocity: "5.45 m/us" is above 8 cm/us (on the grid it is 545 cm/us).',
  });
});
