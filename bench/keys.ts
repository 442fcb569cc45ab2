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

/** Microseconds a call: the best and the median of 200 rounds, short enough to fit between other work of the machine. */
function microseconds(run: () => void): [best: number, median: number] {
  for (let i = 0; i < 20_000; i++) run();
  const calls = 100;
  const rounds = Array.from({ length: 200 }, () => {
    const start = performance.now();
    for (let i = 0; i < calls; i++) run();
    return ((performance.now() - start) / calls) * 1000;
  }).sort((a, b) => a - b);
  return [rounds[0], rounds[rounds.length >> 1]];
}

const family: Family = loadFamilies([fileURLToPath(new URL("../families", import.meta.url))]).get("mpd.tpc")!;
const first = performance.now();
const asked = canonicalQuestion(family, given);
const firstMicroseconds = (performance.now() - first) * 1000;
const has = canonicalQuestion(family, {}).conditions;

const rows: [what: string, times: number[]][] = [
  ["canonicalQuestion, first of a family", [firstMicroseconds]],
  ["canonicalQuestion, everything given with a unit", microseconds(() => canonicalQuestion(family, given))],
  ["canonicalQuestion, canonical values", microseconds(() => canonicalQuestion(family, asked))],
  ["canonicalQuestion, nothing given", microseconds(() => canonicalQuestion(family, {}))],
  ["conditionDifferences", microseconds(() => conditionDifferences(family, asked.conditions, has))],
];
console.log("best us  median us");
for (const [what, times] of rows) {
  console.log(
    `${[times[0], times.at(-1)!].map((time) => time.toFixed(1).padStart(7)).join("  ")}    ${what}`,
  );
}
