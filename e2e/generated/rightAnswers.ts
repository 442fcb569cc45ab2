// Compares an answer with what its request must be answered.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { Job, Model, Resolution } from "@driftline/client";
import type { Answer } from "./document.ts";
import type { Expected } from "./request.ts";

export function checkExpected(expected: Expected, { status, headers, body }: Answer): void {
  const text = body.toString();
  if (expected.of === "file") {
    const { range, size, sha256 } = expected;
    assert.equal(status, range === null ? 200 : 206, text.slice(0, 300));
    assert.equal(headers.etag, `"${sha256}"`);
    if (range === null) assert.equal(createHash("sha256").update(body).digest("hex"), sha256);
    else {
      assert.equal(headers["content-range"], `bytes ${range[0]}-${range[1]}/${size}`);
      assert.equal(body.length, range[1] - range[0] + 1);
    }
    return;
  }
  if (expected.of === "model") {
    assert.equal((JSON.parse(text) as Model).bundle, expected.digest);
    return;
  }
  if (expected.of === "tar") {
    assert.deepEqual(filesIn(body), expected.files);
    return;
  }
  if (expected.of === "models") {
    const { models } = JSON.parse(text) as { models: Model[] };
    assert.deepEqual(models.map(({ bundle }) => bundle).sort(), expected.digests);
    return;
  }
  const { key, defaulted, conditions, answer } = expected;
  if (typeof expected.job === "string") {
    assert.equal((JSON.parse(text) as { code: string }).code, expected.job);
    return;
  }
  const given = JSON.parse(text) as Resolution | Job;
  assert.ok("question" in given, text.slice(0, 600));
  assert.deepEqual(
    { key: given.question.key, defaulted: given.question.defaulted, conditions: given.question.conditions },
    { key, defaulted, conditions },
  );
  if (expected.job) {
    assert.equal(status, 202, text.slice(0, 300));
    assert.equal(headers.location, `/v1/jobs/${(given as Job).id}`);
    return;
  }
  const resolution = given as Resolution;
  assert.equal(status, answer.found ? 200 : 404);
  if (!answer.found) {
    assert.equal(resolution.found, false);
    return;
  }
  assert.ok(resolution.found);
  assert.deepEqual([resolution.match, resolution.model.bundle], [answer.match, answer.bundle]);
  assert.ok(Math.abs(resolution.distance - answer.distance) < 1e-6, `distance ${resolution.distance}`);
}

/** Path, size and SHA-256 of the files in a tar (POSIX ustar: blocks of 512 bytes, sizes in octal), but for bundle.json. */
function filesIn(tar: Buffer): { path: string; sha256: string; size: number }[] {
  const files = [];
  for (let at = 0; tar[at] !== 0; ) {
    const path = tar
      .subarray(at, at + 100)
      .toString()
      .replace(/\0.*/s, "");
    const size = Number.parseInt(tar.subarray(at + 124, at + 136).toString(), 8);
    const content = tar.subarray(at + 512, at + 512 + size);
    files.push({ path, sha256: createHash("sha256").update(content).digest("hex"), size });
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return files.filter(({ path }) => path !== "bundle.json");
}
