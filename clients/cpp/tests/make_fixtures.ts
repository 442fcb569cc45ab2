// Command of the C++ client's tests: publishes small bundles of a family of their own, as the platform does, a snapshot
// and a lock of them; and writes down what the TypeScript client answers and generates.
//
//     node make_fixtures.ts DIRECTORY

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { loadGenerator } from "@driftline/client";
import { connectSnapshot } from "@driftline/client/snapshot/connectSnapshot";
import {
  externalModel,
  tinyColumns,
  tinyReference,
  writeTinyBundle,
} from "@driftline/client/testing/tinyBundle";
import { readRuns } from "../../../packages/driftline/src/catalogue/campaigns/readRuns.ts";
import { makeLock } from "../../../packages/driftline/src/lifecycle/campaigns.ts";
import { publishSnapshotOf } from "../../../packages/driftline/src/lifecycle/snapshot.ts";
import { makeTinyCatalogue } from "../../tinyCatalogue.ts";

const directory = process.argv[2];
const { platform, environment, bundles } = await makeTinyCatalogue(directory);

// A bundle whose model does not give its reference, with digests that are right.
const reference = await readFile(tinyReference);
reference[reference.length - 2] ^= 1;
await writeTinyBundle(join(directory, "wrong-reference"), { files: { "reference.safetensors": reference } });
// One whose weights would be read from another file.
await writeTinyBundle(join(directory, "external"), {
  files: { "model.onnx": await readFile(externalModel) },
});

const runs =
  "tag,first_run,last_run,drift_velocity,diffusion\nmc,100,199,5.52 cm/us,185\nmc,200,299,6.00 cm/us,200\n";
const ranges = readRuns("runs.csv", new TextEncoder().encode(runs), platform.opened.families.values());
await platform.opened.catalogue.campaigns.importRuns("runs.csv", ranges, { replace: false });
const lock = await makeLock(platform, {
  tag: "mc",
  families: ["test.tiny"],
  accept: "compatible",
});
await writeFile(join(directory, "mc.lock"), JSON.stringify(lock));
const snapshot = join(directory, "snapshot");
await publishSnapshotOf(platform, {
  directory: snapshot,
  families: [],
  tags: ["mc"],
  keep: null,
  mend: false,
});
await platform.close();

// Questions all over the place: every pair of a velocity and one of the other values.
const velocities = ["5.45", "5.49", "5.5", "5.52 cm/us", "55.4 mm/us", "5.6", "6.03", "6.04", "7"];
const others: Record<string, string>[] = [
  {},
  { diffusion: "190" },
  { diffusion: "195" },
  { diffusion: "200" },
  { field: "0.6" },
  { field: "0.51" },
  { particle: "proton" },
  { gas: "Ne·CO₂ 90/10" },
  { gas: "Xe" },
];
const connected = await connectSnapshot(snapshot);
const resolutions = [];
for (const accept of ["exact", "compatible"] as const) {
  for (const simulator of ["tiny/1", "tiny/2", "tiny/3"]) {
    for (const drift_velocity of velocities) {
      for (const other of others) {
        const given = { conditions: { drift_velocity, ...other }, software: { simulator } };
        const found = await connected.resolve("test.tiny", { ...given, accept });
        resolutions.push({
          given,
          accept,
          key: found.question.key,
          reason: found.found ? "" : found.reason,
          answer: found.found
            ? {
                bundle: found.model.bundle,
                match: found.match,
                distance: found.distance,
                differences: found.differences,
              }
            : null,
          nearest: found.found
            ? []
            : found.nearest.map(({ model, distance, differences }) => ({
                bundle: model.bundle,
                distance,
                differences,
              })),
        });
      }
    }
  }
}

// Rows inside the domain from a fixed linear congruential generator (Numerical Recipes), and a sample of them.
const rows = 1000;
let state = 7;
const features = Float32Array.from({ length: rows * tinyColumns.length }, (_, i) => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  const { low, high } = tinyColumns[i % tinyColumns.length];
  return low + (high - low) * (state / 2 ** 32);
});
const generator = await loadGenerator(bundles[0].path);
const sample = { seed: 20261121, firstEvent: 4_000_000_000 };
const outputs = await generator.generate({ features, rows, ...sample });
await generator.close();
const bytes = (values: Float32Array) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
await writeFile(join(directory, "features.f32"), bytes(features));
await writeFile(join(directory, "outputs.f32"), bytes(outputs));
await writeFile(
  join(directory, "fixtures.json"),
  JSON.stringify({
    environment,
    bundles,
    lock: lock.digest,
    snapshot: connected.digest,
    resolutions,
    sample,
  }),
);
