// docs/errors.md and the registry say the same, and statuses agree with each other.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { exitCode, toProblem } from "./problem.ts";
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

/** Whose fault a gRPC status says it is, after google.rpc.Code (code.proto); the others can be either's. */
const callersFault = [
  "INVALID_ARGUMENT",
  "NOT_FOUND",
  "UNIMPLEMENTED",
  "UNAUTHENTICATED",
  "PERMISSION_DENIED",
  "CANCELLED",
  "ABORTED",
];
const serversFault = ["DATA_LOSS", "INTERNAL", "UNAVAILABLE"];

it("blames the same side over HTTP and gRPC", () => {
  for (const [code, { http, grpc }] of Object.entries(errorRegistry)) {
    if (callersFault.includes(grpc)) assert.ok(http >= 400 && http < 500, `${code}: ${http} and ${grpc}`);
    if (serversFault.includes(grpc)) assert.ok(http >= 500, `${code}: ${http} and ${grpc}`);
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

it("takes a code that it does not know, such as a name that every object has, for a fault", () => {
  for (const code of ["constructor", "from_a_newer_server"]) {
    assert.equal(exitCode(code), 1);
    const { title, status } = toProblem(new DriftlineError(code, "Something"));
    assert.deepEqual({ title, status }, { title: errorRegistry.internal.title, status: 500 });
  }
});
