// Suggestions for mistyped names.

import assert from "node:assert/strict";
import { test } from "node:test";
import { nearestName } from "./nearestName.ts";

test("a slip finds its name, something else finds none", () => {
  const names = ["drift_velocity", "magnetic_field", "noise", "gas"];
  assert.equal(nearestName("drift_velocty", names), "drift_velocity");
  assert.equal(nearestName("Drift-Velocity", names), "drift_velocity");
  assert.equal(nearestName("nosie", names), "noise");
  assert.equal(nearestName("ga", names), "gas");
  assert.equal(nearestName("temperature", names), null);
  assert.equal(nearestName("anything", []), null);
  assert.equal(nearestName("x".repeat(1_000_000), names), null);
});
