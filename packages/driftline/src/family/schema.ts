// The schema of family.yaml in zod: what loadFamily checks, and what the JSON Schema for editors is made from.

import { z } from "zod";

const snakeCase = /^[a-z][a-z0-9_]*$/;
const name = z.string().max(64).regex(snakeCase, "must be in snake_case: a to z, 0 to 9 and _");
const line = z.string().min(1).max(200);
/** Kept as it is written in the file: 5.50 never becomes a binary floating-point number. */
const decimal = z.union([z.number(), z.string()]);
const unit = z.string().min(1).max(64);
const rows = z.int().min(1).max(1_000_000_000);

export const quantityCondition = z.strictObject({
  description: line.describe("What the condition is"),
  unit: unit.describe('Unit of the values below, such as cm/us or um/sqrt(cm); "1" for none'),
  nominal: decimal
    .nullable()
    .optional()
    .describe("Value taken where none is given; without it one must be given"),
  grid: decimal.describe("Values are rounded to multiples of this step"),
  tolerance: decimal.describe(
    "Largest difference at which a model may be tested and used; a multiple of grid, 0 for none",
  ),
  minimum: decimal.describe("Smallest allowed value"),
  maximum: decimal.describe("Largest allowed value"),
});

export const labelCondition = z.strictObject({
  description: line.describe("What the condition is"),
  values: z.array(line).min(1).optional().describe("Allowed words; any word where left out"),
  nominal: line
    .nullable()
    .optional()
    .describe("Word taken where none is given; without it one must be given"),
});

const condition = z.union([quantityCondition, labelCondition]);

export const softwareComponent = z.strictObject({
  description: line.describe("What the component is"),
  nominal: line.nullable().optional().describe("name/version taken where none is given"),
});

export const inputFeature = z.strictObject({
  name: name.describe("Name of the input"),
  description: line.describe("What the input is"),
  unit: unit.describe('Unit of the values; "1" for a number without a unit'),
  low: z.number().describe("Lower end of the domain that the simulator covers"),
  high: z.number().describe("Upper end of the domain that the simulator covers"),
  integer: z.boolean().default(false).describe("Whole numbers only, such as a pad row"),
});

export const outputAxis = z.strictObject({
  name: name.describe("Name of the axis"),
  size: z.int().min(1).max(4096).describe("Number of cells"),
  coordinate: name.describe("The input whose integer part the cells are counted from"),
  first: z.int().default(0).describe("Cell 0 holds number trunc(coordinate) + first"),
});

export const output = z.strictObject({
  name: name.describe("Name of the output tensor"),
  unit: unit.describe("Unit of the amplitudes"),
  axes: z.tuple([outputAxis, outputAxis]).describe("The two axes of the image, slow one first"),
  threshold: name.nullable().default(null).describe("Condition below whose value amplitudes count as zero"),
  noise: name
    .nullable()
    .default(null)
    .describe("Condition that is the standard deviation of the noise in each cell"),
  saturation: z.number().positive().nullable().default(null).describe("Largest amplitude that is read out"),
});

export const files = z.strictObject({
  tree: line.describe("Name of the tree"),
  inputs: z.record(name, line).describe("Input to the branch that holds it"),
  output: z.record(name, line).describe("Axis, and amplitude, to the jagged branch that holds it"),
  saturation: z
    .number()
    .positive()
    .nullable()
    .default(null)
    .describe("Where the amplitudes of the file are cut"),
});

export const simulator = z.strictObject({
  name: line.describe("Embedded simulator, or a name for the external one"),
  version: z.int().min(1).describe("Version; a new one makes new datasets"),
  command: z
    .array(line)
    .min(1)
    .nullable()
    .default(null)
    .describe("Program and arguments of an external simulator"),
  format: z
    .enum(["root", "parquet"])
    .nullable()
    .default(null)
    .describe("Format of the file that the program writes"),
});

const split = z
  .strictObject({
    train: z.number().min(0).max(1).describe("Fraction of rows to train on"),
    validation: z.number().min(0).max(1).describe("Fraction of rows for early stopping"),
    test: z.number().min(0).max(1).describe("Fraction of rows that training never sees"),
  })
  .describe("Fractions that add up to 1");

export const gate = z.strictObject({
  metric: name.describe("Metric of the validation"),
  minimum: z.number().optional().describe("The metric must not be below"),
  maximum: z.number().optional().describe("The metric must not be above"),
});

