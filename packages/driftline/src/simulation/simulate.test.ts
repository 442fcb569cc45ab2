// Simulated datasets: threads, chunks, domains, cancelling and refusals.

import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { InputFeature, OutputImage, SimulatorSource } from "../family/family.ts";
import { drawInputs, respond, respondHere, type SimulationOptions, simulate } from "./simulate.ts";

const embedded: SimulatorSource = { name: "driftline-tpc", version: 1, command: null, format: null };
const feature = (name: string, low: number, high: number, unit = "1", integer = false): InputFeature => ({
  name,
  description: "",
  unit,
  low,
  high,
  integer,
});
const inputs = [
  feature("crossing_angle", -20, 20),
  feature("dip_angle", -60, 60),
  feature("drift_length", 35, 290),
  feature("pad_coordinate", 27, 42),
  feature("pad_row", 0, 52, "1", true),
  feature("pt", 0.2, 2.5, "GeV/c"),
];
const output: OutputImage = {
  name: "response",
  unit: "ADC",
  axes: [
    { name: "pad", size: 8, coordinate: "pad_coordinate", first: -3 },
    { name: "time", size: 16, coordinate: "drift_length", first: -7 },
  ],
  threshold: "threshold",
  noise: "noise",
  saturation: 1023,
};
const conditions = {
  drift_velocity: "5.5",
  transverse_diffusion: "185",
  longitudinal_diffusion: "320",
  magnetic_field: "0.5",
  mip_amplitude: "75",
  shaping_width: "190",
  sampling_period: "100",
  noise: "0.5",
  threshold: "1",
  particle: "pion",
};
const options: SimulationOptions = { simulator: embedded, conditions, inputs, output, seed: 7 };

test("responses are the same to the bit for any number of threads, and for any chunk", async () => {
  const rows = 10_100; // enough for three threads
  const one = await simulate({ ...options, rows, threads: 1 });
  const three = await simulate({ ...options, rows, threads: 3 });
  assert.deepEqual(three, one);
  const cells = 8 * 16;
  const tail = await simulate({ ...options, rows: 40, firstEvent: 650 });
  assert.deepEqual(tail.responses, one.responses.slice(650 * cells, 690 * cells));
  assert.deepEqual(tail.features, one.features.slice(650 * 6, 690 * 6));
  assert.deepEqual([...tail.ids.subarray(0, 2)], [650n, 651n]);
  const here = respondHere({
    ...options,
    features: one.features.slice(0, 6000),
    ids: one.ids.slice(0, 1000),
  });
  assert.deepEqual(here, one.responses.slice(0, 1000 * cells));
});

test("rows in another order give the same responses; another seed or event gives others", async () => {
  const batch = await simulate({ ...options, rows: 20 });
  const features = Float32Array.from([...batch.features.subarray(60, 66), ...batch.features.subarray(0, 6)]);
  const again = respondHere({ ...options, features, ids: BigInt64Array.from([10n, 0n]) });
  assert.deepEqual(again.subarray(0, 128), batch.responses.subarray(1280, 1408));
  assert.deepEqual(again.subarray(128), batch.responses.subarray(0, 128));
  const first = { features: batch.features.subarray(0, 6), ids: BigInt64Array.of(0n) };
  assert.notDeepEqual(respondHere({ ...options, ...first, seed: 8 }), batch.responses.subarray(0, 128));
  const other = respondHere({ ...options, ...first, ids: BigInt64Array.of(2n ** 32n) });
  assert.notDeepEqual(other, batch.responses.subarray(0, 128));
});

// 20,000 draws. Integers: each of 53 rows is expected 377 times with a standard deviation of 19.3; bounds of 5 σ, false
// alarm 3·10^-5 for all. Uniform inputs: the mean of 20,000 is off by 1/sqrt(12·20000) = 0.2 % of the range; 5 σ.
test("inputs fill their domain: uniform, momenta in the logarithm, integers with equal weight", () => {
  const rows = 20_000;
  const features = drawInputs(inputs, rows, 3);
  inputs.forEach((input, i) => {
    const values = Float64Array.from({ length: rows }, (_, row) => features[row * 6 + i]);
    assert.ok(
      values.every((v) => v >= Math.fround(input.low) && v <= Math.fround(input.high)),
      input.name,
    );
    if (input.integer) {
      const counts = new Map<number, number>();
      for (const v of values) counts.set(v, (counts.get(v) ?? 0) + 1);
      assert.equal(counts.size, 53);
      for (const count of counts.values()) assert.ok(Math.abs(count - rows / 53) < 5 * Math.sqrt(rows / 53));
    } else {
      const flat = (v: number) => (input.unit === "GeV/c" ? Math.log(v) : v);
      const [low, high] = [flat(input.low), flat(input.high)];
      const mean = values.reduce((s, v) => s + (flat(v) - low) / (high - low), 0) / rows;
      assert.ok(Math.abs(mean - 0.5) < 5 / Math.sqrt(12 * rows), `${input.name}: ${mean}`);
    }
  });
});

