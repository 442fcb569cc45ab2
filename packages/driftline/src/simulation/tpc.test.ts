// The TPC simulator against hand calculations. Seeds are fixed; each statistical bound is at least 4.5 standard errors of
// the estimate wide (false alarm below 10^-5 a bound, should a change of the code draw other numbers).

import assert from "node:assert/strict";
import { test } from "node:test";
import type { OutputImage } from "../family/family.ts";
import { tpcInputs } from "../family/tpcInputs.ts";
import { largestCluster, particleMass } from "./ionisation.ts";
import type { SimulatorSetup } from "./setup.ts";
import { ADC_PER_ELECTRON, createTpc, geometry, type TpcTuning } from "./tpc.ts";

/** A window wide enough to hold everything. */
const PADS = 20;
const BINS = 48;
const output: OutputImage = {
  name: "response",
  unit: "ADC",
  axes: [
    { name: "pad", size: PADS, coordinate: "pad_coordinate", first: -PADS / 2 },
    { name: "time", size: BINS, coordinate: "drift_length", first: -BINS / 2 },
  ],
  threshold: "threshold",
  noise: "noise",
  saturation: null,
};
const conditions = {
  drift_velocity: "5.5",
  transverse_diffusion: "185",
  longitudinal_diffusion: "320",
  magnetic_field: "0",
  mip_amplitude: "75",
  shaping_width: "190",
  sampling_period: "100",
  noise: "0",
  threshold: "0",
  particle: "pion",
};
type Track = Partial<Record<(typeof tpcInputs)[number], number>>;

function setup(change: Record<string, string> = {}, more: Partial<SimulatorSetup> = {}): SimulatorSetup {
  return {
    simulator: "driftline-tpc",
    conditions: { ...conditions, ...change },
    inputs: [...tpcInputs],
    output,
    saturation: null,
    seed: 1,
    ...more,
  };
}

interface Sample {
  cells: Float32Array;
  electrons: number[];
  features: Float32Array;
}

/**
 * Responses of `rows` events to one track, whose pad coordinate and drift length are spread evenly over a pad and a bin:
 * binning then adds 1/12 to the variances, as it should.
 */
function run(rows: number, track: Track, given = setup(), tuning?: TpcTuning): Sample {
  const respond = createTpc(given, tuning);
  const all = {
    crossing_angle: 0,
    dip_angle: 0,
    drift_length: 100,
    pad_coordinate: 34,
    pad_row: 10,
    pt: 0.478,
    ...track,
  };
  const features = new Float32Array(rows * 6);
  const cells = new Float32Array(rows * PADS * BINS);
  const electrons = Array.from({ length: rows }, (_, row) => {
    features.set(
      tpcInputs.map((name) => all[name]),
      row * 6,
    );
    features[row * 6 + 3] += (row * 0.6180339887) % 1;
    features[row * 6 + 2] += (row * 0.7548776662) % 1;
    return respond(row, 0, features, row * 6, cells, row * PADS * BINS);
  });
  return { cells, electrons, features };
}

interface Shape {
  pad: number;
  time: number;
  padVariance: number;
  timeVariance: number;
  covariance: number;
}

/** Many small clusters in place of few large ones: widths don't depend on it, their errors do. */
const smooth: TpcTuning = { clusterDensity: 60, tailProbability: 1e-7 };

/** Moments of all charge about the tracks' coordinates, in pads and bins. */
function shapeOf({ cells, features }: Sample): Shape {
  let [sum, x, t, xx, tt, xt] = [0, 0, 0, 0, 0, 0];
  for (let c = 0; c < cells.length; c++) {
    const row = Math.floor(c / (PADS * BINS));
    const i = (Math.floor(c / BINS) % PADS) - PADS / 2 - (features[row * 6 + 3] % 1);
    const j = (c % BINS) - BINS / 2 - (features[row * 6 + 2] % 1);
    const a = cells[c];
    sum += a;
    x += a * i;
    t += a * j;
    xx += a * i * i;
    tt += a * j * j;
    xt += a * i * j;
  }
  const [pad, time] = [x / sum, t / sum];
  return {
    pad,
    time,
    padVariance: xx / sum - pad ** 2,
    timeVariance: tt / sum - time ** 2,
    covariance: xt / sum - pad * time,
  };
}

function near(actual: number, expected: number, tolerance: number, what: string): void {
  assert.ok(
    Math.abs(actual - expected) <= tolerance,
    `${what}: ${actual}, expected ${expected} ± ${tolerance}`,
  );
}

