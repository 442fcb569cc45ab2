// Simulated responses, on worker threads: the same to the bit for any number of threads.

import { eventWordPairs } from "@driftline/client/noise";
import { fail } from "../errors/registry.ts";
import type { ConditionValues, InputFeature, OutputImage, SimulatorSource } from "../family/family.ts";
import type { ResponseBatch } from "../family/responses.ts";
import { DONE, STOP, type WorkerTask } from "./control.ts";
import { respondExternally } from "./external.ts";
import { drawInputs } from "./inputs.ts";
import type { SimulatorSetup } from "./setup.ts";
import { createResponder, findSimulator } from "./simulators.ts";
import { runInThread } from "./threads.ts";

export { drawInputs };

export interface SimulationOptions {
  /** An embedded simulator by its name, or an external program. */
  simulator: SimulatorSource;
  conditions: ConditionValues;
  inputs: InputFeature[];
  output: OutputImage;
  seed: number;
  /** Largest amplitude, null for none; the output's if left out. */
  saturation?: number | null;
  /** Worker threads; 2 if left out. */
  threads?: number;
  /** Called with the fraction done, a few times a second. */
  onProgress?: (fraction: number, message: string | null) => void;
  signal?: AbortSignal;
  /** For an external program: named versions that go into its request. */
  software?: Record<string, string>;
  /** For an external program: reads the file that it wrote, rows in the file's order. */
  readResponses?: (file: string) => Promise<ResponseBatch>;
}

const PROGRESS_MS = 200;
/** Up to this many rows are done here: starting a thread costs 0.2 s, a row 50 µs. */
const INLINE_ROWS = 256;
/** A further thread is worth its start from this many rows on. */
const ROWS_PER_THREAD = 5000;

/**
 * A simulated dataset: inputs drawn in their domain, responses [rows, axis 0, axis 1], event numbers
 * `firstEvent`, `firstEvent + 1`, … as ids. Row i depends on the seed and its event number alone.
 * Errors: `simulator_failed`, `missing_condition`, `invalid_label`, `out_of_range`, `cancelled`.
 */
export async function simulate(
  options: SimulationOptions & { rows: number; firstEvent?: number },
): Promise<ResponseBatch> {
  const firstEvent = options.firstEvent ?? 0;
  const ids = BigInt64Array.from({ length: options.rows }, (_, i) => BigInt(firstEvent + i));
  const features = drawInputs(options.inputs, options.rows, options.seed, firstEvent);
  const responses = await respond({ ...options, features, ids });
  return { rows: options.rows, features, responses, ids };
}

/**
 * Responses [rows, axis 0, axis 1] at given inputs [rows, inputs]; the same inputs, id and seed give the same response.
 * Errors as `simulate`.
 */
export async function respond(
  options: SimulationOptions & { features: Float32Array; ids: BigInt64Array },
): Promise<Float32Array> {
  throwIfCancelled(options.signal);
  checkLengths(options);
  const rows = options.ids.length;
  if (options.simulator.command) return respondExternally(options);
  if (rows <= INLINE_ROWS) return respondHere(options);
  const setup = setupOf(options);
  createResponder(setup); // what is wrong with the setup is said here, not in every worker
  findSimulator(setup.simulator).check(setup.inputs, options.features);

  const task: WorkerTask = {
    setup,
    features: shared(Float32Array, options.features),
    events: shared(Uint32Array, eventWordPairs(options.ids)),
    responses: new Float32Array(new SharedArrayBuffer(rows * cellsOf(options.output) * 4)),
    control: new Int32Array(new SharedArrayBuffer(12)),
  };
  const stop = () => Atomics.store(task.control, STOP, 1);
  const report = () => options.onProgress?.(Atomics.load(task.control, DONE) / rows, null);
  const timer = options.onProgress && setInterval(report, PROGRESS_MS);
  options.signal?.addEventListener("abort", stop);
  try {
    const threads = Math.max(1, Math.min(options.threads ?? 2, Math.ceil(rows / ROWS_PER_THREAD)));
    const one = async () => {
      try {
        await runInThread(task);
      } catch (error) {
        stop(); // the others
        throw error;
      }
    };
    const ended = await Promise.allSettled(Array.from({ length: threads }, one));
    throwIfCancelled(options.signal);
    for (const result of ended) {
      if (result.status === "rejected") {
        const reason = result.reason instanceof Error ? result.reason.message : String(result.reason);
        throw fail("simulator_failed", `A thread of simulator ${options.simulator.name} ended: ${reason}`, {
          cause: result.reason,
        });
      }
    }
    report();
    return task.responses.slice();
  } finally {
    clearInterval(timer);
    options.signal?.removeEventListener("abort", stop);
  }
}

/** The same as `respond` in this thread, without waiting: for a few rows. */
export function respondHere(
  options: SimulationOptions & { features: Float32Array; ids: BigInt64Array },
): Float32Array {
  checkLengths(options);
  const setup = setupOf(options);
  const responder = createResponder(setup);
  findSimulator(setup.simulator).check(setup.inputs, options.features);
  const events = eventWordPairs(options.ids);
  const cells = cellsOf(options.output);
  const width = options.inputs.length;
  const responses = new Float32Array(options.ids.length * cells);
  for (let row = 0; row < options.ids.length; row++) {
    responder(events[2 * row], events[2 * row + 1], options.features, row * width, responses, row * cells);
  }
  return responses;
}

function setupOf(options: SimulationOptions): SimulatorSetup {
  const { name, version } = options.simulator;
  const embedded = findSimulator(name);
  if (embedded.version !== version) {
    throw fail(
      "simulator_failed",
      `The embedded simulator ${name} is version ${embedded.version}, not ${version}`,
      {
        field: "data.simulator.version",
        remedy: `Ask for ${name}/${embedded.version}, or use the release of Driftline that has ${name}/${version}`,
      },
    );
  }
  return {
    simulator: name,
    conditions: options.conditions,
    inputs: options.inputs.map((input) => input.name),
    output: options.output,
    saturation: options.saturation === undefined ? options.output.saturation : options.saturation,
    seed: options.seed,
  };
}

function checkLengths(options: SimulationOptions & { features: Float32Array; ids: BigInt64Array }): void {
  const [rows, width] = [options.ids.length, options.inputs.length];
  if (options.features.length !== rows * width) {
    throw fail(
      "invalid_data",
      `Simulating with ${options.simulator.name}: ${options.features.length} values of inputs for ${rows} rows of ${width}`,
      { field: "features" },
    );
  }
}

function cellsOf(output: OutputImage): number {
  return output.axes[0].size * output.axes[1].size;
}

function throwIfCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw fail("cancelled", "The simulation was cancelled");
}

function shared<T extends Float32Array | Uint32Array>(
  type: new (buffer: SharedArrayBuffer) => T,
  values: T,
): T {
  const copy = new type(new SharedArrayBuffer(values.byteLength));
  copy.set(values);
  return copy;
}
