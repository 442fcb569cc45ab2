// Locks: their digest, every flipped byte, what they say of a run, and a catalogue under one.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Driftline, FamilySummary } from "../api.ts";
import { DriftlineError } from "../error.ts";
import { rejection } from "../testing/contract.ts";
import { keyOf, tinyQuestion, writeTinyBundle } from "../testing/tinyBundle.ts";
import { type Lock, lockedRun, lockFormat, parseLock, readLock, sealLock } from "./lock.ts";
import { underLock } from "./underLock.ts";

const asked = { ...tinyQuestion, key: keyOf(tinyQuestion) };
const range = (firstRun: number, lastRun: number, bundle: string) => ({
  ...{ firstRun, lastRun, ...asked, bundle },
  match: "exact" as const,
  distance: "0",
});

function lockOf(...ranges: Lock["ranges"]): Lock {
  const createdAt = "2026-01-01T00:00:00.000Z";
  return sealLock({
    format: lockFormat,
    tag: "mc",
    createdAt,
    runs: "0".repeat(64),
    accept: "exact",
    ranges,
  });
}

const bytesOf = (lock: object) => new TextEncoder().encode(JSON.stringify(lock));

test("the digest is that of the JSON with sorted members and no white space, as any language can write it", () => {
  const lock = lockOf(range(1, 9, "a".repeat(64)));
  const sorted = (value: unknown): unknown =>
    Array.isArray(value)
      ? value.map(sorted)
      : typeof value === "object" && value !== null
        ? Object.fromEntries(
            Object.entries(value)
              .sort(([a], [b]) => (a < b ? -1 : 1))
              .map(([name, each]) => [name, sorted(each)]),
          )
        : value;
  const { digest, ...rest } = lock;
  assert.equal(
    digest,
    createHash("sha256")
      .update(JSON.stringify(sorted(rest)))
      .digest("hex"),
  );
  // A member that this version does not know is covered too.
  const unsealed = { ...rest, later: [1] };
  assert.equal(parseLock(bytesOf(sealLock(unsealed)), "a lock").tag, "mc");
  assert.throws(() => parseLock(bytesOf({ ...lock, later: [1] }), "a lock"), { code: "damaged" });
});

test("a flipped bit anywhere, and a cut anywhere, is damage", () => {
  const bytes = bytesOf(lockOf(range(1, 9, "a".repeat(64)), range(10, 19, "b".repeat(64))));
  parseLock(bytes, "a lock");
  for (let at = 0; at < bytes.length; at++) {
    const flipped = Uint8Array.from(bytes);
    flipped[at] ^= 1 << (at % 8);
    assert.throws(() => parseLock(flipped, "a lock"), { code: "damaged" }, `byte ${at}`);
    assert.throws(() => parseLock(bytes.subarray(0, at), "a lock"), { code: "damaged" }, `cut at ${at}`);
  }
});

test("a run has the bundle of its range and no other; where there is none the ranges are named", async (t) => {
  const lock = lockOf(range(1, 9, "a".repeat(64)), range(20, 20, "b".repeat(64)));
  assert.equal(lockedRun(lock, "test.tiny", 9).bundle, "a".repeat(64));
  assert.equal(lockedRun(lock, "test.tiny", 20).bundle, "b".repeat(64));
  for (const run of [0, 10, 19, 21]) {
    assert.throws(() => lockedRun(lock, "test.tiny", run), {
      code: "no_model",
      field: "run",
      remedy: /test\.tiny 1-9/,
    });
  }
  assert.throws(() => lockedRun(lock, "mpd.tpc", 1), { code: "no_model", field: "family" });
  const directory = await mkdtemp(join(tmpdir(), "driftline-lock-"));
  t.after(() => rm(directory, { recursive: true }));
  await assert.rejects(readLock(join(directory, "none")), { code: "usage", field: "lock" });
  await writeFile(join(directory, "lock"), bytesOf(lock));
  assert.deepEqual(await readLock(join(directory, "lock")), lock);
});

