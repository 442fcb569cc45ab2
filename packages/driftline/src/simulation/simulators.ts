// The embedded base simulators by name.

import { fail } from "../errors/registry.ts";
import { tpcInputs } from "../family/tpcInputs.ts";
import type { Responder, SimulatorSetup } from "./setup.ts";
import { checkTpcInputs, createTpc } from "./tpc.ts";

interface Simulator {
  /** Goes up when its responses change. */
  version: number;
  create: (setup: SimulatorSetup) => Responder;
  /** Inputs that it needs. */
  inputs: readonly string[];
  /** Throws `out_of_range` where inputs [rows, inputs] can't be simulated. */
  check: (inputs: string[], features: Float32Array) => void;
}

const simulators: Record<string, Simulator> = {
  "driftline-tpc": { version: 1, create: createTpc, inputs: tpcInputs, check: checkTpcInputs },
};

/** The embedded simulator of that name. Error: `simulator_failed`. */
export function findSimulator(name: string): Simulator {
  const simulator = Object.hasOwn(simulators, name) ? simulators[name] : undefined;
  if (!simulator) {
    throw fail("simulator_failed", `There is no embedded simulator "${name}"`, {
      field: "data.simulator.name",
      remedy: `Use one of ${Object.keys(simulators).join(", ")}, or give data.simulator.command for an external program`,
    });
  }
  return simulator;
}

/** Makes the simulator of `setup.simulator`. Errors: `simulator_failed` (unknown), `missing_condition`, `invalid_family`. */
export function createResponder(setup: SimulatorSetup): Responder {
  const simulator = findSimulator(setup.simulator);
  for (const name of simulator.inputs) {
    if (!setup.inputs.includes(name)) {
      throw fail(
        "invalid_family",
        `Simulator ${setup.simulator} needs the input ${name}, which the family has not`,
        {
          field: "inputs",
          remedy: `Declare the inputs ${simulator.inputs.join(", ")}`,
        },
      );
    }
  }
  return simulator.create(setup);
}
