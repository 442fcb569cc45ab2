// Microscopic Monte Carlo of one pad row of a time projection chamber: every ionisation electron is followed.

import { philox4x32, streamKey, streams } from "@driftline/client/noise";
import { fail } from "../errors/registry.ts";
import { tpcInputs } from "../family/tpcInputs.ts";
import {
  clusterSizes,
  largestCluster,
  MINIMUM_CLUSTER_DENSITY,
  particleMass,
  relativeIonisation,
  TAIL_PROBABILITY,
} from "./ionisation.ts";
import { labelOf, numberOf, type Responder, type SimulatorSetup } from "./setup.ts";
import { normalValues, padTable, polyaValues, pulseSamples, rowTable } from "./tables.ts";

/** Pad plane and electronics that are no conditions (facts of the MPD TPC; docs/simulation.md gives sources). */
export const geometry = {
  padWidthCm: 0.5,
  rowHeightCm: (padRow: number) => (padRow < 27 ? 1.2 : 1.8),
  /** Gaussian width of the charge induced on the pad plane, along and across rows. */
  padResponseCm: 0.139,
  /** Polya parameter of the avalanche. */
  polyaTheta: 1.5,
};

/**
 * ADC counts of one electron of mean gain, all of it on one pad at the pulse's top, for a mip_amplitude of 1 ADC: made by
 * `node bench/simulation-mip.ts`.
 */
export const ADC_PER_ELECTRON = 0.0361;

/** What an input must be for a response to make sense and to take bounded time; domains of families are narrower. */
const allowed: Record<(typeof tpcInputs)[number], [low: number, high: number]> = {
  crossing_angle: [-80, 80],
  dip_angle: [-80, 80],
  drift_length: [0, 1e5],
  pad_coordinate: [0, 1e5],
  pad_row: [0, 1e5],
  pt: [1e-3, 1e6],
};

/** Throws `out_of_range` with the row, the input and what is allowed, unless all inputs [rows, inputs] can be simulated. */
export function checkTpcInputs(inputs: string[], features: Float32Array): void {
  for (const name of tpcInputs) {
    const [low, high] = allowed[name];
    for (let at = inputs.indexOf(name); at < features.length; at += inputs.length) {
      if (features[at] >= low && features[at] <= high) continue;
      const row = Math.floor(at / inputs.length);
      throw fail("out_of_range", `Row ${row} has ${name} ${features[at]}, which can't be simulated`, {
        field: name,
        remedy: `Give a value from ${low} to ${high}`,
      });
    }
  }
}

/** What is tuned to the experiment's responses; the defaults are the tuned values. */
export interface TpcTuning {
  clusterDensity: number;
  tailProbability: number;
}

const PAD_STEPS = 512;
const ROW_STEPS = 2048;
const TWO_M32 = 2 ** -32;
/** The counter word `row` of the noise streams separates what the random numbers are for. */
const CLUSTERS = 0;
const ELECTRONS = 1;
const NOISE = 2;

let shared: { normal: Float32Array; polya: Float32Array } | undefined;

/**
 * Makes the simulator for a set of conditions. It needs the conditions drift_velocity (cm/us), transverse_diffusion and
 * longitudinal_diffusion (um/sqrt(cm)), magnetic_field (T), mip_amplitude (ADC), shaping_width and sampling_period (ns)
 * and particle, and those that the output names for threshold and noise. The output's axes are pad and time.
 * Errors: `missing_condition`, `invalid_label`.
 */
