// A snapshot as a Driftline, by the contract that servers follow too; and responses from it without a place to write.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { loadGenerator, openGenerator } from "@driftline/client/generator";
import { connectSnapshot, type SnapshotDriftline } from "@driftline/client/snapshot/connectSnapshot";
import { driftlineContract, rejection } from "@driftline/client/testing/contract";
import { tinyColumns, writeTinyBundle } from "@driftline/client/testing/tinyBundle";
import { makeFamily, makeInput } from "../../family/testing.ts";
import { openCatalogue } from "../catalogue.ts";
import { described, publishTest } from "./testing.ts";

const tiny = makeFamily({
  name: "test.tiny",
  conditions: [
    {
      kind: "quantity",
      ...{ name: "drift_velocity", description: "", unit: "cm/us", nominal: "5.5" },
      ...{ grid: "0.01", tolerance: "0.05", minimum: "3", maximum: "8" },
    },
    { kind: "label", name: "gas", description: "", values: null, nominal: "Ar/CH4 90/10" },
  ],
  software: [{ name: "simulator", description: "", nominal: "tiny/1" }],
  inputs: tinyColumns.map(({ name, unit, low, high }) => makeInput(name, unit, low, high)),
});

/** A snapshot with the tiny bundle; the catalogue that it came from is gone. */
async function tinySnapshot(): Promise<{ snapshot: SnapshotDriftline; bundle: string; directory: string }> {
  const directory = await mkdtemp(join(tmpdir(), "driftline-snapshot-"));
  const { digest: bundle } = await writeTinyBundle(join(directory, "tiny"));
  const catalogue = await openCatalogue(join(directory, "data"));
  await catalogue.publish({ directory: join(directory, "tiny"), reason: "test" });
  await publishTest(catalogue, join(directory, "snapshot"), { families: [described(tiny)] });
  await catalogue.close();
  await rm(join(directory, "data"), { recursive: true });
  return { snapshot: await connectSnapshot(join(directory, "snapshot")), bundle, directory };
}

driftlineContract("A snapshot", async () => {
  const { snapshot, bundle, directory } = await tinySnapshot();
  return {
    driftline: snapshot,
    family: "test.tiny",
    published: { conditions: { drift_velocity: "5.5 cm/us" } },
    bundle,
    near: { conditions: { drift_velocity: "55.2 mm/us" } },
    missing: { conditions: { drift_velocity: "7" } },
    outOfRange: { drift_velocity: "9" },
    close: () => rm(directory, { recursive: true }),
  };
});

test("nothing is made in a snapshot, and that is said", async (t) => {
  const { snapshot, directory } = await tinySnapshot();
  t.after(() => rm(directory, { recursive: true }));
  const missing = await rejection(snapshot.ensure("test.tiny", { conditions: { drift_velocity: "7" } }));
  assert.equal(missing.code, "no_model");
  assert.match(missing.remedy ?? "", /publish the snapshot again/);
  for (const wish of [{ retry: true }, { rows: 1000 }, { seed: 1 }, { data: { files: ["x"] } }]) {
    assert.equal((await rejection(snapshot.ensure("test.tiny", wish))).code, "read_only");
  }
  assert.deepEqual(await Array.fromAsync(snapshot.jobs()), []);
});

test("a generator from memory gives the responses of one from a directory, and replays the reference", async (t) => {
  const { snapshot, bundle, directory } = await tinySnapshot();
  t.after(() => rm(directory, { recursive: true }));
  const rows = 20;
  const features = Float32Array.from({ length: rows * 6 }, (_, i) => [10, 30, 150, 34.5, 12, 0.8][i % 6]);
  const request = { features, rows, seed: 7 };
  const [fromMemory, fromFiles] = [
    await openGenerator(snapshot, bundle),
    await loadGenerator(join(directory, "tiny")),
  ];
  assert.deepEqual(await fromMemory.generate(request), await fromFiles.generate(request));
  await fromMemory.close();
  await fromFiles.close();
  // A catalogue that hands out another reference than the manifest states, and one with another manifest.
  const cut = { ...snapshot, file: async () => new Blob(["short"]).stream() };
  assert.equal((await rejection(openGenerator(cut, bundle))).code, "damaged");
  const other = { ...snapshot, manifest: async () => new TextEncoder().encode("{}") };
  assert.equal((await rejection(openGenerator(other, bundle))).code, "damaged");
});
