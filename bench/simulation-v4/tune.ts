// Tunes gain, cluster density and tail to the first half of the experiment's responses: node bench/simulation-v4/tune.ts

import {
  MINIMUM_CLUSTER_DENSITY,
  TAIL_PROBABILITY,
} from "../../packages/driftline/src/simulation/ionisation.ts";
import { readExperiment, rowsOf, setupFor, simulateAt } from "./data.ts";
import { figures } from "./figures.ts";

const DRAWS = 8;
/** Deviations count in units of what the comparison allows. */
const allowed: [name: string, tolerance: number][] = [
  ["digits", 0.05],
  ["sum, lower quartile", 0.1],
  ["sum, median", 0.05],
  ["sum, upper quartile", 0.1],
  ["sum, 95 % quantile", 0.3],
  ["residual of the pad mean", 0.2],
  ["residual of the time mean", 0.2],
];

const experiment = rowsOf(await readExperiment(), 0, 2500);
const wanted = figures(experiment);

/** Sum of squares; the parameters are logarithms of mip_amplitude, cluster density and tail. */
function distance(logarithms: number[]): number {
  const [mip, clusterDensity, tailProbability] = logarithms.map(Math.exp);
  const setup = setupFor({ mip_amplitude: String(mip) }, 1);
  const got = figures(simulateAt(experiment, DRAWS, setup, { clusterDensity, tailProbability }));
  return allowed.reduce((sum, [name, tolerance]) => {
    const deviation = (got.get(name)!.value / wanted.get(name)!.value - 1) / tolerance;
    return sum + deviation * deviation;
  }, 0);
}

/** Nelder and Mead's simplex (Computer Journal 7 (1965) 308) with the usual coefficients. */
function minimise(start: number[], step: number, evaluations: number): number[] {
  const points = [start, ...start.map((_, k) => start.map((v, i) => (i === k ? v + step : v)))];
  const simplex: { at: number[]; value: number }[] = [];
  for (const at of points) simplex.push({ at, value: distance(at) });
  for (let used = simplex.length; used < evaluations; used++) {
    simplex.sort((a, b) => a.value - b.value);
    const worst = simplex.at(-1)!;
    const centre = start.map((_, i) => simplex.slice(0, -1).reduce((s, p) => s + p.at[i], 0) / start.length);
    const along = (factor: number) => {
      const at = centre.map((c, i) => c + factor * (worst.at[i] - c));
      return { at, value: distance(at) };
    };
    let next = along(-1);
    if (next.value < simplex[0].value) {
      const further = along(-2);
      if (further.value < next.value) next = further;
    } else if (next.value >= simplex.at(-2)!.value) {
      next = along(next.value < worst.value ? -0.5 : 0.5);
    }
    simplex[simplex.length - 1] = next;
    console.error(
      used,
      simplex[0].value.toFixed(4),
      simplex[0].at.map((v) => Math.exp(v).toPrecision(4)).join(" "),
    );
  }
  return simplex.sort((a, b) => a.value - b.value)[0].at;
}

/** From where tuning stands: the valley is flat, and each start ends in a dip of its own. */
const start = [75, MINIMUM_CLUSTER_DENSITY, TAIL_PROBABILITY];
const best = minimise(start.map(Math.log), 0.1, Number(process.argv[2] ?? 40));
const [mip, density, tail] = best.map(Math.exp);
console.log(
  `mip_amplitude ${mip.toFixed(2)} ADC, ${density.toFixed(2)} clusters/cm, P(>=100) ${tail.toFixed(5)}`,
);
