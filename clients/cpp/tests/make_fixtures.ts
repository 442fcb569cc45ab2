// Command of the C++ client's tests: publishes small bundles of a family of their own, as the platform does, a snapshot
// and a lock of them; and writes down what the TypeScript client answers and generates.
//
//     node make_fixtures.ts DIRECTORY

import { mkdir, readFile, writeFile } from "node:fs/promises";
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
import { loadConfiguration } from "../../../packages/driftline/src/config/configuration.ts";
import { canonicalQuestion } from "../../../packages/driftline/src/family/question.ts";
import { makeLock } from "../../../packages/driftline/src/lifecycle/campaigns.ts";
import { openPlatform } from "../../../packages/driftline/src/lifecycle/platform.ts";
import { publishSnapshotOf } from "../../../packages/driftline/src/lifecycle/snapshot.ts";

const family = `schema: driftline-family/1
name: test.tiny
version: 1
title: Tiny
description: A family for tests, with a model that runs
conditions:
  drift_velocity:
    { description: Drift velocity, unit: cm/us, nominal: 5.5, grid: 0.01, tolerance: 0.05, minimum: 3, maximum: 8 }
  diffusion:
    { description: Diffusion, unit: um/sqrt(cm), nominal: 185, grid: 1, tolerance: 10, minimum: 20, maximum: 600 }
  field:
    { description: Field, unit: T, nominal: 0.5, grid: 0.01, tolerance: 0, minimum: 0, maximum: 2 }
  particle:
    { description: Particle, values: [pion, proton], nominal: pion }
  gas:
    { description: Gas, nominal: Ar/CH4 90/10 }
software:
  simulator: { description: What made the responses, nominal: tiny/1 }
inputs:
${tinyColumns.map(({ name, unit, low, high }) => `  - { name: ${name}, description: ${name}, unit: "${unit}", low: ${low}, high: ${high} }`).join("\n")}
output:
  name: response
  unit: ADC
  axes:
    - { name: pad, size: 8, coordinate: pad_coordinate, first: -3 }
    - { name: time, size: 16, coordinate: drift_length, first: -7 }
data:
  rows: 1000
  split: { train: 0.6, validation: 0.1, test: 0.3 }
  files:
    tree: responses
    inputs: { ${tinyColumns.map(({ name }) => `${name}: ${name}`).join(", ")} }
    output: { pad: ipad, time: itime, amplitude: amp }
training: { trainer: driftline, model: energy-score, seed: 1, threads: 1 }
validation: { rows: 100, gates: [{ metric: wasserstein, maximum: 0.5 }] }
`;

interface Point {
  conditions: Record<string, string>;
  software?: Record<string, string>;
  /** Half widths of the measured domain; what is left out has none. */
  box?: Record<string, number>;
}

// Overlapping boxes, ties of distance, a condition without tolerance, other labels and software.
const points: Point[] = [
  { conditions: {}, box: { drift_velocity: 0.05, diffusion: 10 } },
  { conditions: { drift_velocity: "5.54" }, box: { drift_velocity: 0.05, diffusion: 5 } },
  { conditions: { drift_velocity: "6", diffusion: "200" }, box: { drift_velocity: 0.05, diffusion: 10 } },
  { conditions: { drift_velocity: "6.06", diffusion: "200" }, box: { drift_velocity: 0.05, diffusion: 10 } },
  { conditions: { field: "0.6" }, box: { drift_velocity: 0.03 } },
  { conditions: { particle: "proton" }, box: { drift_velocity: 0.05 } },
  { conditions: { gas: "Ne·CO₂ 90/10" }, box: { drift_velocity: 0.05 } },
  { conditions: {}, software: { simulator: "tiny/2" }, box: { drift_velocity: 0.05, diffusion: 10 } },
];

const directory = process.argv[2];
const families = join(directory, "families");
await mkdir(join(families, "test.tiny"), { recursive: true });
await writeFile(join(families, "test.tiny", "family.yaml"), family);
const environment = {
  DRIFTLINE_DATA_DIR: join(directory, "data"),
  DRIFTLINE_CACHE_DIR: join(directory, "cache"),
  DRIFTLINE_FAMILIES: families,
  DRIFTLINE_THREADS: "1",
  XDG_CONFIG_HOME: join(directory, "config"),
};
const platform = await openPlatform(loadConfiguration({ environment }));
const bundles: { digest: string; key: string; path: string }[] = [];
for (const [i, { conditions, software, box = {} }] of points.entries()) {
  const question = canonicalQuestion(platform.family("test.tiny"), { conditions, software });
  const path = join(directory, "bundles", String(i));
  const { digest } = await writeTinyBundle(path, {
    change(manifest) {
      Object.assign(manifest, {
        key: question.key,
        conditions: question.conditions,
        software: question.software,
      });
      const units = { drift_velocity: "cm/us", diffusion: "um/sqrt(cm)", field: "T" };
      manifest.domain.conditions = Object.fromEntries(
        Object.entries(units).map(([name, unit]) => {
          const value = Number(question.conditions[name]);
          const width = box[name] ?? 0;
          // Ends as people write them: 5.45, not 5.45 and some binary dust.
          const [low, high] = [value - width, value + width].map((end) => Number(end.toFixed(4)));
          return [name, { low, high, unit, tested: width > 0 }];
        }),
      );
    },
  });
  await platform.opened.catalogue.publish({ directory: path, reason: "a test" });
  bundles.push({ digest, key: question.key, path });
}

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
  make: null,
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