// A track perpendicular to the row has only diffusion, induction and binning in its widths; their sum needs no simulation:
//   pad variance  = (D_T² L + σ_PR²)/w² + 1/12          D_T = 0.0185 √cm, L = 0.55 cm × bins, σ_PR = 0.139 cm, w = 0.5 cm
//   time variance = D_L² L/(0.55 cm)² + σ_S² + 1/12      D_L = 0.0320 √cm, σ_S = 190 ns/2.3548/100 ns
// 1,000 tracks of 270 electrons: standard errors measured over five seeds are 0.25 % of a variance at most.
for (const bins of [1, 100, 290]) {
  test(`widths of a perpendicular track after ${bins} bins are diffusion, induction, shaping and binning`, () => {
    const shape = shapeOf(run(1000, { drift_length: bins }, setup(), smooth));
    const drift = 0.55 * bins;
    const pad = (0.0185 ** 2 * drift + 0.139 ** 2) / 0.25 + 1 / 12;
    const time = (0.032 ** 2 * drift) / 0.55 ** 2 + (190 / 2.3548 / 100) ** 2 + 1 / 12;
    near(shape.padVariance, pad, 0.012 * pad, "pad variance");
    near(shape.timeVariance, time, 0.012 * time, "time variance");
    near(shape.pad, 0, 0.01, "pad mean");
    near(shape.time, 0, 0.015, "time mean");
  });
}

// Along the row's normal the charge that counts is spread by the row (h²/12), induction and diffusion:
//   v = 1.2²/12 + 0.139² + D_T² L;  pad variance grows by v tan²(crossing)/w², time variance by v tan²(dip)/(0.55 cm)²
//   with v taken along the path, covariance = -v tan(crossing) tan(dip)/(cos(crossing) w 0.55 cm).
// Ionisation at the edges is followed far enough if these come out: cut at the row's edge v would be 0.12.
test("inclined tracks: variances grow with tan² and the covariance is negative, with the row's full reach", () => {
  const drift = 55;
  const v = 0.12 + 0.139 ** 2 + 0.0185 ** 2 * drift;
  const straight = shapeOf(run(2000, {}, setup(), smooth));
  const rad = Math.PI / 180;
  const tanCrossing = Math.tan(20 * rad);
  const tanDip = Math.tan(45 * rad);
  const shape = shapeOf(run(2000, { crossing_angle: 20, dip_angle: 45 }, setup(), smooth));
  const path = tanDip / Math.cos(20 * rad);
  // Standard errors measured over five seeds: 0.4 % of v.
  const grown = ((shape.padVariance - straight.padVariance) * 0.25) / tanCrossing ** 2;
  near(grown, v, 0.025 * v, "from the pad variance");
  near(
    ((shape.timeVariance - straight.timeVariance) * 0.55 ** 2) / path ** 2,
    v,
    0.025 * v,
    "from the time variance",
  );
  near((-shape.covariance * 0.5 * 0.55) / (tanCrossing * path), v, 0.025 * v, "from the covariance");
});

test("mirrored tracks have the opposite covariance and the same widths", () => {
  const a = shapeOf(run(1000, { crossing_angle: 15, dip_angle: 30 }, setup(), smooth));
  const b = shapeOf(run(1000, { crossing_angle: -15, dip_angle: 30 }, setup(), smooth));
  assert.ok(a.covariance < -0.05 && b.covariance > 0.05);
  near(b.covariance, -a.covariance, 0.2 * b.covariance, "covariance");
  near(b.padVariance, a.padVariance, 0.05 * a.padVariance, "pad variance");
});

// Sagitta: at field B a track of radius R = pT/(0.2998 B) leaves the tangent by y²/2R at the height y; averaged over the
// charge, v/2R. 0.2 GeV/c at 2 T: R = 33.36 cm; v = 0.12 + 0.0193 + 0.0188 = 0.158: 0.0024 cm = 0.0047 pads. On a slope
// of 20° the direction changes: at the same y the two edges differ. Shown at an extreme: 0.05 GeV/c at 2 T, R = 8.34 cm.
test("the magnetic field bends tracks by v/2R towards increasing pad numbers", () => {
  const at = (field: string) =>
    shapeOf(run(2000, { pt: 0.05 }, setup({ magnetic_field: field, particle: "electron" }), smooth));
  const v = 0.12 + 0.139 ** 2 + 0.0185 ** 2 * 55;
  near(at("2").pad - at("0").pad, v / (2 * 8.339) / 0.5, 0.001, "shift in pads");
});

// An electron's charge is its gain on the avalanche scale; all pads together get all of it, and the samples of a pulse
// add up to its area σ√2π. So sum/(gain·area) is the number of electrons seen by the row, up to avalanche fluctuations of
// sqrt(0.4/n): with 100,000 electrons 0.2 %.
test("charge is conserved: the sum is electrons × gain × pulse area", () => {
  // Without diffusion and 20 cm of padding above and below nothing is lost but at the row's edges: electrons followed beyond
  // them have weight 0, so compare with the share of the path that the row's response covers: 1.2 of 2.4 cm.
  const { cells, electrons } = run(1500, { drift_length: 1 }, setup({ transverse_diffusion: "0" }), smooth);
  const sum = cells.reduce((a, b) => a + b, 0);
  const area = (190 / 2.3548 / 100) * Math.sqrt(2 * Math.PI);
  const seen = sum / (75 * ADC_PER_ELECTRON * area);
  const followed = electrons.reduce((a, b) => a + b, 0);
  near(seen / followed, 1.2 / 2.4, 0.01, "share seen");
});

