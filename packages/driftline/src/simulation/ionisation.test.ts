// Ionisation and its tables against published values and sums worked out by hand.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  clusterSizes,
  LARGEST_CLUSTER,
  MINIMUM_BETA_GAMMA,
  relativeIonisation,
  TAIL_PROBABILITY,
} from "./ionisation.ts";
import { normalCdf, normalValues, padTable, polyaValues, pulseSamples, rowTable } from "./tables.ts";

function near(actual: number, expected: number, tolerance: number): void {
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual}, expected ${expected} ± ${tolerance}`);
}

test("ionisation has its minimum near βγ = 3.5, rises towards both sides and ends on a plateau", () => {
  near(MINIMUM_BETA_GAMMA, 3.5, 0.3);
  assert.equal(relativeIonisation(MINIMUM_BETA_GAMMA), 1);
  // The curve's definition by hand at βγ = 1: β = 1/√2, β^1.8631 = 0.5243; (10.632 - 0.5243 - ln(1.0000133))/0.5243 = 19.28;
  // at the minimum β = 0.9615, β^1.8631 = 0.9295; (10.632 - 0.9295 - ln(0.08722))/0.9295 = 13.06.
  near(relativeIonisation(1), 19.28 / 13.06, 0.005);
  // Plateau: β = 1; 10.632 - 1 - ln(1.3279e-5) = 20.86.
  near(relativeIonisation(1e6), 20.86 / 13.06, 0.005);
});

test("cluster sizes over all words: 63.4 % single, the tail at 100, the ends", () => {
  const size = clusterSizes(TAIL_PROBABILITY);
  const words = 1 << 20;
  let [single, hundred, largest] = [0, 0, 0];
  for (let k = 0; k < words; k++) {
    const n = size((k + 0.5) * 2 ** 12, LARGEST_CLUSTER);
    assert.ok(Number.isInteger(n) && n >= 1);
    if (n === 1) single++;
    if (n >= 100) hundred++;
    largest = Math.max(largest, n);
  }
  // Even words, no chance: exact to 1/words. The cut at 10,000 moves 1 % of the tail to below 100.
  near(single / words, 0.634, 2e-6);
  near(hundred / words, TAIL_PROBABILITY, 0.012 * TAIL_PROBABILITY);
  assert.ok(largest <= LARGEST_CLUSTER && largest > 9000);
  assert.equal(size(0, 50), 1);
  assert.equal(size(0xffffffff, 50), 50);
});

test("the normal and the avalanche have the moments of their distributions", () => {
  const moments = (values: Float32Array) => {
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    const central = (power: number) => values.reduce((s, v) => s + (v - mean) ** power, 0) / values.length;
    return { mean, variance: central(2), third: central(3), fourth: central(4) };
  };
  const normal = moments(normalValues());
  near(normal.mean, 0, 1e-6);
  near(normal.variance, 1, 1e-6);
  near(normal.fourth, 3, 0.01); // tails end at 4.3 standard deviations
  // A gamma distribution of shape k and mean 1: variance 1/k, third central moment 2/k².
  const polya = moments(polyaValues(1.5));
  near(polya.mean, 1, 1e-6);
  near(polya.variance, 1 / 2.5, 1e-6);
  near(polya.third, 2 / 2.5 ** 2, 0.005);
  assert.ok(polyaValues(1.5).every((gain) => gain >= 0));
});

test("fractions on pads and rows, and samples of a pulse", () => {
  // Φ(1) = 0.8413447, Φ(1.96) = 0.9750021, Φ(-3) = 0.0013499 (tables).
  near(normalCdf(1), 0.8413447, 2e-7);
  near(normalCdf(1.96), 0.9750021, 2e-7);
  near(normalCdf(-3), 0.0013499, 2e-7);
  const pads = padTable(0.278, 512);
  for (let s = 0; s < 512; s++)
    near(pads[4 * s] + pads[4 * s + 1] + pads[4 * s + 2] + pads[4 * s + 3], 1, 1e-6);
  // Halfway between two pads both get the same; 1.8 σ = half a pad.
  near(pads[4 * 256 + 1], pads[4 * 256 + 2], 0.01);
  const row = rowTable(0.139, 1.2, 1.156, 2048);
  near(row[0], 1, 1e-4);
  near(row[Math.round((0.6 / 1.156) * 2048)], 0.5, 0.005);
  // A pulse has its top in the middle; by Poisson's sum its samples add up to its area, σ√2π = 0.8069 × 2.5066 = 2.0226.
  const pulse = pulseSamples(0.8069);
  assert.deepEqual([pulse.length, pulse[4]], [9, 1]);
  near(
    pulse.reduce((a, b) => a + b, 0),
    2.0226,
    2e-4,
  );
});
