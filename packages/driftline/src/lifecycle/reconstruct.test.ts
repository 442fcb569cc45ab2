// Reconstruction with the base simulator: it agrees with itself, and a generator whose widths are off by 10 % is refused.

import assert from "node:assert/strict";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { loadFamily } from "../family/loadFamily.ts";
import { canonicalQuestion } from "../family/question.ts";
import type { ResponseBatch } from "../family/responses.ts";
import { geometry } from "../simulation/tpc.ts";
import { chamber, rowCount, rowHeightCm } from "../validation/reconstruction/chamber.ts";
import { findClusters } from "../validation/reconstruction/clusters.ts";
import { neighbourOf, overlay, planeOf, writeInputs } from "../validation/reconstruction/planes.ts";
import type { Crossing } from "../validation/reconstruction/tracks.ts";
import type { Reconstruction } from "../validation/reconstruction/validateReconstruction.ts";
import type { Generate } from "../validation/sample.ts";
import { stretch } from "../validation/stretch.ts";
import { baseSimulator } from "./baseSimulator.ts";
import { inputRanges } from "./inputRanges.ts";
import { reconstruct } from "./reconstruct.ts";

const family = loadFamily(join(import.meta.dirname, "../../../../families/mpd.tpc/family.yaml"));
const question = canonicalQuestion(family, { conditions: {}, software: {} });
const seed = 1000;
const policy = { ...family.validation.reconstruction!, tracks: 420 };
const [{ size: pads }, { size: bins }] = family.output.axes;
const none: ResponseBatch = {
  rows: 0,
  features: new Float32Array(),
  responses: new Float32Array(),
  ids: new BigInt64Array(),
};

/** The same draws serve several tests: simulating them takes most of the time. */
const drawn = new Map<number, Promise<Float32Array>>();
const simulate: Generate = (features, rows, draw) => {
  const found = drawn.get(draw) ?? simulatorOf(new AbortController().signal)(features, rows, draw);
  drawn.set(draw, found);
  return found.then((responses) => responses.slice());
};

function simulatorOf(signal: AbortSignal): Generate {
  const simulator = baseSimulator({
    family,
    simulator: family.data.simulator!,
    question,
    saturation: family.output.saturation,
    threads: 2,
    signal,
  });
  return (features, rows, draw) => simulator.respond(features, rows, seed + draw);
}

function run(
  generate: Generate,
  change: Partial<Parameters<typeof reconstruct>[0]> = {},
  simulator: Generate | undefined = simulate,
  onProgress: (fraction: number, message: string) => void = () => {},
): Promise<Reconstruction> {
  const request = {
    family,
    question,
    recipe: { data: { threshold: 1 } } as Parameters<typeof reconstruct>[0]["recipe"],
    test: none,
    covered: inputRanges(family, null),
    seed,
    signal: new AbortController().signal,
    ...change,
  };
  return reconstruct(request, policy, generate, simulator, onProgress);
}

/** Responses whose profiles in time and along the pads are stretched about their means. */
function stretched(factor: number): Generate {
  return async (features, rows, draw) => {
    const sample = { events: rows, draws: 1, features, responses: await simulate(features, rows, draw) };
    const inTime = stretch(sample, factor, family.output, 1).responses;
    const [padAxis, timeAxis] = family.output.axes;
    const turned = { ...family.output, axes: [timeAxis, padAxis] as [typeof timeAxis, typeof padAxis] };
    const inPads = stretch({ ...sample, responses: transposed(inTime, pads, bins) }, factor, turned, 1);
    return transposed(inPads.responses, bins, pads);
  };
}

function transposed(images: Float32Array, height: number, width: number): Float32Array {
  const out = new Float32Array(images.length);
  for (let k = 0; k < images.length; k++) {
    const [image, cell] = [Math.floor(k / (height * width)), k % (height * width)];
    out[image * height * width + (cell % width) * height + Math.floor(cell / width)] = images[k];
  }
  return out;
}

