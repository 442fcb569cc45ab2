// What no schema can say about a family.yaml as a whole: names that must exist elsewhere in it, parts that need others.

import type { z } from "zod";
import {
  checkLabel,
  checkQuantity,
  checkSoftware,
  checkUnit,
  type Report,
  type SourceOf,
} from "./conditionChecks.ts";
import { nearestName } from "./nearestName.ts";
import * as schema from "./schema.ts";
import { conditionSchema, type Finding } from "./schemaProblems.ts";
import { tpcInputs } from "./tpcInputs.ts";

/** Checks every part whose own fields follow the schema, so that one mistake does not hide another. */
export function crossChecks(data: unknown, sourceOf: SourceOf): Finding[] {
  const found: Finding[] = [];
  const report: Report = (path, message, remedy, name) => found.push({ path, message, remedy, name });
  const file = record(data);
  const conditions = record(file.conditions);
  for (const [name, value] of Object.entries(conditions)) {
    const label = schema.labelCondition.safeParse(value).data;
    if (label) checkLabel(["conditions", name], label, report);
    else if (conditionSchema(value) === schema.quantityCondition) {
      checkQuantity(["conditions", name], record(value), sourceOf, report);
    }
  }
  for (const [name, value] of Object.entries(record(file.software))) {
    const component = schema.softwareComponent.safeParse(value).data;
    if (component) checkSoftware(name, component.nominal ?? null, report);
  }
  const inputs = list(file.inputs).map((value) => schema.inputFeature.safeParse(value).data);
  checkInputs(inputs, file, report);
  checkOutput(file.output, inputNames(file.inputs), conditions, report);
  checkData(file, report);
  checkGates(["validation", "gates"], record(file.validation).gates, report);
  checkGates(["validation", "domain", "gates"], record(record(file.validation).domain).gates, report);
  checkReconstruction(file, conditions, report);
  return found;
}

/** What the reconstruction of tracks in a time projection chamber works from: inputs, and conditions with their units. */
export const tpcNeeds = {
  inputs: tpcInputs,
  conditions: {
    magnetic_field: "T",
    drift_velocity: "cm/us",
    sampling_period: "ns",
    transverse_diffusion: "um/sqrt(cm)",
    longitudinal_diffusion: "um/sqrt(cm)",
  },
  axes: ["pad_coordinate", "drift_length"],
} as const;

function checkReconstruction(
  file: Record<string, unknown>,
  conditions: Record<string, unknown>,
  report: Report,
): void {
  const reconstruction = record(record(file.validation).reconstruction);
  if (reconstruction.detector !== "tpc") return;
  const path = ["validation", "reconstruction"];
  for (const name of ["pt", "dip"]) {
    const { low, high } = record(reconstruction[name]);
    if (typeof low === "number" && typeof high === "number" && low >= high)
      report([...path, name, "low"], "is not below high", "Exchange the two.");
  }
  const at = [...path, "detector"];
  const inputs = inputNames(file.inputs);
  const missing = tpcNeeds.inputs.filter((name) => !inputs.includes(name));
  if (missing.length > 0) {
    report(
      at,
      `is tpc, which needs the inputs ${missing.join(", ")}`,
      "Declare them, or leave validation.reconstruction out.",
    );
  }
  for (const [name, unit] of Object.entries(tpcNeeds.conditions)) {
    if (record(conditions[name]).unit === unit) continue;
    report(
      at,
      `is tpc, which needs the condition ${name} in ${unit}`,
      "Declare it so, or leave validation.reconstruction out.",
    );
  }
  const axes = list(record(file.output).axes).map((axis) => record(axis).coordinate);
  if (axes.join() !== tpcNeeds.axes.join()) {
    report(
      at,
      `is tpc, whose output's axes are counted from ${tpcNeeds.axes.join(" and ")}`,
      "Order the axes so, or leave validation.reconstruction out.",
    );
  }
}

function checkInputs(
  inputs: (z.output<typeof schema.inputFeature> | undefined)[],
  file: Record<string, unknown>,
  report: Report,
): void {
  const seen = new Set<string>();
  for (const [i, input] of inputs.entries()) {
    if (!input) continue;
    checkUnit(["inputs", i, "unit"], input.unit, report);
    if (input.low >= input.high) report(["inputs", i, "low"], "is not below high", "Exchange the two.");
    if (seen.has(input.name)) report(["inputs", i, "name"], "is there twice", "Rename one of the two.");
    seen.add(input.name);
    if (Object.hasOwn(record(file.conditions), input.name)) {
      report(
        ["inputs", i, "name"],
        "is a condition too",
        "What varies from row to row is an input, what selects a model a condition: keep one.",
      );
    }
  }
  for (const name of Object.keys(record(file.software))) {
    if (Object.hasOwn(record(file.conditions), name)) {
      report(
        ["software", name],
        "is a condition too",
        "Rename one of the two: answers list them together.",
        true,
      );
    }
  }
}

