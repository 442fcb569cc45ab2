// What tests share that need a family: values for all that a test doesn't ask about.

import type { Family, InputFeature, OutputImage } from "./family.ts";

/** A family with no conditions, software, inputs or gates but those given. */
export function makeFamily(given: Pick<Family, "name"> & Partial<Family>): Family {
  return {
    version: 1,
    title: "",
    description: "",
    conditions: [],
    software: [],
    inputs: [],
    output: padsAndTimeBins,
    data: { rows: 1, split: { train: 0.7, validation: 0.05, test: 0.25 }, simulator: null, files: null },
    training: {
      trainer: "driftline",
      model: "test",
      seed: 1,
      threads: 1,
      hyperparameters: {},
      warmStart: "none",
    },
    validation: { rows: 1, gates: [], domain: null, reconstruction: null },
    source: "testing.ts",
    ...given,
  };
}

export function makeImage(axes: OutputImage["axes"]): OutputImage {
  return { name: "response", unit: "ADC", axes, threshold: null, noise: null, saturation: null };
}

/** 8 pads × 16 time bins, as mpd.tpc has them. */
export const padsAndTimeBins = makeImage([
  { name: "pad", size: 8, coordinate: "pad_coordinate", first: -3 },
  { name: "time", size: 16, coordinate: "drift_length", first: -7 },
]);

export function makeInput(name: string, unit: string, low: number, high: number): InputFeature {
  return { name, description: name, unit, low, high, integer: false };
}