test("one thread does what is asked for one after another", async () => {
  let started = 0;
  const count = () => started++;
  subscribe("worker_threads", count);
  for (const seed of [1, 2, 3]) await simulate({ ...options, rows: 600, threads: 1, seed });
  unsubscribe("worker_threads", count);
  assert.ok(started <= 1, `${started} threads were started`);
});

test("progress goes from nothing to all", async () => {
  const seen: number[] = [];
  await simulate({ ...options, rows: 600, onProgress: (fraction) => seen.push(fraction) });
  assert.equal(seen.at(-1), 1);
  assert.ok(seen.every((fraction, i) => i === 0 || fraction >= seen[i - 1]));
});

test("cancelling stops the threads and says so", async () => {
  const controller = new AbortController();
  const started = performance.now();
  const running = simulate({ ...options, rows: 2_000_000, signal: controller.signal, threads: 2 });
  setTimeout(() => controller.abort(), 150);
  await assert.rejects(running, { code: "cancelled" });
  assert.ok(performance.now() - started < 20_000, "2,000,000 responses would take a minute or more");
  await assert.rejects(simulate({ ...options, rows: 10, signal: controller.signal }), { code: "cancelled" });
});

test("an unknown simulator, a missing condition and missing inputs are refused by name", async () => {
  const rows = 500;
  await assert.rejects(simulate({ ...options, rows, simulator: { ...embedded, name: "geant" } }), {
    code: "simulator_failed",
    message: /no embedded simulator "geant"/,
    remedy: /driftline-tpc/,
  });
  await assert.rejects(simulate({ ...options, rows, simulator: { ...embedded, version: 2 } }), {
    code: "simulator_failed",
    field: "data.simulator.version",
  });
  const { sampling_period: _, ...without } = conditions;
  await assert.rejects(simulate({ ...options, rows, conditions: without }), {
    code: "missing_condition",
    field: "sampling_period",
  });
  await assert.rejects(simulate({ ...options, rows, inputs: inputs.slice(1) }), {
    code: "invalid_family",
    message: /crossing_angle/,
  });
  await assert.rejects(respond({ ...options, features: new Float32Array(11), ids: new BigInt64Array(2) }), {
    code: "invalid_data",
    message: /11 values.*2 rows of 6/s,
  });
});

test("inputs that would have no end are refused with row and input, in this thread and in others", async () => {
  const good = [0, 0, 100, 34, 23, 0.478];
  const bad: [string, number, number][] = [
    ["pt", 5, 0],
    ["pt", 5, Number.NaN],
    ["dip_angle", 1, 90],
    ["crossing_angle", 0, -95],
    ["drift_length", 2, Number.POSITIVE_INFINITY],
  ];
  for (const rows of [2, 300]) {
    for (const [field, at, value] of bad) {
      const features = Float32Array.from({ length: rows * 6 }, (_, i) =>
        i === 6 + at ? value : good[i % 6],
      );
      await assert.rejects(respond({ ...options, features, ids: new BigInt64Array(rows) }), {
        code: "out_of_range",
        field,
        message: /Row 1 /,
      });
    }
  }
});

test("the family that ships with it can be simulated at its nominal conditions", () => {
  const yaml = readFileSync(new URL("../../../../families/mpd.tpc/family.yaml", import.meta.url), "utf8");
  const nominal = (name: string) => new RegExp(`${name}:\\s*\\{[^}]*nominal: ([0-9.]+)`).exec(yaml)?.[1];
  const given = Object.fromEntries(
    Object.keys(conditions).map((name) => [name, name === "particle" ? "pion" : String(nominal(name))]),
  );
  const features = Float32Array.from([0, 0, 100, 34, 23, 0.478]);
  const cells = respondHere({ ...options, conditions: given, features, ids: BigInt64Array.of(0n) });
  assert.ok(cells.some((a) => a > 10));
});
