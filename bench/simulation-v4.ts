// Compares the simulator with the experiment's responses at the same inputs: node bench/simulation-v4.ts
//
// Entries 0 to 2,499 tuned gain, cluster density and tail (bench/simulation-v4/tune.ts); entries 2,500 to 4,999 are compared
// here, with ten simulated responses each. Prints the table of docs/simulation.md, writes its page of plots, and exits
// with 1 if a figure is outside its limit.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { readExperiment, rowsOf, setupFor, simulateAt } from "./simulation-v4/data.ts";
import { type Estimate, figures } from "./simulation-v4/figures.ts";
import { comparisonPage } from "./simulation-v4/plots.ts";

const DRAWS = 10;

/** Largest relative deviation of a figure, by the start of its name; null where only reported. */
const limits: [start: string, limit: number | null][] = [
  ["slope of pad variance with tan² dip", null],
  ["slope of", 0.15],
  ["pad variance", 0.1],
  ["time variance", 0.1],
  ["digits", 0.05],
  ["sum, median", 0.05],
  ["sum, lower quartile", 0.1],
  ["sum, upper quartile", 0.1],
  ["sum, 95 % quantile", 0.3],
  ["residual of", 0.2],
];

const experiment = rowsOf(await readExperiment(), 2500, 5000);
const simulated = simulateAt(experiment, DRAWS, setupFor({}, 1));
const wanted = figures(experiment);
const got = figures(simulated);

const show = ({ value, error }: Estimate) => {
  const digits = Math.max(0, 1 - Math.floor(Math.log10(error)));
  return `${value.toFixed(digits)} ± ${error.toFixed(digits)}`;
};
const percent = (ratio: number) => `${ratio >= 0 ? "+" : "−"}${(100 * Math.abs(ratio)).toFixed(1)} %`;

const outside: string[] = [];
console.log("| figure | experiment | simulator | deviation | error of it | limit |");
console.log("| --- | --- | --- | --- | --- | --- |");
for (const [name, theirs] of wanted) {
  const ours = got.get(name)!;
  const limit = limits.find(([start]) => name.startsWith(start))![1];
  const deviation = ours.value / theirs.value - 1;
  const error = Math.hypot(ours.error / theirs.value, (ours.value * theirs.error) / theirs.value ** 2);
  // Where the experiment's own error is larger than the limit, the limit tells nothing.
  const blind = limit !== null && theirs.error > limit * Math.abs(theirs.value);
  const out = limit !== null && !blind && Math.abs(deviation) > limit;
  if (out) outside.push(name);
  const asked =
    limit === null ? "–" : `${100 * limit} %${blind ? ": cannot be tested" : out ? ": outside" : ""}`;
  const cells = [
    name,
    show(theirs),
    show(ours),
    percent(deviation),
    `${(100 * Math.abs(error)).toFixed(1)} %`,
    asked,
  ];
  console.log(`| ${cells.join(" | ")} |`);
}
const page = join(import.meta.dirname, "../docs/simulation/comparison.svg");
await writeFile(page, comparisonPage(experiment, simulated));
console.error(`Plots: ${page}`);
if (outside.length > 0) {
  console.error(`Outside their limits: ${outside.join("; ")}`);
  process.exitCode = 1;
}