test("amplitudes are proportional to mip_amplitude, and to nothing else that a condition sets", () => {
  const one = run(50, {}, setup({ mip_amplitude: "75" })).cells;
  const two = run(50, {}, setup({ mip_amplitude: "150" })).cells;
  for (let c = 0; c < one.length; c++) near(two[c], 2 * one[c], 1e-6 * two[c], "cell");
  const total = (change: Record<string, string>) =>
    run(800, {}, setup(change)).cells.reduce((a, b) => a + b, 0);
  const base = total({});
  // The same electrons in other places: sums differ by what falls beyond the row, 1 % at most.
  near(total({ longitudinal_diffusion: "640" }), base, 1e-4 * base, "longitudinal diffusion");
  near(total({ transverse_diffusion: "100" }), base, 0.05 * base, "transverse diffusion");
});

test("a threshold makes smaller amplitudes zero and changes no other", () => {
  const raw = run(200, {}).cells;
  const cut = run(200, {}, setup({ threshold: "3" })).cells;
  let dropped = 0;
  for (let c = 0; c < raw.length; c++) {
    assert.equal(cut[c], raw[c] < 3 ? 0 : raw[c]);
    if (raw[c] > 0 && raw[c] < 3) dropped++;
  }
  assert.ok(dropped > 200);
});

test("saturation cuts at the top and null doesn't", () => {
  const raw = run(200, {}).cells;
  const cut = run(200, {}, setup({}, { saturation: 100 })).cells;
  assert.ok(raw.some((a) => a > 100));
  for (let c = 0; c < raw.length; c++) assert.equal(cut[c], Math.min(raw[c], 100));
});

test("noise is added to each cell with its standard deviation", () => {
  const narrow: OutputImage = { ...output, threshold: null };
  const raw = run(40, {}, setup({}, { output: narrow })).cells;
  const noisy = run(40, {}, setup({ noise: "2" }, { output: narrow })).cells;
  // 256,000 cells: mean 0 ± 0.004, standard deviation 2 ± 0.0028. Amplitudes below 0 are cut: look at cells well above.
  let [n, sum, squares] = [0, 0, 0];
  for (let c = 0; c < raw.length; c++) {
    if (raw[c] < 9) continue;
    n++;
    sum += noisy[c] - raw[c];
    squares += (noisy[c] - raw[c]) ** 2;
  }
  assert.ok(n > 300);
  near(sum / n, 0, (4.5 * 2) / Math.sqrt(n), "mean");
  near(Math.sqrt(squares / n), 2, (4.5 * 2) / Math.sqrt(2 * n), "standard deviation");
});

// Charge is counted in bins before it is shaped: without diffusion and dip all of it is in one bin, wherever in the bin the
// track passes, and the samples are those of one pulse. Shaping first would move them with the track.
test("charge is counted in time bins and then shaped", () => {
  const { cells, features } = run(40, { drift_length: 10 }, setup({ longitudinal_diffusion: "0" }));
  for (let row = 0; row < 40; row++) {
    const fraction = features[row * 6 + 2] % 1;
    const top = BINS / 2 + (fraction < 0.5 ? 0 : 1);
    for (let pad = 0; pad < PADS; pad++) {
      const samples = cells.subarray(row * PADS * BINS + pad * BINS, row * PADS * BINS + (pad + 1) * BINS);
      for (let bin = 0; bin < BINS; bin++) {
        const expected = Math.abs(bin - top) > 4 ? 0 : Math.exp(-0.5 * ((bin - top) / 0.80686) ** 2);
        near(
          samples[bin],
          samples[top] * expected,
          1e-4 * samples[top],
          `row ${row}, pad ${pad}, bin ${bin}`,
        );
      }
    }
  }
});

test("outer rows see half as much again", () => {
  const total = (row: number) => run(3000, { pad_row: row }).cells.reduce((s, a) => s + Math.min(a, 200), 0);
  const ratio = total(40) / total(10);
  assert.ok(ratio > 1.35 && ratio < 1.6, `ratio ${ratio}`);
  assert.equal(geometry.rowHeightCm(26), 1.2);
  assert.equal(geometry.rowHeightCm(27), 1.8);
});

test("a slow proton ionises more than a pion of the same momentum", () => {
  const electrons = (particle: string) =>
    run(500, { pt: 0.4 }, setup({ particle })).electrons.sort((a, b) => a - b)[250];
  // βγ = 0.426: β^-1.8 alone gives a factor of 4 over the minimum.
  assert.ok(electrons("proton") > 3.5 * electrons("pion"));
});

test("no knock-on electron has more energy than kinematics allows", () => {
  // 2 m_e (βγ)² for a proton with βγ = 0.2: 0.511 MeV × 2 × 0.04 = 40.9 keV, 1,160 pairs of 35.24 eV.
  near(largestCluster(0.2, particleMass.proton), 1160, 5, "electrons");
});

test("a setup without a condition, or with an unknown particle, is refused by name", () => {
  const { drift_velocity: _, ...without } = conditions;
  assert.throws(() => createTpc(setup({}, { conditions: without })), {
    code: "missing_condition",
    field: "drift_velocity",
  });
  assert.throws(() => createTpc(setup({ particle: "muton" })), { code: "invalid_label", field: "particle" });
});
