// docs/errors.md and the registry say the same, and statuses agree with each other.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { DriftlineError, errorRegistry, fail } from "./registry.ts";

const page = readFileSync(new URL("../../../../docs/errors.md", import.meta.url), "utf8");
const documented = page
  .split("\n")
  .filter((line) => line.startsWith("| `"))
  .map((line) =>
    line
      .slice(1, -1)
      .split("|")
      .map((cell) => cell.trim()),
  );

describe("docs/errors.md", () => {
  for (const [code, { title, http, grpc, exit }] of Object.entries(errorRegistry)) {
    it(`documents ${code}`, () => {
      const row = documented.find(([first]) => first === `\`${code}\``);
      const due = [`\`${code}\``, title, String(http), grpc, String(exit)];
      assert.deepEqual(row, due, `docs/errors.md must have the row: | ${due.join(" | ")} |`);
    });
  }

  it("documents no code that is not there", () => {
    assert.deepEqual(documented.map(([code]) => code.slice(1, -1)).sort(), Object.keys(errorRegistry).sort());
  });
});

/** HTTP statuses that go with each gRPC status: those of google.rpc.Code (code.proto), and nearer ones where HTTP has them. */
const allowed: Record<string, number[]> = {
  INVALID_ARGUMENT: [400, 413, 415, 422],
  NOT_FOUND: [404],
  FAILED_PRECONDITION: [400, 409, 412, 500],
  DATA_LOSS: [500],
  INTERNAL: [500],
  UNAVAILABLE: [503],
  CANCELLED: [409, 499],
  ABORTED: [409],
  RESOURCE_EXHAUSTED: [413, 429, 507],
  UNAUTHENTICATED: [401],
  PERMISSION_DENIED: [403],
  UNIMPLEMENTED: [404, 405, 501],
};

it("gives every code an HTTP status that goes with its gRPC status", () => {
  for (const [code, { http, grpc }] of Object.entries(errorRegistry)) {
    assert.ok(allowed[grpc]?.includes(http), `${code}: ${http} and ${grpc}`);
  }
});

it("keeps message, field, remedy and cause", () => {
  const cause = new Error("below");
  const error = fail("wrong_unit", "Reading drift_velocity: mm is no velocity.", {
    field: "drift_velocity",
    remedy: "Give it in cm/us.",
    cause,
  });
  assert.ok(error instanceof DriftlineError);
  assert.deepEqual(
    [error.code, error.message, error.field, error.remedy, error.cause],
    [
      "wrong_unit",
      "Reading drift_velocity: mm is no velocity.",
      "drift_velocity",
      "Give it in cm/us.",
      cause,
    ],
  );
});
