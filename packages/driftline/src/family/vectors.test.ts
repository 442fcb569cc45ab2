// The condition key against the published vectors, which the independent Python implementation made.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import canonicalize from "canonicalize";
import { DriftlineError } from "../errors/registry.ts";
import { canonicalQuestion } from "./question.ts";
import { familyOf, readVectors } from "./vectorFamilies.ts";

const vectors = readVectors();
const families = new Map(Object.entries(vectors.families).map(([name, family]) => [name, familyOf(family)]));

test("accepted vectors give their canonical form, key and defaults", () => {
  assert.ok(vectors.accepted.length >= 200);
  for (const { family, given, canonical, key, defaulted } of vectors.accepted) {
    const question = canonicalQuestion(families.get(family)!, given);
    assert.deepEqual(
      { canonical: question.canonical, key: question.key, defaulted: question.defaulted },
      { canonical, key, defaulted },
      JSON.stringify(given),
    );
  }
});

test("refused vectors give their error code and field, and a remedy", () => {
  assert.ok(vectors.refused.length >= 60);
  for (const { family, given, error, field } of vectors.refused) {
    assert.throws(
      () => canonicalQuestion(families.get(family)!, given),
      (thrown) => {
        assert.ok(thrown instanceof DriftlineError, String(thrown));
        assert.deepEqual(
          [thrown.code, thrown.field],
          [error, field],
          `${JSON.stringify(given)}: ${thrown.message}`,
        );
        assert.ok(thrown.remedy);
        return true;
      },
    );
  }
});

test("canonical forms are canonical JSON (RFC 8785) of their own content, keys its SHA-256", () => {
  for (const { canonical, key } of vectors.accepted) {
    assert.equal(canonicalize(JSON.parse(canonical)), canonical);
    assert.equal(`k1-${createHash("sha256").update(canonical, "utf8").digest("hex")}`, key);
  }
});