test("the geometry is the simulator's", () => {
  assert.equal(chamber.padWidthCm, geometry.padWidthCm);
  for (let row = 0; row < rowCount; row++) assert.equal(rowHeightCm(row), geometry.rowHeightCm(row));
  assert.equal(rowCount, 53);
});

describe("tracks of the base simulator", () => {
  let itself: Reconstruction;
  const progress: number[] = [];
  before(async () => {
    itself = await run(simulate, {}, simulate, (fraction) => progress.push(fraction));
  });

  // The gate's intervals hold together in 95 of 100 validations, and the limits add 5 %: a false alarm in fewer than 1 of
  // 100 seeds.
  test("the simulator against itself passes every gate", () => {
    assert.deepEqual(itself.notes, []);
    assert.deepEqual(
      itself.gates.filter(({ passed }) => !passed),
      [],
    );
    const gated = new Set(itself.gates.map(({ metric }) => metric));
    for (const name of ["dca_xy", "dca_z", "pt", "azimuth", "dip", "dedx", "hit_pad", "time_width"]) {
      assert.ok(gated.has(`ratio_${name}`), name);
    }
    assert.ok(itself.tracks && itself.tracks.used === 420 && itself.tracks.drawn > 420);
    assert.ok(itself.tracks.hits.model > 0.99 * itself.tracks.crossings);
    assert.ok(itself.tracks.crossings > 20 * 420);
    assert.deepEqual(itself.tracks.fitted, { simulator: 420, model: 420 });
    // Floor and ratio are two draws of the same kind: hits are many, so both are 1 within 4 %.
    for (const figure of itself.figures.filter(({ bin }) => bin.startsWith("rows of"))) {
      assert.ok(Math.abs(figure.ratio - 1) < 0.04 && Math.abs(figure.floor! - 1) < 0.04, figure.quantity);
    }
  });

  test("resolutions are those that the hits' errors lead to", () => {
    const of = (quantity: string, bin: string) =>
      itself.figures.find((figure) => figure.quantity === quantity && figure.bin.startsWith(bin))!;
    // A hit is known to 0.3 to 0.5 mm along the row, 0.8 to 1.2 mm along the drift: diffusion over √(some 30 electrons).
    const hit = of("hit_pad", "rows of 12").simulator.width;
    assert.ok(hit > 0.3 && hit < 0.5, `${hit} mm`);
    // Momentum: Gluckstern with 45 points over 75 cm at 1.7 GeV/c and 0.5 T gives 2.3 % for 0.4 mm.
    const pt = of("pt", "pT 1.36").simulator.width;
    assert.ok(pt > 1.4 && pt < 4.6, `${pt} %`);
    assert.ok(of("dca_xy", "pT 0.2").simulator.width > of("dca_xy", "pT 1.36").simulator.width);
  });

  test("progress rises to 1", () => {
    assert.deepEqual(
      progress,
      [...progress].sort((a, b) => a - b),
    );
    assert.equal(progress.at(-1), 1);
  });

  test("widths off by 10 % are refused, wide or narrow: by the clusters' widths", async () => {
    for (const factor of [1.1, 0.9]) {
      const { gates } = await run(stretched(factor));
      const failed = gates.filter(({ passed }) => !passed).map(({ metric }) => metric);
      for (const name of ["ratio_time_width", "ratio_pad_width"]) {
        assert.ok(failed.includes(name), `${factor}: ${failed}`);
      }
    }
  });

  test("hits that jitter by 0.3 mm more are refused by their residuals, and the tracks' resolutions follow", async () => {
    // Responses moved by whole pads would be found by anyone; here charge is moved between neighbouring pads.
    const jittered: Generate = async (features, rows, draw) => {
      const responses = await simulate(features, rows, draw);
      const width = pads * bins;
      for (let k = 0; k < rows; k++) {
        const share = 0.12 * Math.sin(k * 12.9898);
        const image = responses.subarray(k * width, (k + 1) * width);
        const moved = image.map((a, c) => {
          const from = share > 0 ? image[c - bins] : image[c + bins];
          return (1 - Math.abs(share)) * a + Math.abs(share) * (from ?? 0);
        });
        image.set(moved);
      }
      return responses;
    };
    const { gates, figures } = await run(jittered);
    assert.equal(gates.find(({ metric }) => metric === "ratio_hit_pad")?.passed, false);
    const all = figures.find(({ quantity, by }) => quantity === "dca_xy" && by === "all")!;
    assert.ok(all.ratio > 1.05, `${all.ratio}`);
  });
});

