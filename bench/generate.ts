// Time a response on one core: a bundle's generator at batch 256, noise included, beside the base simulator in the same run.
//
//   node bench/generate.ts BUNDLE_DIRECTORY [responses] [repeats]

import { cpus, loadavg } from "node:os";
import { loadGenerator } from "@driftline/client/generator";
import { loadConfiguration } from "../packages/driftline/src/config/configuration.ts";
import { loadFamilies } from "../packages/driftline/src/family/loadFamily.ts";
import { drawInputs, respondHere } from "../packages/driftline/src/simulation/simulate.ts";

const [directory, responsesText = "50000", repeatsText = "5"] = process.argv.slice(2);
if (directory === undefined) {
  console.error("usage: node bench/generate.ts BUNDLE_DIRECTORY [responses] [repeats]");
  process.exit(2);
}
const rows = Number(responsesText);
const simulated = Math.ceil(rows / 10);
const generator = await loadGenerator(directory, { threads: 1 });
const { manifest } = generator;
const family = loadFamilies(loadConfiguration().families).get(manifest.family);
if (!family?.data.simulator) throw new Error(`${manifest.family} has no base simulator here`);
const { simulator } = family.data;
const features = drawInputs(family.inputs, rows, 1);
const ids = BigInt64Array.from({ length: simulated }, (_, i) => BigInt(i));

const model: number[] = [];
const base: number[] = [];
await generator.generate({ features: features.subarray(0, 256 * family.inputs.length), rows: 256, seed: 1 });
for (let repeat = 0; repeat < Number(repeatsText); repeat++) {
  model.push(
    await microseconds(rows, () => generator.generate({ features, rows, seed: repeat, onOutside: () => {} })),
  );
  base.push(
    await microseconds(simulated, () =>
      respondHere({
        simulator,
        conditions: manifest.conditions,
        inputs: family.inputs,
        output: family.output,
        saturation: family.output.saturation,
        features: features.subarray(0, simulated * family.inputs.length),
        ids,
        seed: repeat,
      }),
    ),
  );
}
await generator.close();

console.log(`Node ${process.version}, ${cpus()[0].model}, load ${loadavg()[0].toFixed(1)}, one thread`);
console.log("| what | responses | µs a response, median (range) |");
console.log("| --- | --- | --- |");
console.log(`| generator, batch 256, noise included | ${rows} | ${spread(model)} |`);
console.log(`| base simulator | ${simulated} | ${spread(base)} |`);
console.log(`The simulator takes ${(median(base) / median(model)).toFixed(1)} times as long.`);

async function microseconds(count: number, run: () => unknown): Promise<number> {
  const started = performance.now();
  await run();
  return ((performance.now() - started) * 1000) / count;
}

function median(values: number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1];
}

function spread(values: number[]): string {
  return `${median(values).toFixed(2)} (${Math.min(...values).toFixed(2)} to ${Math.max(...values).toFixed(2)})`;
}
