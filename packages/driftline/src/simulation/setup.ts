// What a base simulator is given and gives: the setup that determines its responses, and one row's responder.

import { fail } from "../errors/registry.ts";
import type { ConditionValues, OutputImage } from "../family/family.ts";

/** Everything that determines responses besides inputs and event number: plain data, sent to workers. */
export interface SimulatorSetup {
  simulator: string;
  conditions: ConditionValues;
  /** Names of the inputs in the order of the columns. */
  inputs: string[];
  output: OutputImage;
  /** Largest amplitude; null for none. */
  saturation: number | null;
  seed: number;
}

/**
 * Simulates one row: writes the response at `out[outOffset]…` for the inputs at `features[offset]…` and the event
 * number (lower and upper 32 bits). Gives the number of ionisation electrons that it followed.
 */
export type Responder = (
  eventLow: number,
  eventHigh: number,
  features: Float32Array,
  offset: number,
  out: Float32Array,
  outOffset: number,
) => number;

/** The value of a condition as a number. Error: `missing_condition`. */
export function numberOf(setup: SimulatorSetup, name: string): number {
  const value = Number(labelOf(setup, name));
  if (!Number.isFinite(value)) {
    throw fail("invalid_quantity", `Condition ${name} is ${setup.conditions[name]}, not a number`, {
      field: name,
    });
  }
  return value;
}

/** The value of a condition as text. Error: `missing_condition`. */
export function labelOf(setup: SimulatorSetup, name: string): string {
  const value = setup.conditions[name];
  if (value === undefined) {
    throw fail("missing_condition", `Simulator ${setup.simulator} needs the condition ${name}`, {
      field: name,
      remedy: `Give ${name}, or a nominal value in the family`,
    });
  }
  return value;
}
