// Which columns of a file are the inputs and the digits, checked against what the file has before anything is read.

import { nearestNames } from "@driftline/rootio";
import type { DriftlineError } from "../errors/registry.ts";
import { fail } from "../errors/registry.ts";
import type { FileMapping, InputFeature, OutputImage } from "../family/family.ts";
import type { ColumnInfo, Table } from "./sources/table.ts";

export interface MappedColumns {
  /** Column of each input, in the inputs' order. */
  inputs: string[];
  /** Columns of the numbers on axis 0 and 1, and of the amplitudes. */
  digits: [string, string, string];
}

/** Throws `invalid_data` whose field is the line of family.yaml that names the column (`data.files.inputs.pt`). */
export function mapColumns(
  file: Table,
  mapping: FileMapping,
  inputs: InputFeature[],
  output: OutputImage,
): MappedColumns {
  const scalar = inputs.map(({ name }) => {
    const field = `data.files.inputs.${name}`;
    return check(file, field, `input ${name}`, mapping.inputs[name], false);
  });
  const jagged = [output.axes[0].name, output.axes[1].name, "amplitude"].map((name) => {
    const field = `data.files.output.${name}`;
    return check(file, field, `${name} of the digits`, mapping.output[name], true);
  });
  return { inputs: scalar, digits: jagged as [string, string, string] };
}

function check(file: Table, field: string, what: string, name: string | undefined, jagged: boolean): string {
  const { word } = file;
  const wrong = (problem: string, remedy: string): DriftlineError =>
    fail("invalid_data", `cannot read responses from ${file.location}: ${problem}`, { field, remedy });
  if (name === undefined)
    throw wrong(`no ${word} is named for the ${what}`, `Name it in ${field} of family.yaml.`);
  const column = file.columns.find((column) => column.name === name);
  if (!column) {
    const near = nearestNames(
      name,
      file.columns.map((column) => column.name),
    ).join(", ");
    throw wrong(
      `${file.holder} has no ${word} "${name}" (${what}); nearest are ${near}`,
      `Correct ${field} in family.yaml, or give files that have the ${word}.`,
    );
  }
  const problem = column.problem ?? notNumbers(column);
  if (problem !== null)
    throw wrong(`${word} "${name}" (${what}) ${problem}`, `Name a ${word} of numbers in ${field}.`);
  const isList = column.shape?.kind === "list";
  if (isList !== jagged) {
    const has = isList ? "is a list in each entry" : "is one number in each entry";
    const needs = jagged ? "a list, one value a digit" : "one number";
    throw wrong(
      `${word} "${name}" ${has}, but the ${what} must be ${needs}`,
      `Correct ${field} in family.yaml.`,
    );
  }
  return name;
}

/** Why a column that can be read is neither numbers nor lists of numbers; null where it is. */
function notNumbers({ typeName, shape }: ColumnInfo): string | null {
  const content = shape?.kind === "list" ? shape.content : shape;
  if (content?.kind === "number") return null;
  if (shape?.kind === "list" && content?.kind === "list") return `is a list of lists (${typeName})`;
  return `holds ${typeName}, which is not a number`;
}
