// Command of the Python client's tests: publishes a few small bundles of a family of their own, as the platform does.
//
//     node make_catalogue.ts DIRECTORY
//
// Prints where everything is and what was published, as one JSON object.

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { tinyColumns, writeTinyBundle } from "@driftline/client/testing/tinyBundle";
import { loadConfiguration } from "../../../packages/driftline/src/config/configuration.ts";
import { canonicalQuestion } from "../../../packages/driftline/src/family/question.ts";
import { openPlatform } from "../../../packages/driftline/src/lifecycle/platform.ts";

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
const bundles = [];
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
  bundles.push({ ...question, digest, path });
}
const summaries = await platform.families();
await platform.close();
console.log(
  JSON.stringify({
    environment,
    family: summaries.find(({ name }) => name === "test.tiny"),
    bundles,
  }),
);
