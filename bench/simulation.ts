// The simulator's speed: µs per ionisation electron and per response, on one thread and two. node bench/simulation.ts
//
// The time of one thread is of the simulator itself, in this process; that of two is of `respond` with all it does:
// starting threads, handing out rows, collecting. Responses are drawn over the whole domain of mpd.tpc at nominal
// conditions. Processor time is what an electron costs a core, whatever else runs on the machine; elapsed time is what a user
// waits, and needs a quiet machine.

import { cpus } from "node:os";
import { join } from "node:path";
import { loadFamily } from "../packages/driftline/src/family/loadFamily.ts";
import { drawInputs, respond } from "../packages/driftline/src/simulation/simulate.ts";
import { createResponder } from "../packages/driftline/src/simulation/simulators.ts";

const ROWS = 20_000;
const REPEATS = 5;

const family = loadFamily(join(import.meta.dirname, "../families/mpd.tpc/family.yaml"));
const { inputs, output } = family;
const conditions = Object.fromEntries(family.conditions.map(({ name, nominal }) => [name, nominal ?? ""]));
const simulator = family.data.simulator!;
const names = inputs.map(({ name }) => name);
const responder = createResponder({
  simulator: simulator.name,
  conditions,
  inputs: names,
  output,
  saturation: output.saturation,
  seed: 1,
});
const features = drawInputs(inputs, ROWS, 1);
const ids = BigInt64Array.from({ length: ROWS }, (_, i) => BigInt(i));
const cells = output.axes[0].size * output.axes[1].size;
const out = new Float32Array(ROWS * cells);

function simulateHere(): number {
  let electrons = 0;
  for (let row = 0; row < ROWS; row++) {
    electrons += responder(row, 0, features, row * inputs.length, out, row * cells);
  }
  return electrons;
}

/** Median and range of repeated times. */
function show(times: number[], divisor: number, unit: string): string {
  const values = times.map((ms) => (ms * 1000) / divisor).sort((a, b) => a - b);
  const format = (v: number) => v.toPrecision(3);
  return `${format(values[REPEATS >> 1])} ${unit} (${format(values[0])} to ${format(values[REPEATS - 1])})`;
}

interface Times {
  processor: number[];
  elapsed: number[];
}

/** Runs once and notes milliseconds. */
async function note(times: Times, run: () => unknown): Promise<void> {
  const used = process.cpuUsage();
  const started = performance.now();
  await run();
  times.elapsed.push(performance.now() - started);
  const { user, system } = process.cpuUsage(used);
  times.processor.push((user + system) / 1000);
}

const electrons = simulateHere(); // warms up as well
const one: Times = { processor: [], elapsed: [] };
const two: Times = { processor: [], elapsed: [] };
for (let repeat = 0; repeat < REPEATS; repeat++) {
  await note(one, simulateHere);
  await note(two, () =>
    respond({ simulator, conditions, inputs, output, features, ids, seed: 1, threads: 2 }),
  );
}
console.log(
  `${process.version}, ${cpus().length} cores, ${cpus()[0].model.trim()}; ${ROWS} responses of ` +
    `${(electrons / ROWS).toFixed(0)} ionisation electrons; median of ${REPEATS} repeats (range)`,
);
for (const [name, times] of Object.entries({ "one thread": one, "two threads": two })) {
  for (const kind of ["processor", "elapsed"] as const) {
    const electron = show(times[kind], electrons, "µs per electron");
    console.log(`${name}, ${kind} time: ${electron}, ${show(times[kind], ROWS, "µs per response")}`);
  }
}
