// What the tests of the clients in other languages read: small bundles of a family of their own, published as the platform
// does it.

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { writeTinyBundle } from "@driftline/client/testing/tinyBundle";
import { tinyFamilyYaml } from "@driftline/client/testing/tinyFamily";
import { loadConfiguration } from "../packages/driftline/src/config/configuration.ts";
import type { Question } from "../packages/driftline/src/family/family.ts";
import { canonicalQuestion } from "../packages/driftline/src/family/question.ts";
import { openPlatform, type Platform } from "../packages/driftline/src/lifecycle/platform.ts";

const conditions = `  drift_velocity:
    { description: Drift velocity, unit: cm/us, nominal: 5.5, grid: 0.01, tolerance: 0.05, minimum: 3, maximum: 8 }
  diffusion:
    { description: Diffusion, unit: um/sqrt(cm), nominal: 185, grid: 1, tolerance: 10, minimum: 20, maximum: 600 }
  field:
    { description: Field, unit: T, nominal: 0.5, grid: 0.01, tolerance: 0, minimum: 0, maximum: 2 }
  particle:
    { description: Particle, values: [pion, proton], nominal: pion }
  gas:
    { description: Gas, nominal: Ar/CH4 90/10 }`;

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

export type TinyModel = Question & { digest: string; path: string };

export interface TinyCatalogue {
  platform: Platform;
  /** Environment of a command or server that uses it, and nothing else of this machine. */
  environment: Record<string, string>;
  /** In the order in which they were published. */
  bundles: TinyModel[];
}

/** Makes the catalogue below `directory`; the caller closes the platform. */
export async function makeTinyCatalogue(directory: string): Promise<TinyCatalogue> {
  const families = join(directory, "families");
  await mkdir(join(families, "test.tiny"), { recursive: true });
  await writeFile(join(families, "test.tiny", "family.yaml"), tinyFamilyYaml(conditions));
  const environment = {
    DRIFTLINE_DATA_DIR: join(directory, "data"),
    DRIFTLINE_CACHE_DIR: join(directory, "cache"),
    DRIFTLINE_FAMILIES: families,
    DRIFTLINE_THREADS: "1",
    XDG_CONFIG_HOME: join(directory, "config"),
  };
  const platform = await openPlatform(loadConfiguration({ environment }));
  const bundles: TinyModel[] = [];
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
  return { platform, environment, bundles };
}