function checkOutput(
  value: unknown,
  inputs: string[],
  conditions: Record<string, unknown>,
  report: Report,
): void {
  const output = record(value);
  if (typeof output.unit === "string") checkUnit(["output", "unit"], output.unit, report);
  const axes = list(output.axes).map(record);
  for (const [i, axis] of axes.entries()) {
    if (typeof axis.coordinate === "string" && !inputs.includes(axis.coordinate)) {
      report(
        ["output", "axes", i, "coordinate"],
        `is ${JSON.stringify(axis.coordinate)}, no input`,
        choose(axis.coordinate, inputs),
      );
    }
    if (axis.name === "amplitude" || (i > 0 && axis.name === axes[0].name)) {
      report(
        ["output", "axes", i, "name"],
        axis.name === "amplitude" ? "is what the cells hold" : "is there twice",
        "Rename the axis.",
      );
    }
  }
  for (const field of ["threshold", "noise"]) {
    const name = output[field];
    if (typeof name !== "string") continue;
    const condition = Object.hasOwn(conditions, name) ? record(conditions[name]) : {};
    const quantities = Object.keys(conditions).filter((key) => "unit" in record(conditions[key]));
    if (!("unit" in condition)) {
      report(
        ["output", field],
        `is ${JSON.stringify(name)}, no quantity among the conditions`,
        choose(name, quantities),
      );
    } else if (
      [condition.unit, output.unit].every((unit) => typeof unit === "string") &&
      condition.unit !== output.unit
    ) {
      report(
        ["output", field],
        `is in ${condition.unit}, the amplitudes in ${output.unit}`,
        "Give both the same unit.",
      );
    }
  }
}

function checkData(file: Record<string, unknown>, report: Report): void {
  const data = record(file.data);
  const { train, validation, test } = record(data.split);
  if (typeof train === "number" && typeof validation === "number" && typeof test === "number") {
    const sum = train + validation + test;
    if (Math.abs(sum - 1) > 1e-9)
      report(
        ["data", "split"],
        `adds up to ${Number(sum.toPrecision(9))}`,
        "Make the fractions add up to 1.",
      );
    if (train === 0 || test === 0)
      report(["data", "split"], "leaves nothing to train or to test on", "Give each a fraction above 0.");
  }
  const files = schema.files.nullish().safeParse(data.files);
  const simulator = schema.simulator.nullish().safeParse(data.simulator);
  if ("data" in file && files.success && simulator.success && !files.data && !simulator.data) {
    report(["data"], "has neither simulator nor files", "Say where responses come from.");
  }
  const { command, format } = simulator.data ?? { command: null, format: null };
  if (command && !format)
    report(["data", "simulator", "command"], "has no format beside it", "Add format: root or parquet.");
  if (format && !command)
    report(["data", "simulator", "format"], "has no command beside it", "Add the command, or remove format.");
  if (command && files.success && !files.data) {
    report(
      ["data", "simulator", "command"],
      "writes a file that nothing maps",
      "Add data.files with its branches.",
    );
  }
  if (!files.data) return;
  const axes = list(record(file.output).axes).map((axis) => record(axis).name);
  const wanted = {
    inputs: inputNames(file.inputs),
    output: [...axes.filter((name) => typeof name === "string"), "amplitude"],
  };
  for (const part of ["inputs", "output"] as const) {
    const missing = wanted[part].filter((name) => !Object.hasOwn(files.data?.[part] ?? {}, name));
    if (missing.length > 0)
      report(["data", "files", part], `does not map ${missing.join(", ")}`, "Name a branch for each.");
    for (const name of Object.keys(files.data[part])) {
      if (!wanted[part].includes(name))
        report(["data", "files", part, name], "is nothing that is read", choose(name, wanted[part]), true);
    }
  }
}

function checkGates(path: Finding["path"], value: unknown, report: Report): void {
  for (const [i, item] of list(value).entries()) {
    const gate = schema.gate.safeParse(item).data;
    if (!gate) continue;
    const { minimum, maximum } = gate;
    if (minimum === undefined && maximum === undefined) {
      report([...path, i], "has neither minimum nor maximum", "Give one of them, or both.");
    } else if (minimum !== undefined && maximum !== undefined && minimum > maximum) {
      report([...path, i, "minimum"], "is above maximum", "Exchange the two.");
    }
  }
}

function choose(given: string, names: string[]): string {
  const nearest = nearestName(given, names);
  return `${nearest ? `Did you mean ${nearest}? ` : ""}Choose one of ${names.join(", ") || "(there is none)"}.`;
}

function inputNames(inputs: unknown): string[] {
  return list(inputs).flatMap((input) => {
    const { name } = record(input);
    return typeof name === "string" ? [name] : [];
  });
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
