// What the validation of reconstruction sees of known faults: the simulator against itself, with widths or diffusion off.
//
//   node bench/reconstruction.ts [TRACKS]     (default 700; some two minutes)

import { join } from "node:path";
import { loadFamily } from "../packages/driftline/src/family/loadFamily.ts";
import { canonicalQuestion } from "../packages/driftline/src/family/question.ts";
import { baseSimulator } from "../packages/driftline/src/lifecycle/baseSimulator.ts";
import { inputRanges } from "../packages/driftline/src/lifecycle/inputRanges.ts";
import { reconstruct } from "../packages/driftline/src/lifecycle/reconstruct.ts";
import type { Generate } from "../packages/driftline/src/validation/sample.ts";
import { stretch } from "../packages/driftline/src/validation/stretch.ts";

const family = loadFamily(join(import.meta.dirname, "../families/mpd.tpc/family.yaml"));
const policy = { ...family.validation.reconstruction!, tracks: Number(process.argv[2] ?? 700) };
const [padAxis, timeAxis] = family.output.axes;
const signal = new AbortController().signal;
const seed = 9;

const questionAt = (conditions: Record<string, string>) =>
  canonicalQuestion(family, { conditions, software: {} });

function simulatorAt(conditions: Record<string, string>): Generate {
  const simulator = baseSimulator({
    family,
    simulator: family.data.simulator!,
    question: questionAt(conditions),
    saturation: family.output.saturation,
    threads: 2,
    signal,
  });
  return (features, rows, draw) => simulator.respond(features, rows, seed + draw);
}

const simulate = simulatorAt({});

function transposed(images: Float32Array, height: number, width: number): Float32Array {
  const cells = height * width;
  return images.map((_, k) => {
    const [first, at] = [k - (k % cells), k % cells];
    return images[first + (at % height) * width + Math.floor(at / height)];
  });
}

/** The simulator's responses with profiles stretched about their means. */
function stretched(pads: number, times: number): Generate {
  const turned = { ...family.output, axes: [timeAxis, padAxis] as [typeof timeAxis, typeof padAxis] };
  return async (features, rows, draw) => {
    const sample = { events: rows, draws: 1, features, responses: await simulate(features, rows, draw) };
    const inTime = times === 1 ? sample : stretch(sample, times, family.output, 1);
    if (pads === 1) return inTime.responses;
    const responses = transposed(inTime.responses, padAxis.size, timeAxis.size);
    return transposed(
      stretch({ ...sample, responses }, pads, turned, 1).responses,
      timeAxis.size,
      padAxis.size,
    );
  };
}

const faults: [name: string, generate: Generate][] = [
  ["profiles +10 % in pads and time", stretched(1.1, 1.1)],
  ["profiles −10 % in pads and time", stretched(0.9, 0.9)],
  ["profiles +10 % in time", stretched(1, 1.1)],
  ["profiles +10 % in pads", stretched(1.1, 1)],
  ["transverse diffusion +10 %", simulatorAt({ transverse_diffusion: "204" })],
  ["both diffusions +10 %", simulatorAt({ transverse_diffusion: "204", longitudinal_diffusion: "352" })],
  ["transverse diffusion +25 %", simulatorAt({ transverse_diffusion: "231" })],
];
const shown = [
  ["pad_width", "rows of 12"],
  ["time_width", "rows of 12"],
  ["hit_pad", "rows of 12"],
  ["hit_drift", "rows of 12"],
  ["dca_xy", "all"],
  ["dca_z", "all"],
  ["pt", "all"],
];
console.log(`| fault | ${shown.map(([quantity]) => quantity).join(" | ")} | refused by |`);
console.log(`| --- |${" --- |".repeat(shown.length + 1)}`);
for (const [name, generate] of faults) {
  const request = {
    family,
    question: questionAt({}),
    recipe: { data: { threshold: 1 } } as Parameters<typeof reconstruct>[0]["recipe"],
    test: {
      rows: 0,
      features: new Float32Array(),
      responses: new Float32Array(),
      ids: new BigInt64Array(),
    },
    covered: inputRanges(family, null),
    seed,
    signal,
  };
  const { figures, gates } = await reconstruct(request, policy, generate, simulate, () => {});
  const ratios = shown.map(([quantity, bin]) => {
    const found = figures.find((figure) => figure.quantity === quantity && figure.bin.startsWith(bin))!;
    return found.ratio.toFixed(3);
  });
  const refused = gates.filter(({ passed }) => !passed).map(({ metric }) => metric.replace("ratio_", ""));
  console.log(`| ${name} | ${ratios.join(" | ")} | ${refused.join(", ") || "none"} |`);
}
