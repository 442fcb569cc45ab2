// The single figures against hand calculations and SciPy.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { classifierTable, columnSets } from "./columns.ts";
import { centredInterval } from "./compare.ts";
import { featureColumns } from "./features.ts";
import { median, nearest } from "./neighbours.ts";
import { binIndices, profile, profileDistance } from "./profile.ts";
import { chooseRows, resamplingCounts } from "./random.ts";
import { flatness, rankCounts, ranksOf } from "./ranks.ts";
import { applyThreshold, type Sample } from "./sample.ts";
import { stretch } from "./stretch.ts";
import { summarise } from "./summaries.ts";
import { toyBatch, toyInputs, toyOutput, toyResponses } from "./toyDetector.ts";
import { merge, wasserstein } from "./wasserstein.ts";

const close = (actual: number, expected: number, tolerance = 1e-12) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected} within ${tolerance}`);

function oneResponse(cells: [pad: number, time: number, amplitude: number][]): Sample {
  const responses = new Float32Array(128);
  for (const [i, j, amplitude] of cells) responses[i * 16 + j] = amplitude;
  return { events: 1, draws: 1, features: Float32Array.of(5, 60.25, 12.5, 23), responses };
}

test("moments of three cells, by hand", () => {
  // Charges 10 at (3, 7), 30 at (4, 7), 60 at (4, 9): sum 100, means 3.9 and 8.2.
  const values = summarise(
    oneResponse([
      [3, 7, 10],
      [4, 7, 30],
      [4, 9, 60],
    ]),
    toyOutput,
  ).map((list) => list[0]);
  const expected = [
    3.9,
    8.2,
    15.3 - 3.9 ** 2, // (10·9 + 90·16)/100
    68.2 - 8.2 ** 2, // (40·49 + 60·81)/100
    32.1 - 3.9 * 8.2, // (10·21 + 30·28 + 60·36)/100
    Math.log10(101),
    3,
    Math.log10(61),
  ];
  for (const [k, value] of values.entries()) close(value, expected[k], 1e-12);
});

test("a response without charge has finite summaries", () => {
  const values = summarise(oneResponse([]), toyOutput).map((list) => list[0]);
  assert.deepEqual(values, [3.5, 7.5, 0, 0, 0, 0, 0, 0]);
});

test("the threshold removes what is below it and what is no number, and counts the latter", () => {
  const responses = Float32Array.of(0.99, 1, Number.NaN, Infinity, -5, 3);
  assert.equal(applyThreshold(responses, 1), 2);
  assert.deepEqual([...responses], [0, 1, 0, 0, 0, 3]);
});

test("inputs that do not vary are left out; fractions belong to the image's coordinates", () => {
  const batch = toyBatch(200, 1);
  const sample = { ...batch, events: 200, draws: 1 };
  const columns = featureColumns(toyInputs, toyOutput, sample);
  assert.deepEqual(
    columns.map(({ name }) => name),
    ["angle", "drift", "pad", "pad_fraction", "drift_fraction"],
  );
});

test("a row of the classifier's table, by hand", () => {
  const sample = oneResponse([
    [3, 7, 9],
    [4, 7, 9],
  ]);
  const varied = { ...toyBatch(200, 1), events: 200, draws: 1 };
  const columns = featureColumns(toyInputs, toyOutput, varied);
  const { values, width } = classifierTable(sample, columns, toyInputs, toyOutput);
  const sets = columnSets(columns.length, toyOutput);
  assert.equal(width, sets.all.length);
  // Angle 5 of ±20; drift 60.25 of 30 to 100; pad 12.5 of 10 to 20; fractions 0.5 and 0.25.
  const inputs = [0.25, -4.75 / 35, -0.5, 0.5, 0.25];
  // Means 3.5 and 7; places in the window 12.5 - 12 + 3 = 3.5 and 60.25 - 60 + 7 = 7.25.
  const summaries = [3.5, 7, 0.25, 0, 0, Math.log10(19), 2, 1, 0, -0.25];
  for (const [k, expected] of [...inputs, ...summaries].entries()) close(values[k], expected, 1e-6);
  assert.deepEqual(
    sets.pixels
      .slice(5)
      .map((k) => values[k])
      .flatMap((value, k) => (value > 0 ? [k, value] : [])),
    [3 * 16 + 7, 1, 4 * 16 + 7, 1],
  );
  const sums = [...values.slice(-24)].map((value) => Number(value.toFixed(4)));
  assert.deepEqual(sums, [0, 0, 0, 1, 1, 0, 0, 0, ...Array(7).fill(0), 1.2788, ...Array(8).fill(0)]);
});

// numpy: v.mean(), v.std(), v.var()/(n-1), (((v-v.mean())**4).mean()-v.var()**2)/(4*n*v.var())
const left = { values: [1, 2, 4, 8, 9], reference: [4.8, 3.1874754901018454, 2.54, 0.16760629921259862] };
const right = { values: [2, 3, 3.5, 5, 7], reference: [4.1, 1.7435595774162693, 0.76, 0.15203289473684226] };

test("mean, spread and their errors in bins as NumPy gives them, alone and with weights", () => {
  const y = Float64Array.from([...left.values, ...right.values]);
  const bins = binIndices([0, 0.1, 0.2, 0.3, 0.49, 0.5, 0.6, 0.7, 0.8, 1], 0, 1, 2);
  const found = profile(y, bins, { low: 0, high: 1 }, undefined, 2);
  for (const [b, { reference }] of [left, right].entries()) {
    close(found.means[b], reference[0]);
    close(found.deviations[b], reference[1]);
    close(found.meanErrors2[b], reference[2]);
    close(found.deviationErrors2[b], reference[3]);
  }
  const weights = Float64Array.from([2, 0, 1, 1, 1, 1, 1, 1, 1, 1]);
  const weighted = profile(y, bins, { low: 0, high: 1 }, weights, 2);
  const repeated = profile(
    Float64Array.from([1, 1, 4, 8, 9]),
    new Uint16Array(5),
    { low: 0, high: 1 },
    undefined,
    2,
  );
  close(weighted.means[0], repeated.means[0]);
  close(weighted.deviationErrors2[0], repeated.deviationErrors2[0]);
});

test("χ² of two profiles, by hand", () => {
  const of = (values: number[]) =>
    profile(Float64Array.from(values), new Uint16Array(5), { low: 0, high: 1 }, undefined, 1);
  const { chi2, terms } = profileDistance(of(left.values), of(right.values));
  const [a, b] = [left.reference, right.reference];
  const error2 = a[2] + a[3] + b[2] + b[3];
  const [mean, spread] = [a[0] - b[0], a[1] - b[1]];
  assert.equal(terms, 2);
  close(chi2, ((mean + spread) ** 2 + (mean - spread) ** 2) / error2, 1e-9);
});

test("Wasserstein distance as scipy.stats.wasserstein_distance gives it", () => {
  const merged = merge([0.5, 1.25, 3, 4.5, 7], [1, 1.5, 2, 8]);
  close(wasserstein(merged), 1.15);
  const weights: [Float64Array, Float64Array] = [Float64Array.of(1, 2, 0, 1, 3), Float64Array.of(2, 1, 1, 1)];
  close(wasserstein(merged, weights), 1.928571428571429);
});

test("moving a sample by c moves it by the distance |c|", () => {
  const numbers = fc.array(fc.double({ min: -1e3, max: 1e3, noNaN: true }), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(numbers, fc.double({ min: -50, max: 50, noNaN: true }), (values, c) => {
      const moved = values.map((value) => value + c);
      close(wasserstein(merge(values, moved)), Math.abs(c), 1e-9);
    }),
  );
});

test("nearest neighbours are those of a plain search, leaving out what is excluded", () => {
  const { responses } = toyBatch(60, 3);
  const points = { rows: 60, width: 128, values: responses };
  const exclude = Int32Array.from({ length: 60 }, (_, i) => i);
  const found = nearest(points, points, 0, 60, exclude);
  for (let q = 0; q < 60; q++) {
    let best = Infinity;
    for (let r = 0; r < 60; r++) {
      if (r === q) continue;
      let sum = 0;
      for (let k = 0; k < 128; k++) sum += (responses[q * 128 + k] - responses[r * 128 + k]) ** 2;
      best = Math.min(best, Math.sqrt(sum));
    }
    close(found.distances[q], best, 1e-4);
    assert.notEqual(found.rows[q], q);
  }
  assert.ok(nearest(points, points).distances.every((distance) => distance === 0));
});

test("medians, also of values that count several times", () => {
  assert.equal(median(Float64Array.of(5, 1, 3)), 3);
  assert.equal(median(Float64Array.of(4, 1, 3, 9)), 3.5);
  assert.equal(median(Float64Array.of(4, 1, 3, 9), Float64Array.of(0, 1, 1, 3)), 9);
});

test("ranks: values below count, equal ones are shared out, and a flat count has no χ²", () => {
  // Two events, three draws: event 0 has draws 1, 2, 9 about 3; event 1 has 5, 6, 7 about 4.
  const ranks = ranksOf(Float64Array.of(3, 4), Float64Array.of(1, 5, 2, 6, 9, 7), 1);
  assert.deepEqual([...ranks], [2, 0]);
  assert.deepEqual([...rankCounts(ranks, 3)], [1, 0, 1, 0]);
  const ties = rankCounts(ranksOf(new Float64Array(4000), new Float64Array(12_000), 1), 3);
  // χ²/3 of a flat multinomial exceeds 5.4 once in 1,000 seeds.
  assert.ok(flatness(ties) < 5.4);
  assert.equal(flatness(Float64Array.of(7, 7, 7)), 0);
  // Counts 10 and 30 about 20: (100 + 100)/20 over one degree of freedom.
  assert.equal(flatness(Float64Array.of(10, 30)), 10);
});

test("the control widens time profiles by the factor and keeps the charge", () => {
  const shape = Array.from({ length: 16 }, (_, j): [number, number, number] => [
    3,
    j,
    1000 * Math.exp(-((j - 7.3) ** 2) / 2 / 1.2 ** 2),
  ]);
  const sample = oneResponse(shape);
  applyThreshold(sample.responses, 1);
  const before = summarise(sample, toyOutput);
  const after = summarise(stretch(sample, 1.1, toyOutput, 1), toyOutput);
  close(after[3][0] / before[3][0], 1.21, 0.03);
  close(after[1][0], before[1][0], 0.02);
  close(after[5][0], before[5][0], 0.002);
});

test("rows are chosen once each, and resampling counts sum to the events", () => {
  const rows = chooseRows(1000, 300, 5, 1);
  assert.equal(new Set(rows).size, 300);
  assert.deepEqual(chooseRows(1000, 300, 5, 1), rows);
  assert.notDeepEqual(chooseRows(1000, 300, 6, 1), rows);
  assert.equal(
    resamplingCounts(400, 1, 0).reduce((sum, count) => sum + count, 0),
    400,
  );
});

test("an interval lies about its estimate and never below zero", () => {
  const replicates = Array.from({ length: 101 }, (_, k) => 2 + k / 100);
  const [low, high] = centredInterval(1, replicates);
  close(low, 1 - 0.475, 1e-9);
  close(high, 1 + 0.475, 1e-9);
  assert.equal(centredInterval(0.1, replicates)[0], 0);
});

test("the toy detector gives the same responses for the same seed and others for another", () => {
  const { features } = toyBatch(20, 1);
  assert.deepEqual(toyResponses(features, 20, 1), toyResponses(features, 20, 1));
  assert.notDeepEqual(toyResponses(features, 20, 1), toyResponses(features, 20, 2));
});
