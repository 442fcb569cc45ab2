// Reads families: family.yaml in a folder of the family's name, checked as a whole before anything is made of it.

import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { formatDecimal, parseDecimal } from "@driftline/client/question/decimal";
import { DriftlineError, fail } from "../errors/registry.ts";
import type { SourceOf } from "./conditionChecks.ts";
import { crossChecks } from "./crossChecks.ts";
import type { Condition, Family } from "./family.ts";
import { fieldName, readYaml } from "./familyYaml.ts";
import { placedError } from "./placedError.ts";
import { type FamilyFile, familyFile } from "./schema.ts";
import { type Finding, schemaProblems } from "./schemaProblems.ts";

/**
 * Reads and checks one family.yaml. Throws `invalid_family` with all that is wrong with it, each by file, line, column,
 * field and remedy; `data.problems` lists the same.
 */
export function loadFamily(path: string): Family {
  const text = readText(path);
  const { data, problems, positionOf, sourceOf } = readYaml(text);
  if (problems.length > 0) throw placedError("invalid_family", "Reading a family", path, problems);
  const findings = [...schemaProblems(data), ...crossChecks(data, sourceOf), ...folderProblems(path, data)];
  if (findings.length > 0) {
    const placed = findings.map(({ path: at, message, remedy, name }) => ({
      ...positionOf(at, name),
      field: fieldName(at),
      message,
      remedy,
    }));
    throw placedError(
      "invalid_family",
      "Reading a family",
      path,
      placed.sort((a, b) => a.line - b.line || a.column - b.column),
    );
  }
  return build(familyFile.parse(data), sourceOf, path);
}

/**
 * Reads every folder with a family.yaml in each of the directories. Throws `invalid_family` with the problems of all
 * files, and for a family that is there twice.
 */
export function loadFamilies(directories: string[]): Map<string, Family> {
  const families = new Map<string, Family>();
  const errors: DriftlineError[] = [];
  for (const path of directories.flatMap(familyFiles)) {
    try {
      const family = loadFamily(path);
      const other = families.get(family.name);
      if (other) throw twice(family, other);
      families.set(family.name, family);
    } catch (error) {
      if (!(error instanceof DriftlineError)) throw error;
      errors.push(error);
    }
  }
  if (errors.length === 0) return families;
  if (errors.length === 1) throw errors[0];
  throw fail("invalid_family", errors.map(({ message }) => message).join("\n"), {
    field: errors[0].field,
    remedy: errors[0].remedy,
    data: { problems: errors.flatMap(({ data }) => data?.problems ?? []) },
  });
}

function familyFiles(directory: string): string[] {
  if (!existsSync(directory) || !statSync(directory).isDirectory()) {
    throw fail("invalid_family", `Reading families: there is no directory ${directory}.`, {
      field: directory,
      remedy: "Create it, or correct the configured directories of families.",
    });
  }
  return readdirSync(directory)
    .sort()
    .map((folder) => join(directory, folder, "family.yaml"))
    .filter((path) => existsSync(path));
}

function readText(path: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(path));
  } catch (cause) {
    const what = cause instanceof TypeError ? "it is not UTF-8" : (cause as Error).message;
    throw fail("invalid_family", `Reading ${path}: ${what}.`, {
      field: path,
      remedy: "Name a readable family.yaml in UTF-8.",
      cause,
    });
  }
}

function folderProblems(path: string, data: unknown): Finding[] {
  const folder = basename(dirname(path));
  const name = (data as { name?: unknown } | null)?.name;
  return typeof name !== "string" || name === folder
    ? []
    : [{ path: ["name"], message: `is ${name}, the folder ${folder}`, remedy: "Rename one of the two." }];
}

function twice(family: Family, other: Family): DriftlineError {
  return fail(
    "invalid_family",
    `Reading families: ${family.name} is in ${other.source} and in ${family.source}.`,
    {
      field: "name",
      remedy: "Keep one of the two.",
    },
  );
}

function build(file: FamilyFile, sourceOf: SourceOf, path: string): Family {
  const { schema: _schema, conditions, software, ...rest } = file;
  return {
    ...rest,
    conditions: Object.entries(conditions).map(([name, condition]): Condition => {
      const { description, nominal } = condition;
      const decimal = (field: string) => formatDecimal(parseDecimal(sourceOf(["conditions", name, field])!)!);
      if (!("unit" in condition)) {
        const values = condition.values?.map((value) => value.normalize("NFC")) ?? null;
        return {
          kind: "label",
          name,
          description,
          values,
          nominal: (nominal as string)?.normalize("NFC") ?? null,
        };
      }
      return {
        kind: "quantity",
        name,
        description,
        unit: condition.unit,
        nominal: nominal === undefined || nominal === null ? null : decimal("nominal"),
        grid: decimal("grid"),
        tolerance: decimal("tolerance"),
        minimum: decimal("minimum"),
        maximum: decimal("maximum"),
      };
    }),
    software: Object.entries(software).map(([name, { description, nominal }]) => ({
      name,
      description,
      nominal: nominal?.normalize("NFC") ?? null,
    })),
    source: path,
  };
}