test("two tracks in one row are two clusters from 3 pads or 6 time bins on, one at the same place", async () => {
  const at: Crossing = { sector: 0, row: 10, side: 1, crossing: 0.05, dip: 0.2, pad: 20.4, drift: 160.3 };
  const rows = 200;
  const share = async (moved: [pads: number, bins: number]) => {
    const neighbour = neighbourOf(at, ...moved, 0.55)!;
    const features = new Float32Array(rows * 2 * 6);
    const placed = Array.from({ length: 2 * rows }, (_, k) =>
      writeInputs(
        k % 2 === 0 ? at : neighbour,
        1,
        [0, 1, 2, 3, 4, 5],
        { low: 27, high: 42 },
        family.output,
        features,
        6 * k,
      ),
    );
    const responses = await simulatorOf(new AbortController().signal)(features, 2 * rows, 0);
    const found = Array.from({ length: rows }, (_, k) => {
      const plane = (of: number) => {
        const response = responses.slice(of * pads * bins, (of + 1) * pads * bins);
        return planeOf(response, placed[of], at.row, family.output, 1);
      };
      return findClusters(overlay([plane(2 * k), plane(2 * k + 1)], family.output.saturation)).length;
    });
    return found.filter((n) => n === 2).length / rows;
  };
  for (const apart of [
    [3, 0],
    [0, 6],
    [4, 4],
  ] as const) {
    const both = await share([...apart]);
    assert.ok(both > 0.95, `${apart}: ${both}`);
  }
  assert.ok((await share([0.5, 1])) < 0.05);
});

test("a model whose inputs cover one pad row is compared by hits, and the report says what is missing", async () => {
  const rows = 600;
  const signal = new AbortController().signal;
  const oneRow = { ...family, inputs: family.inputs.map((input) => ({ ...input })) };
  oneRow.inputs[4] = { ...oneRow.inputs[4], low: 23, high: 24 };
  oneRow.inputs[5] = { ...oneRow.inputs[5], low: 0.478, high: 0.4781 };
  const truth = await baseSimulator({
    family: oneRow,
    simulator: family.data.simulator!,
    question,
    saturation: null,
    threads: 1,
    signal,
  }).simulate(rows, 5);
  const covered = {
    ...inputRanges(family, null),
    pad_row: { low: 23, high: 23 },
    pt: { low: 0.478, high: 0.478 },
  };
  const found = await run(
    (features, n, draw) => simulatorOf(signal)(features, n, draw),
    { test: truth, covered },
    undefined,
  );
  assert.equal(found.tracks, null);
  assert.deepEqual(found.gates, []);
  assert.match(found.notes.join(" "), /inputs cover pad row 23 only/);
  assert.match(found.notes.join(" "), /pT 0.478 to 0.478 GeV\/c only/);
  const hit = found.figures.find(({ quantity, bin }) => quantity === "hit_pad" && bin === "rows of 12 mm")!;
  assert.equal(hit.count, rows);
  assert.ok(Math.abs(hit.ratio - 1) < 0.2, `${hit.ratio}`);
});

test("cancelling ends it within 2 seconds", async () => {
  const controller = new AbortController();
  const signal = controller.signal;
  let asked = 0;
  const running = run(simulatorOf(signal), { signal }, simulatorOf(signal), () => {
    if (asked > 0) return;
    asked = performance.now();
    setImmediate(() => controller.abort());
  });
  await assert.rejects(running, { code: "cancelled" });
  assert.ok(performance.now() - asked < 2000);
});
