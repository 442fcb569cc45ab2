// The journal of bindings: what is appended comes back, torn and damaged lines do no harm.

import assert from "node:assert/strict";
import { appendFileSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { type JournalEntry, journal } from "./journal.ts";
import { scratchDirectory } from "./testing.ts";

const entry = (id: number, reason = "test"): JournalEntry => ({
  id,
  key: `k1-${"a".repeat(64)}`,
  family: "test.tpc",
  family_version: 1,
  bundle: "b".repeat(64),
  action: "serve",
  reason,
  created_at: "2026-01-01T00:00:00.000Z",
});

test("entries come back in order; the last is found from the end", async (t) => {
  const log = journal(await scratchDirectory(t));
  assert.equal(log.last(), null);
  assert.deepEqual([...log.read()], []);
  // Longer than a piece that is read at once, and in more than one write.
  const long = entry(2, "ü".repeat(100_000));
  log.append([entry(1)]);
  log.append([long, entry(3)]);
  assert.deepEqual([...log.read()], [entry(1), long, entry(3)]);
  assert.deepEqual(log.last(), entry(3));
  log.append([long]);
  assert.deepEqual(log.last(), long);
});

test("cut at any byte, whole lines remain, and the next entry follows them", async (t) => {
  const log = journal(await scratchDirectory(t));
  log.append([entry(1), entry(2)]);
  const whole = readFileSync(log.path);
  const first = whole.indexOf("\n") + 1;
  for (let length = 0; length < whole.length; length += 7) {
    writeFileSync(log.path, whole);
    truncateSync(log.path, length);
    const kept = length < first ? [] : [entry(1)];
    assert.deepEqual([...log.read()], kept, `cut at ${length}`);
    assert.deepEqual(log.last(), kept[0] ?? null);
    log.append([entry(3)]);
    assert.deepEqual([...log.read()], [...kept, entry(3)], `appended after a cut at ${length}`);
  }
});

test("a changed byte makes its line a damaged one, and no other", async (t) => {
  const log = journal(await scratchDirectory(t));
  log.append([entry(1), entry(2), entry(3)]);
  const whole = readFileSync(log.path);
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const bytes = Buffer.from(whole);
      bytes[at] ^= change;
      // A new end of line makes two lines of one, a lost one makes one of two: only the rest must be right.
      fc.pre(bytes[at] !== 10 && whole[at] !== 10);
      writeFileSync(log.path, bytes);
      const line = whole.subarray(0, at).filter((byte) => byte === 10).length;
      const expected = [entry(1), entry(2), entry(3)].map((each, i) => (i === line ? { line: i + 1 } : each));
      assert.deepEqual([...log.read()], expected);
      assert.deepEqual(log.last(), line === 2 ? entry(2) : entry(3));
    }),
    { numRuns: 300 },
  );
});

test("replaced, it holds the new entries alone", async (t) => {
  const log = journal(await scratchDirectory(t));
  log.append([entry(1)]);
  appendFileSync(log.path, "rubbish\n");
  log.replace([entry(5), entry(6)]);
  assert.deepEqual([...log.read()], [entry(5), entry(6)]);
});