test("under a lock its bundles answer, whatever serves now, and nothing else is read or made", async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "driftline-lock-"));
  t.after(() => rm(directory, { recursive: true }));
  const mine = await writeTinyBundle(join(directory, "mine"));
  const newer = await writeTinyBundle(join(directory, "newer"), {
    change: (manifest) => Object.assign(manifest.recipe, { seed: 2 }),
  });
  const manifests = new Map<string, Uint8Array>();
  for (const [name, { digest }] of Object.entries({ mine, newer })) {
    manifests.set(digest, await readFile(join(directory, name, "bundle.json")));
  }
  const unknown = (digest: string) => new DriftlineError("unknown_model", `No model ${digest}.`);
  const family = {
    ...{ name: "test.tiny", version: 1, title: "", description: "", inputs: [], models: 1 },
    conditions: [
      ...[{ name: "drift_velocity", unit: "cm/us", nominal: "5.5", grid: "0.01", tolerance: "0.05" }].map(
        (each) => ({
          ...{ ...each, description: "", minimum: "3", maximum: "8", values: null },
        }),
      ),
      {
        ...{ name: "gas", description: "", unit: null, nominal: "Ar/CH4 90/10", grid: null },
        ...{ tolerance: null, minimum: null, maximum: null, values: null },
      },
    ],
    software: [{ name: "simulator", description: "", nominal: "tiny/1" }],
    output: { name: "response", unit: "ADC", shape: [8, 16] },
  } satisfies FamilySummary;
  const catalogue = {
    families: async () => [family],
    model: async (bundle: string) => {
      if (!manifests.has(bundle)) throw unknown(bundle);
      return {
        ...asked,
        bundle,
        recipeHash: "",
        dataSource: "simulator",
        createdAt: "",
        serving: bundle === newer.digest,
        size: 1,
      };
    },
    manifest: async (bundle: string) => {
      const bytes = manifests.get(bundle);
      if (bytes === undefined) throw unknown(bundle);
      return bytes;
    },
    resolve: () => assert.fail("the catalogue was asked what serves"),
    ensure: () => assert.fail("the catalogue was asked to make a model"),
  } as unknown as Driftline;

  const locked = underLock(catalogue, lockOf(range(1, 9, mine.digest)));
  assert.equal((await locked.resolveRun("test.tiny", 5)).model.bundle, mine.digest);
  const answer = await locked.resolve("test.tiny", { conditions: { drift_velocity: "55 mm/us" } });
  assert.ok(answer.found);
  assert.equal(answer.model.bundle, mine.digest);
  assert.equal(answer.question.key, asked.key);
  const other = await locked.resolve("test.tiny", {
    conditions: { drift_velocity: "5.52" },
    accept: "compatible",
  });
  assert.equal(other.found, false);
  assert.deepEqual(
    (await Array.fromAsync(locked.models())).map(({ bundle }) => bundle),
    [mine.digest],
  );
  for (const ask of [locked.model, locked.manifest, (digest: string) => locked.file(digest, "model.onnx")]) {
    assert.equal((await rejection(ask(newer.digest))).code, "unknown_model");
  }
  assert.equal((await locked.ensure("test.tiny", {})).model?.model.bundle, mine.digest);
  assert.equal(
    (await rejection(locked.ensure("test.tiny", { conditions: { gas: "P10" } }))).code,
    "no_model",
  );
  assert.equal((await rejection(locked.ensure("test.tiny", { retry: true }))).code, "read_only");

  // A bundle that is gone is a loss, not a miss; one of another key is not what was locked.
  const gone = underLock(catalogue, lockOf(range(1, 9, "c".repeat(64))));
  assert.equal((await rejection(gone.resolveRun("test.tiny", 5))).code, "damaged");
  assert.equal((await rejection(gone.resolve("test.tiny", {}))).code, "damaged");
  const wrong = underLock(catalogue, lockOf({ ...range(1, 9, mine.digest), key: `k1-${"0".repeat(64)}` }));
  assert.equal((await rejection(wrong.resolveRun("test.tiny", 5))).code, "damaged");
});
