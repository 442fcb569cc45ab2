// A catalogue for generated requests and commands: a few published bundles, whose answers can be told without the platform.

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { FamilySummary } from "@driftline/client";
import { writeTinyBundle } from "@driftline/client/testing/tinyBundle";
import { tinyFamilyYaml } from "@driftline/client/testing/tinyFamily";
import { makeBundle } from "../../packages/driftline/src/catalogue/testing.ts";
import { loadConfiguration } from "../../packages/driftline/src/config/configuration.ts";
import { canonicalQuestion } from "../../packages/driftline/src/family/question.ts";
import { openPlatform } from "../../packages/driftline/src/lifecycle/platform.ts";
import { testFamilies } from "../support.ts";
import type { Asked, Meaning } from "./questions.ts";

export interface PublishedBundle {
  digest: string;
  key: string;
  family: string;
  conditions: Record<string, string>;
  software: Record<string, string>;
  /** Drift velocities within which it passed, in the family's unit. */
  velocities: [low: number, high: number];
  files: { path: string; sha256: string; size: number }[];
}

export interface TestCatalogue {
  dataDirectory: string;
  /** Environment of a command or server that uses it, and nothing else of this machine. */
  environment: Record<string, string>;
  families: FamilySummary[];
  /** What can make responses of a family, as `name/version`; null where only files have them. */
  simulators: Record<string, string | null>;
  bundles: PublishedBundle[];
}

const tinyFamily = tinyFamilyYaml(
  `  drift_velocity:
    { description: Drift velocity, unit: cm/us, nominal: 5.5, grid: 0.01, tolerance: 0.05, minimum: 3, maximum: 8 }
  gas: { description: Gas, nominal: Ar/CH4 90/10 }`,
  ["pad_row"],
);

/** Makes the catalogue below `directory`; a trainer that would be started is the program `python`. */
export async function makeCatalogue(directory: string, python: string): Promise<TestCatalogue> {
  const families = join(directory, "families");
  await mkdir(join(families, "test.tiny"), { recursive: true });
  await writeFile(join(families, "test.tiny", "family.yaml"), tinyFamily);
  const environment = {
    DRIFTLINE_DATA_DIR: join(directory, "data"),
    DRIFTLINE_CACHE_DIR: join(directory, "cache"),
    DRIFTLINE_FAMILIES: `${testFamilies}:${families}`,
    DRIFTLINE_PYTHON: python,
    DRIFTLINE_THREADS: "1",
    XDG_CONFIG_HOME: join(directory, "config"),
  };
  const platform = await openPlatform(loadConfiguration({ environment }));
  try {
    const { catalogue } = platform.opened;
    const bundles: PublishedBundle[] = [];
    const question = (family: string, conditions: Record<string, string> = {}) =>
      canonicalQuestion(platform.family(family), { conditions });
    const asked: [Record<string, string>, velocities: [number, number]][] = [
      [{}, [5.45, 5.55]],
      [{ drift_velocity: "6" }, [5.95, 6.05]],
      [{ drift_velocity: "5.52" }, [5.52, 5.57]],
      [{ particle: "proton" }, [5.5, 5.5]],
    ];
    for (const [conditions, velocities] of asked) {
      const of = question("test.tpc", conditions);
      const { manifest, files } = makeBundle(of, { domain: { drift_velocity: velocities } });
      const { model } = await catalogue.publish({ manifest, files, reason: "a test" });
      bundles.push(published(of, model.bundle, velocities, manifest));
    }
    const of = question("test.tiny");
    const tiny = await writeTinyBundle(join(directory, "tiny"));
    await catalogue.publish({ directory: join(directory, "tiny"), reason: "a test" });
    bundles.push(published(of, tiny.digest, [5.45, 5.55], await catalogue.manifest(tiny.digest)));
    return {
      dataDirectory: environment.DRIFTLINE_DATA_DIR,
      environment,
      families: await platform.families(),
      simulators: {
        "mpd.tpc": "driftline-tpc/1",
        "test.tpc": "driftline-tpc/1",
        "test.fast": "driftline-tpc/1",
        "test.tiny": null,
      },
      bundles,
    };
  } finally {
    await platform.close();
  }
}

function published(
  { key, family, conditions, software }: Meaning & { family: string },
  digest: string,
  velocities: [number, number],
  manifest: Uint8Array,
): PublishedBundle {
  const { files } = JSON.parse(new TextDecoder().decode(manifest)) as Pick<PublishedBundle, "files">;
  return { digest, key, family, conditions, software, velocities, files };
}

export type RightAnswer =
  | { found: false }
  | { found: true; match: "exact" | "compatible"; distance: number; bundle: string };

/** What resolution must say: the bundle of the key, else where that is accepted the nearest whose measured domain holds the question. */
export function rightAnswer(
  { bundles }: TestCatalogue,
  { family, accept }: Asked,
  meant: Meaning,
): RightAnswer {
  const exact = bundles.find(({ key }) => key === meant.key);
  if (exact !== undefined) return { found: true, match: "exact", distance: 0, bundle: exact.digest };
  if (accept === "exact") return { found: false };
  const velocity = Number(meant.conditions.drift_velocity);
  const fitting = bundles.filter(
    ({ velocities: [low, high], ...bundle }) =>
      bundle.family === family &&
      low <= velocity &&
      velocity <= high &&
      same(bundle.software, meant.software) &&
      same({ ...bundle.conditions, drift_velocity: "" }, { ...meant.conditions, drift_velocity: "" }),
  );
  if (fitting.length === 0) return { found: false };
  // The tolerance of drift_velocity is 0.05 in both families that have bundles; the others have none.
  const distances = fitting.map(({ conditions }) =>
    Number((Math.abs(velocity - Number(conditions.drift_velocity)) / 0.05).toFixed(6)),
  );
  const distance = Math.min(...distances);
  // Of two that are as near, the one that was published later.
  const nearest = fitting[distances.lastIndexOf(distance)];
  return { found: true, match: "compatible", distance, bundle: nearest.digest };
}

function same(a: Record<string, string>, b: Record<string, string>): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}
