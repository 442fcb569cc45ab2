// The specification of a dataset from files: which files, cuts, new columns, features, label, weights, hold-out and
// order. Written as YAML, and stored with the dataset that is made by it.

import { readFileSync } from "node:fs";
import { z } from "zod";
import { fail } from "../../errors/registry.ts";
import { fieldName, readYaml } from "../../family/familyYaml.ts";
import { placedError } from "../../family/placedError.ts";
import { findings } from "../../family/schemaProblems.ts";
import { scaleKinds } from "./scaling.ts";

const text = z.string().min(1).max(10_000);
const name = z.string().min(1).max(200);
const names = z.array(name).min(1).max(10_000);
const fraction = z.number().min(0).max(1);

const source = z.strictObject({
  files: z
    .union([text, z.array(text).min(1)])
    .describe("Paths, globs, addresses, or @FILE with a name a line"),
  tree: name.optional().describe("Tree or RNTuple of ROOT files; may be left out where there is one"),
  label: z.number().optional().describe("Label of all rows; by default the place of the source: 0, 1, …"),
  weight: z.union([z.number(), text]).optional().describe("Number or expression that multiplies the weight"),
  cut: text.optional().describe("Cut on this source alone"),
});

const pad = z.union([z.int().min(1).max(100_000), z.strictObject({ quantile: z.number().gt(0).max(1) })]);
const featureOptions = {
  pad: pad
    .optional()
    .describe("Values kept of a list; {quantile: 0.99} takes the length that 99 % of the rows do not exceed"),
  scale: z.enum(scaleKinds).optional().describe("How values are scaled"),
};
const feature = z.union([
  name,
  z.strictObject({ name: name.describe("Column, new column or glob of them"), ...featureOptions }),
]);

const balance = z.strictObject({
  by: z
    .union([
      z.enum(["label", "source"]),
      z.strictObject({ expression: text, edges: z.array(z.number()).min(2) }),
    ])
    .describe("What is balanced: labels, sources, or bins of an expression"),
  how: z
    .enum(["weights", "repeat"])
    .default("weights")
    .describe("By weights, or by repeating rare training rows in a stream of batches"),
});

export const specificationFile = z.strictObject({
  sources: z.record(
    z.string().regex(/^[A-Za-z_][\w.-]{0,63}$/, "must be a name of letters, digits and _.-"),
    source,
  ),
  define: z
    .record(z.string().regex(/^[A-Za-z_]\w{0,63}$/, "must be a name of letters, digits and _"), text)
    .default({}),
  cut: text.optional().describe("Rows that do not pass are left out"),
  features: z.array(feature).min(1).default(["*"]),
  exclude: z.array(name).default([]).describe("Names and globs that are no features"),
  pad: pad.default({ quantile: 1 }).describe("For features without one of their own"),
  scale: z.enum(scaleKinds).default("standard").describe("For features without one of their own"),
  label: text.optional().describe("Expression for the label, in place of those of the sources"),
  weight: text.optional().describe("Expression that multiplies the weight of every row"),
  identity: names
    .optional()
    .describe("Columns that identify an event; by default the file's content and the entry"),
  group: names.optional().describe("Rows that agree in these columns are in one part of the split"),
  split: z
    .strictObject({ train: fraction, validation: fraction, test: fraction })
    .default({ train: 0.8, validation: 0.1, test: 0.1 }),
  salt: z.string().max(200).default("driftline").describe("Another salt makes another split"),
  balance: balance.optional(),
  missing: z
    .enum(["mask", "refuse"])
    .default("mask")
    .describe("NaN and infinities: masked like padding and counted, or an error"),
  order: z
    .strictObject({
      seed: z
        .int()
        .min(0)
        .max(2 ** 31 - 1)
        .default(1),
      places: z
        .int()
        .min(1)
        .max(64)
        .default(8)
        .describe("Places of the data that a shuffled piece is made of"),
      rows: z.int().min(1).max(10_000_000).default(16_384).describe("Rows that are shuffled together"),
    })
    .default({ seed: 1, places: 8, rows: 16_384 }),
});

/** All of it, defaults filled in. */
export type Specification = z.infer<typeof specificationFile>;
export type PadLength = z.infer<typeof pad>;

/** Reads a specification from a file of YAML or JSON. Throws `invalid_specification` with line, field and remedy. */
export function loadSpecification(path: string): Specification {
  let content: string;
  try {
    content = new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(path));
  } catch (cause) {
    const what = cause instanceof TypeError ? "it is not UTF-8" : (cause as Error).message;
    throw fail("invalid_specification", `Reading ${path}: ${what}.`, {
      field: path,
      remedy: "Name a readable specification in YAML; `driftline data spec FILES --write FILE` makes one.",
      cause,
    });
  }
  const { data, problems, positionOf } = readYaml(content);
  const doing = "Reading the specification of a dataset";
  if (problems.length > 0) throw placedError("invalid_specification", doing, path, problems);
  const found = [...findings(specificationFile, data), ...crossChecks(data)];
  if (found.length > 0)
    throw placedError(
      "invalid_specification",
      doing,
      path,
      found
        .map(({ path: at, message, remedy, name }) => ({
          ...positionOf(at, name),
          field: fieldName(at),
          message,
          remedy,
        }))
        .sort((a, b) => a.line - b.line || a.column - b.column),
    );
  return specificationFile.parse(data);
}

interface Finding {
  path: (string | number)[];
  message: string;
  remedy: string;
  name?: boolean;
}

/** What the schema cannot say. Runs on whatever the file holds, so it looks before it touches. */
function crossChecks(data: unknown): Finding[] {
  const result: Finding[] = [];
  const parsed = specificationFile.safeParse(data);
  if (!parsed.success) return result;
  const { sources, split, balance } = parsed.data;
  if (Object.keys(sources).length === 0)
    result.push({
      path: ["sources"],
      message: "has no source",
      remedy: "Name at least one, with its files.",
    });
  const sum = split.train + split.validation + split.test;
  if (Math.abs(sum - 1) > 1e-9)
    result.push({
      path: ["split"],
      message: `has fractions that sum to ${sum}`,
      remedy: "Give three fractions that sum to 1.",
    });
  const by = balance?.by;
  if (typeof by === "object" && by.edges.some((edge, i) => i > 0 && !(edge > by.edges[i - 1])))
    result.push({
      path: ["balance", "by", "edges"],
      message: "do not ascend",
      remedy: "Write the edges of the bins from the lowest to the highest.",
    });
  return result;
}
