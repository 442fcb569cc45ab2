// Calibrates mip_amplitude: finds the simulator's ADC counts per electron from its definition. node bench/simulation-mip.ts
//
// The reference track is a pion at the minimum of ionisation, perpendicular to a 12 mm row (both angles 0), over the centre
// of a pad and of a time bin, at a drift length of 100 bins, under the reference conditions below, without noise, threshold
// or saturation. mip_amplitude is the most probable value of its largest cell: where the density of 400,000 tracks,
// smoothed with a Gaussian of width mip_amplitude/15, is highest.

import { MINIMUM_BETA_GAMMA, particleMass } from "../packages/driftline/src/simulation/ionisation.ts";
import { ADC_PER_ELECTRON, createTpc } from "../packages/driftline/src/simulation/tpc.ts";

const TRACKS = 400_000;
const REPEATS = 8;
const MIP = 75;
const reference = {
  drift_velocity: "5.5",
  transverse_diffusion: "185",
  longitudinal_diffusion: "320",
  magnetic_field: "0.5",
  mip_amplitude: String(MIP),
  shaping_width: "190",
  sampling_period: "100",
  particle: "pion",
};
const PADS = 8;
const BINS = 16;
const inputs = ["crossing_angle", "dip_angle", "drift_length", "pad_coordinate", "pad_row", "pt"];
const track = Float32Array.from([0, 0, 100, 34, 23, MINIMUM_BETA_GAMMA * particleMass.pion]);

function largestCells(first: number, count: number): Float64Array {
  const respond = createTpc({
    simulator: "driftline-tpc",
    conditions: reference,
    inputs,
    output: {
      name: "response",
      unit: "ADC",
      axes: [
        { name: "pad", size: PADS, coordinate: "pad_coordinate", first: -3 },
        { name: "time", size: BINS, coordinate: "drift_length", first: -7 },
      ],
      threshold: null,
      noise: null,
      saturation: null,
    },
    saturation: null,
    seed: 1,
  });
  const cells = new Float32Array(PADS * BINS);
  return Float64Array.from({ length: count }, (_, i) => {
    respond(first + i, 0, track, 0, cells, 0);
    return cells.reduce((a, b) => Math.max(a, b), 0);
  });
}

/** Maximum of the smoothed density, on a grid of 0.05 ADC. */
function mostProbable(amplitudes: Float64Array): number {
  const step = 0.05;
  const width = MIP / 15;
  const counts = new Float64Array(Math.round((3 * MIP) / step));
  for (const a of amplitudes) if (a < 3 * MIP) counts[Math.floor(a / step)]++;
  const reach = Math.round((4 * width) / step);
  const kernel = Float64Array.from({ length: 2 * reach + 1 }, (_, k) =>
    Math.exp(-0.5 * (((k - reach) * step) / width) ** 2),
  );
  let best = 0;
  let bestDensity = 0;
  for (let i = reach; i < counts.length - reach; i++) {
    let density = 0;
    for (let k = -reach; k <= reach; k++) density += counts[i + k] * kernel[k + reach];
    if (density > bestDensity) [best, bestDensity] = [i, density];
  }
  return (best + 0.5) * step;
}

const parts = Array.from({ length: REPEATS }, (_, r) => {
  const mode = mostProbable(largestCells((r * TRACKS) / REPEATS, TRACKS / REPEATS));
  console.error(`part ${r + 1} of ${REPEATS}: ${mode.toFixed(2)} ADC`);
  return mode;
});
const mode = parts.reduce((a, b) => a + b) / REPEATS;
const error = Math.sqrt(parts.reduce((s, m) => s + (m - mode) ** 2, 0) / (REPEATS - 1) / REPEATS);
console.log(
  `Most probable largest cell at mip_amplitude ${MIP}: ${mode.toFixed(2)} ± ${error.toFixed(2)} ADC`,
);
console.log(
  `ADC_PER_ELECTRON should be ${((ADC_PER_ELECTRON * MIP) / mode).toFixed(5)}; it is ${ADC_PER_ELECTRON}`,
);
