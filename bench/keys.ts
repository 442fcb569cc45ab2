// Bench: microseconds that canonicalQuestion takes for the MPD TPC with every condition and version given as a string.

import { fileURLToPath } from "node:url";
import type { Family } from "../packages/driftline/src/family/family.ts";
import { loadFamilies } from "../packages/driftline/src/family/loadFamily.ts";
import { canonicalQuestion, conditionDifferences } from "../packages/driftline/src/family/question.ts";

const given = {
  conditions: {
    drift_velocity: "54.5 mm/us",
    transverse_diffusion: "1.85e-2 cm/sqrt(cm)",
    longitudinal_diffusion: "344 um/sqrt(cm)",
    magnetic_field: "5 kG",
    mip_amplitude: "75 ADC",
    shaping_width: "0.19 us",
    sampling_period: "100 ns",
    noise: "0 ADC",
    threshold: "1.0 ADC",
    particle: "pion",
    gas: "Ar/CH4 90/10",
  },
  software: { simulator: "driftline-tpc/1", geometry: "mpd-tpc/tdr" },
};

/** Median of 9 rounds, in microseconds a call. */
function microseconds(calls: number, run: () => void): number {
  const rounds = Array.from({ length: 9 }, () => {
    const start = performance.now();
    for (let i = 0; i < calls; i++) run();
    return ((performance.now() - start) / calls) * 1000;
  });
  return rounds.sort((a, b) => a - b)[4];
}

const family: Family = loadFamilies([fileURLToPath(new URL("../families", import.meta.url))]).get("mpd.tpc")!;
const first = performance.now();
const asked = canonicalQuestion(family, given);
const firstMicroseconds = (performance.now() - first) * 1000;
const has = canonicalQuestion(family, {}).conditions;

const rows: [string, number][] = [
  ["first question of a family", firstMicroseconds],
  [
    "canonicalQuestion, everything given with a unit",
    microseconds(20_000, () => canonicalQuestion(family, given)),
  ],
  ["canonicalQuestion, canonical values", microseconds(20_000, () => canonicalQuestion(family, asked))],
  ["canonicalQuestion, nothing given", microseconds(20_000, () => canonicalQuestion(family, {}))],
  ["conditionDifferences", microseconds(20_000, () => conditionDifferences(family, asked.conditions, has))],
];
for (const [what, duration] of rows) console.log(`${duration.toFixed(1).padStart(8)} us  ${what}`);