const domainTest = z.strictObject({
  rows: rows.describe("Rows simulated at each point"),
  corners: z.int().min(0).max(64).describe("Random corners of the box of tolerances"),
  gates: z.array(gate).min(1).describe("What the model must pass at each point"),
});

const range = (what: string, unit: string, low: number, high: number) =>
  z
    .strictObject({
      low: z.number().min(low).max(high).describe(`Lower end, ${unit}`),
      high: z.number().min(low).max(high).describe(`Upper end, ${unit}`),
    })
    .describe(what);

const limits = (what: string) =>
  z
    .strictObject({
      minimum: z.number().positive().max(1).describe("Lower limit of the ratio"),
      maximum: z.number().min(1).describe("Upper limit of the ratio"),
    })
    .describe(what);

const reconstruction = z.strictObject({
  detector: z.literal("tpc").describe("Geometry: tpc for the pad rows of the MPD time projection chamber"),
  tracks: z.int().min(200).max(50_000).describe("Tracks; a bin of 200 and more is gated"),
  pt: range("Transverse momentum of the tracks", "GeV/c", 0.05, 100),
  dip: range("Angle of the tracks to the bending plane", "degrees", -80, 80),
  resolution: limits(
    "Limits of the resolutions of DCA, momentum and angles with the model over those with the simulator",
  ),
  dedx: limits("The same for the energy loss"),
  hit: limits("The same for the residuals of single hits"),
  cluster: limits("The same for the mean widths and charges of clusters, which are known better"),
});

export const familyFile = z.strictObject({
  schema: z.literal("driftline-family/1").describe("Format of this file"),
  name: z
    .string()
    .max(129)
    .regex(/^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$/, "must be experiment.name, each in snake_case")
    .describe("Name of the family, experiment.name, and of its folder"),
  version: z.int().min(1).describe("Part of every key: a new version asks for new models"),
  title: line.describe("The family in a few words"),
  description: z.string().min(1).max(10_000).describe("What the models do, in a few sentences"),
  conditions: z.record(name, condition).describe("What selects a model: quantities and labels"),
  software: z.record(name, softwareComponent).describe("Named versions of what the response depends on"),
  inputs: z.array(inputFeature).min(1).max(1000).describe("What the model is given, row by row"),
  output: output.describe("What the model makes of it"),
  data: z
    .strictObject({
      rows: rows.describe("Rows of a simulated dataset"),
      split,
      simulator: simulator.nullable().default(null).describe("The base simulator; null where there is none"),
      files: files.nullable().default(null).describe("How files of responses are read"),
    })
    .describe("Where responses come from"),
  training: z
    .strictObject({
      trainer: line.describe("Trainer program"),
      model: line.describe("Kind of model that it trains"),
      seed: z
        .int()
        .min(0)
        .max(2 ** 31 - 1)
        .describe("First seed"),
      threads: z
        .int()
        .min(1)
        .max(1024)
        .describe("Threads of the trainer; their number is part of the recipe"),
      hyperparameters: z
        .record(z.string(), z.json())
        .default({})
        .describe("Passed to the trainer as they are"),
      warmStart: z
        .enum(["none", "nearest"])
        .default("none")
        .describe(
          "nearest: training starts from the weights of the nearest published model; none: from random ones",
        ),
    })
    .describe("How a model is trained"),
  validation: z
    .strictObject({
      rows: rows.describe("Held-out rows that the gated figures use at most; thresholds belong to a size"),
      classifierRounds: z
        .int()
        .min(10)
        .max(1000)
        .optional()
        .describe(
          "Rounds of the boosted classifiers; 150 if left out, which the thresholds of AUCs belong to",
        ),
      gates: z.array(gate).describe("What a model must pass to be published"),
      domain: domainTest.nullable().default(null).describe("Test at other conditions; null for none"),
      reconstruction: reconstruction
        .nullable()
        .default(null)
        .describe("Test by reconstructed tracks; null for none"),
    })
    .describe("What a model must pass"),
});
export type FamilyFile = z.output<typeof familyFile>;

/** The JSON Schema that editors check family.yaml with while it is written; committed as family.schema.json. */
export function familyJsonSchemaText(): string {
  const schema = { title: "Driftline family (family.yaml)", ...z.toJSONSchema(familyFile, { io: "input" }) };
  return `${JSON.stringify(schema, null, 2)}\n`;
}
