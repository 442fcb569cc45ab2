// The cheap check agrees with the schema on anything that JSON can hold.

import assert from "node:assert/strict";
import { it } from "node:test";
import { resolveRequest } from "@driftline/client/api";
import fc from "fast-check";
import { plainQuestion } from "./plainQuestion.ts";

const value = fc.oneof(
  { weight: 4, arbitrary: fc.string() },
  { weight: 4, arbitrary: fc.double() },
  { weight: 1, arbitrary: fc.jsonValue() },
);
const member = fc.oneof(
  { weight: 6, arbitrary: fc.dictionary(fc.string(), value, { maxKeys: 4 }) },
  { weight: 1, arbitrary: fc.jsonValue() },
);
const accept = fc.oneof(fc.constantFrom("exact", "compatible"), fc.jsonValue());
const request = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ conditions: member, software: member, accept }, { requiredKeys: [] }),
  },
  { weight: 1, arbitrary: fc.record({ conditions: member, other: member }) },
  { weight: 1, arbitrary: fc.jsonValue() },
);

it("takes what the schema takes, as the schema gives it", () => {
  let taken = 0;
  fc.assert(
    fc.property(request, (generated) => {
      const text = JSON.stringify(generated);
      // The parser of bodies refuses it.
      fc.pre(!text.includes("__proto__"));
      const given = JSON.parse(text);
      const plain = plainQuestion(given);
      if (plain === null) return;
      taken++;
      assert.deepEqual({ ...plain }, resolveRequest.parse(given));
    }),
    { seed: 4, numRuns: 3000 },
  );
  assert.ok(taken > 300, `only ${taken} of 3000 were taken`);
});

it("takes questions as clients write them", () => {
  const conditions = { drift_velocity: "5.5 cm/us", noise: 2 };
  const software = { simulator: "driftline-tpc/1" };
  assert.deepEqual(plainQuestion({}), { conditions: {}, software: {}, accept: "exact" });
  const asked = { conditions, software, accept: "compatible" };
  assert.deepEqual(plainQuestion(asked), asked);
});
