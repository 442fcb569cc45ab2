// The family of the tiny bundle, as a family.yaml.

import { tinyColumns } from "./tinyBundle.ts";

/** `conditions`: entries of the YAML map, indented by two; `integers`: inputs that are whole numbers. */
export function tinyFamilyYaml(conditions: string, integers: string[] = []): string {
  const inputs = tinyColumns.map(
    ({ name, unit, low, high }) =>
      `  - { name: ${name}, description: ${name}, unit: "${unit}", low: ${low}, high: ${high}, integer: ${integers.includes(name)} }`,
  );
  return `schema: driftline-family/1
name: test.tiny
version: 1
title: Tiny
description: A family for tests, with a model that runs
conditions:
${conditions}
software:
  simulator: { description: What made the responses, nominal: tiny/1 }
inputs:
${inputs.join("\n")}
output:
  name: response
  unit: ADC
  axes:
    - { name: pad, size: 8, coordinate: pad_coordinate, first: -3 }
    - { name: time, size: 16, coordinate: drift_length, first: -7 }
data:
  rows: 1000
  split: { train: 0.6, validation: 0.1, test: 0.3 }
  files:
    tree: responses
    inputs: { ${tinyColumns.map(({ name }) => `${name}: ${name}`).join(", ")} }
    output: { pad: ipad, time: itime, amplitude: amp }
training: { trainer: driftline, model: energy-score, seed: 1, threads: 1 }
validation: { rows: 100, gates: [{ metric: wasserstein, maximum: 0.5 }] }
`;
}
