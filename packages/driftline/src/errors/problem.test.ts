// What becomes of errors that are not Driftline's own.

import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { exitCode, toProblem } from "./problem.ts";

test("a full disk is the machine's failure, and another error a fault", {
  skip: !existsSync("/dev/full"),
}, () => {
  let full: unknown;
  try {
    writeFileSync("/dev/full", "x");
  } catch (error) {
    full = error;
  }
  const problem = toProblem(full);
  assert.equal(problem.code, "machine_failed");
  assert.match(problem.detail, /^No space was left on the disk: ENOSPC/);
  assert.ok(problem.remedy);
  assert.equal(exitCode(problem.code), 1);
  assert.equal(toProblem(new TypeError("x is not a function")).code, "internal");
});