export function createTpc(
  setup: SimulatorSetup,
  tuning: TpcTuning = { clusterDensity: MINIMUM_CLUSTER_DENSITY, tailProbability: TAIL_PROBABILITY },
): Responder {
  const periodNs = numberOf(setup, "sampling_period");
  const cmPerBin = numberOf(setup, "drift_velocity") * periodNs * 1e-3;
  const transverse = numberOf(setup, "transverse_diffusion") * 1e-4;
  const longitudinal = numberOf(setup, "longitudinal_diffusion") * 1e-4;
  const fieldTesla = numberOf(setup, "magnetic_field");
  const gain = numberOf(setup, "mip_amplitude") * ADC_PER_ELECTRON;
  const shapingBins = numberOf(setup, "shaping_width") / (2 * Math.sqrt(2 * Math.LN2)) / periodNs;
  const threshold = setup.output.threshold === null ? 0 : numberOf(setup, setup.output.threshold);
  const noise = setup.output.noise === null ? 0 : numberOf(setup, setup.output.noise);
  const saturation = setup.saturation ?? Number.POSITIVE_INFINITY;
  const mass = massOf(setup);

  const [padAxis, timeAxis] = setup.output.axes;
  const [crossingAt, dipAt, driftAt, padAt, rowAt, ptAt] = tpcInputs.map((name) =>
    setup.inputs.indexOf(name),
  );
  const pads = padAxis.size;
  const bins = timeAxis.size;

  shared ??= { normal: normalValues(), polya: polyaValues(geometry.polyaTheta) };
  const { normal, polya } = shared;
  const { padWidthCm, padResponseCm } = geometry;
  const padFractions = padTable(padResponseCm / padWidthCm, PAD_STEPS);
  const pulse = pulseSamples(shapingBins);
  const half = (pulse.length - 1) / 2;
  const rows = [1.2, 1.8].map((height) => {
    const reach = 0.5 * height + 4 * padResponseCm;
    return { height, reach, fractions: rowTable(padResponseCm, height, reach, ROW_STEPS) };
  });
  const clusterSize = clusterSizes(tuning.tailProbability);

  const [key0, key1] = streamKey(setup.seed, streams.simulation);
  const clusterWords = new Uint32Array(4);
  const words = new Uint32Array(4);
  // Charge on pads in time bins, before the shaping. Margins hold what reaches the window from outside.
  const stride = bins + 2 * half;
  const charges = new Float64Array((pads + 6) * stride);
  const padsPerCm = 1 / padWidthCm;
  const binsPerCm = 1 / cmPerBin;

  return (eventLow, eventHigh, features, offset, out, outOffset) => {
    const padCoordinate = features[offset + padAt];
    const driftBins = features[offset + driftAt];
    const pt = features[offset + ptAt];
    const crossing = (features[offset + crossingAt] * Math.PI) / 180;
    const dip = (features[offset + dipAt] * Math.PI) / 180;
    const row = rows[geometry.rowHeightCm(features[offset + rowAt]) === 1.2 ? 0 : 1];
    const rowFractions = row.fractions;
    const rowReach = row.reach;
    const rowScale = ROW_STEPS / rowReach;

    const driftCm = driftBins * cmPerBin;
    const padOrigin = padCoordinate - Math.trunc(padCoordinate) - padAxis.first;
    const timeOrigin = driftBins - Math.trunc(driftBins) - timeAxis.first;

    // Circle in the pad plane: φ(s) = crossing + s·κ, κ = 0.2998 B / pT for charge +1.
    const curvature = (0.00299792458 * fieldTesla) / pt;
    const margin = Math.max(
      0.6,
      3.5 * Math.sqrt(transverse * transverse * Math.max(0, driftCm) + padResponseCm ** 2),
    );
    const edge = 0.5 * row.height + margin;
    const from = pathToHeight(-edge, crossing, curvature);
    const to = pathToHeight(edge, crossing, curvature);
    const slope = Math.tan(dip);
    // Below βγ = 0.05 a particle stops in the row: not this simulator's matter.
    const betaGamma = Math.max(0.05, pt / Math.cos(dip) / mass);
    const gapCm = Math.cos(dip) / (tuning.clusterDensity * relativeIonisation(betaGamma));
    const largest = largestCluster(betaGamma, mass);

    charges.fill(0);
    let electrons = 0;
    let s = from;
    for (let cluster = 0; ; cluster++) {
      if ((cluster & 1) === 0) {
        philox4x32(cluster >>> 1, CLUSTERS, eventLow, eventHigh, key0, key1, clusterWords);
      }
      s -= gapCm * Math.log((clusterWords[(cluster & 1) * 2] + 0.5) * TWO_M32);
      if (s > to) break;
      const size = clusterSize(clusterWords[(cluster & 1) * 2 + 1], largest);
      const bend = 0.5 * s * curvature;
      const chord = bend === 0 ? s : (s * Math.sin(bend)) / bend;
      const y = chord * Math.cos(crossing + bend);
      const pad = padOrigin + chord * Math.sin(crossing + bend) * padsPerCm;
      // A positive dip angle leads towards the readout plane.
      const drift = driftCm - s * slope;
      if (drift < 0) continue;
      const time = timeOrigin - s * slope * binsPerCm;
      const root = Math.sqrt(drift);
      const spread = transverse * root;
      const padSpread = spread * padsPerCm;
      const timeSpread = longitudinal * root * binsPerCm;

      for (const end = electrons + size; electrons < end; electrons++) {
        // A block of random numbers serves two electrons.
        const second = (electrons & 1) << 1;
        if (second === 0) philox4x32(electrons >>> 1, ELECTRONS, eventLow, eventHigh, key0, key1, words);
        const word0 = words[second];
        const word1 = words[second + 1];
        const distance = Math.abs(y + spread * normal[word0 & 0xffff]);
        if (distance >= rowReach) continue;
        const x = pad + padSpread * normal[word0 >>> 16];
        const t = time + timeSpread * normal[word1 & 0xffff];
        const i = Math.floor(x);
        const bin = Math.round(t) + half;
        if (i < -2 || i > pads || bin < 0 || bin >= stride) continue;
        const charge = polya[word1 >>> 16] * rowFractions[(distance * rowScale) | 0];
        const f = ((x - i) * PAD_STEPS) << 2;
        const at = (i + 2) * stride + bin;
        charges[at] += charge * padFractions[f];
        charges[at + stride] += charge * padFractions[f + 1];
        charges[at + 2 * stride] += charge * padFractions[f + 2];
        charges[at + 3 * stride] += charge * padFractions[f + 3];
      }
    }

    for (let i = 0, cell = 0; i < pads; i++) {
      for (let j = 0; j < bins; j++, cell++) {
        const first = (i + 3) * stride + j;
        let amplitude = 0;
        for (let k = 0; k < pulse.length; k++) amplitude += charges[first + k] * pulse[k];
        amplitude *= gain;
        if (noise > 0) {
          if ((cell & 7) === 0) philox4x32(cell >>> 3, NOISE, eventLow, eventHigh, key0, key1, words);
          const word = words[(cell & 7) >>> 1];
          amplitude += noise * normal[(cell & 1) === 0 ? word & 0xffff : word >>> 16];
        }
        out[outOffset + cell] = amplitude < threshold ? 0 : Math.min(amplitude, saturation);
      }
    }
    return electrons;
  };
}

/** Path in the pad plane (cm) from the row's centre line to the height y (cm), or to where the track turns back. */
function pathToHeight(y: number, crossing: number, curvature: number): number {
  const sine = Math.sin(crossing) + curvature * y;
  if (Math.abs(curvature) < 1e-9) return y / Math.cos(crossing);
  return (Math.asin(Math.max(-1, Math.min(1, sine))) - crossing) / curvature;
}

function massOf(setup: SimulatorSetup): number {
  const particle = labelOf(setup, "particle");
  const mass = Object.hasOwn(particleMass, particle) ? particleMass[particle] : undefined;
  if (mass === undefined) {
    throw fail("invalid_label", `Simulator ${setup.simulator} knows no particle "${particle}"`, {
      field: "particle",
      remedy: `Use one of ${Object.keys(particleMass).join(", ")}`,
    });
  }
  return mass;
}
