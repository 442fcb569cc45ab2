// Reads a table of runs as someone wrote it, CSV or JSON: rows with the line on which each stands, checked against the families.

import type { RunRange } from "@driftline/client/lock/runTable";
import { z } from "zod";
import { DriftlineError, fail } from "../../errors/registry.ts";
import type { Condition, Family } from "../../family/family.ts";
import { canonicalQuestion } from "../../family/question.ts";
import { parseCsv } from "./csv.ts";

export interface GivenRange extends RunRange {
  tag: string;
  /** In the file, from 1. */
  line: number;
}

interface Problem {
  line: number;
  message: string;
  field: string | null;
}

/** Problems that a message lists; `data.problems` has all. */
const maxShown = 20;
const largestFile = 256 * 2 ** 20;

/**
 * The rows of a file, `name` being for messages. Names must be conditions or software of one of the families, values
 * what one of those that have them allows. Throws `invalid_data` with all that is wrong, by line.
 */
export function readRuns(name: string, bytes: Uint8Array, families: Iterable<Family>): GivenRange[] {
  if (bytes.byteLength > largestFile) {
    throw invalid(name, [{ line: 1, message: "the file is larger than 256 MiB", field: null }]);
  }
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw invalid(name, [{ line: 1, message: "it is not UTF-8", field: null }]);
  }
  const problems: Problem[] = [];
  const rows = /^\s*[[{]/.test(text) ? fromJson(name, text, problems) : fromCsv(name, text, problems);
  const check = valueCheck([...families]);
  for (const row of rows) problems.push(...rowProblems(row, check));
  if (problems.length > 0)
    throw invalid(
      name,
      problems.sort((a, b) => a.line - b.line),
    );
  if (rows.length === 0) throw invalid(name, [{ line: 1, message: "there are no runs in it", field: null }]);
  return rows;
}

const columns: Record<string, "tag" | "firstRun" | "lastRun" | undefined> = {
  tag: "tag",
  firstrun: "firstRun",
  lastrun: "lastRun",
};

function fromCsv(name: string, text: string, problems: Problem[]): GivenRange[] {
  const records = parseCsv(text);
  if (records === null) throw invalid(name, [{ line: 1, message: "a quote is not closed", field: null }]);
  const [header, ...rest] = records;
  if (header === undefined) return [];
  const places = header.cells.map((cell) => columns[cell.toLowerCase().replaceAll(/[^a-z]/g, "")] ?? cell);
  for (const needed of ["tag", "firstRun", "lastRun"]) {
    if (places.filter((place) => place === needed).length === 1) continue;
    const written = needed.replace("Run", "_run");
    throw invalid(name, [
      { line: header.line, message: `the header must have the column ${written} once`, field: written },
    ]);
  }
  const rows: GivenRange[] = [];
  for (const { line, cells } of rest) {
    if (cells.length !== places.length) {
      const message = `it has ${cells.length} cells, the header ${places.length}`;
      problems.push({ line, message, field: null });
      continue;
    }
    const row: GivenRange = {
      tag: "",
      line,
      firstRun: Number.NaN,
      lastRun: Number.NaN,
      conditions: {},
      software: {},
    };
    for (const [i, cell] of cells.entries()) {
      const place = places[i];
      if (place === "tag") row.tag = cell;
      else if (place === "firstRun" || place === "lastRun") row[place] = runOf(cell);
      else if (cell !== "") put(row, place, cell);
    }
    rows.push(row);
  }
  return rows;
}

/** A column is `name`, `name [unit]` or `software.name`; its unit completes a bare number. */
function put(row: GivenRange, column: string, cell: string): void {
  const software = /^software[. ](.+)$/.exec(column);
  if (software) {
    row.software[software[1].trim()] = cell;
    return;
  }
  const [, name, unit] = /^(.*?)\s*(?:\[([^\]]*)\])?$/.exec(column)!;
  const bare = unit && unit !== "1" && /^[+-]?[\d.]+(?:[eE][+-]?\d+)?$/.test(cell);
  row.conditions[name] = bare ? `${cell} ${unit}` : cell;
}

function runOf(cell: string): number {
  return /^\d{1,15}$/.test(cell) ? Number(cell) : Number.NaN;
}

const value = z.union([z.string(), z.number()]);
const jsonRow = z.strictObject({
  tag: z.string().optional(),
  firstRun: z.number(),
  lastRun: z.number(),
  conditions: z.record(z.string(), value).default({}),
  software: z.record(z.string(), z.string()).default({}),
});
const jsonTable = z.strictObject({
  format: z.literal("driftline-runs/1").optional(),
  tag: z.string().optional(),
  ranges: z.array(z.unknown()),
});

/** A list of rows, or an object with `ranges` and a tag for all of them. */
function fromJson(name: string, text: string, problems: Problem[]): GivenRange[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw invalid(name, [{ line: 1, message: `it is not JSON: ${(cause as Error).message}`, field: null }]);
  }
  let tag: string | undefined;
  let entries: unknown[];
  if (Array.isArray(json)) entries = json;
  else {
    const parsed = jsonTable.safeParse(json);
    if (!parsed.success) throw invalid(name, [{ line: 1, ...issueOf(parsed.error) }]);
    ({ tag, ranges: entries } = parsed.data);
  }
  const lines = linesOfObjects(text, Array.isArray(json) ? 1 : 2);
  return entries.flatMap((entry, i): GivenRange[] => {
    const line = lines[i] ?? 1;
    const parsed = jsonRow.safeParse(entry);
    if (!parsed.success) {
      problems.push({ line, ...issueOf(parsed.error) });
      return [];
    }
    const { conditions, ...rest } = parsed.data;
    const texts = Object.entries(conditions).map(([key, given]) => [key, String(given)]);
    return [{ tag: tag ?? "", ...rest, conditions: Object.fromEntries(texts), line } as GivenRange];
  });
}

function issueOf({ issues: [issue] }: z.ZodError): { message: string; field: string | null } {
  const field = issue.path.join(".");
  return { message: `${field === "" ? "" : `${field}: `}${issue.message}`, field: field || null };
}

/** The lines on which objects begin that are `depth` brackets deep, in order. The text is JSON. */
function linesOfObjects(text: string, depth: number): number[] {
  const lines: number[] = [];
  let line = 1;
  let open = 0;
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (character === "\n") line++;
    else if (character === '"') {
      for (i++; text[i] !== '"'; i++) if (text[i] === "\\") i++;
    } else if (character === "{" || character === "[") {
      if (character === "{" && open === depth) lines.push(line);
      open++;
    } else if (character === "}" || character === "]") open--;
  }
  return lines;
}

type Check = (part: "conditions" | "software", name: string, given: string) => string | null;

function rowProblems(row: GivenRange, check: Check): Problem[] {
  const { tag, line, firstRun, lastRun } = row;
  const found: Problem[] = [];
  const report = (field: string, message: string) => found.push({ line, field, message });
  if (!/^[\w.+-]{1,64}$/.test(tag))
    report("tag", `${JSON.stringify(tag.slice(0, 80))} is no tag: 1 to 64 letters, digits, _ . + or -`);
  for (const [field, run] of Object.entries({ first_run: firstRun, last_run: lastRun })) {
    if (!Number.isSafeInteger(run) || run < 0) report(field, `${field} is not a run number`);
  }
  if (firstRun > lastRun) report("last_run", `the last run, ${lastRun}, is before the first, ${firstRun}`);
  for (const part of ["conditions", "software"] as const) {
    for (const [name, given] of Object.entries(row[part])) {
      const problem = check(part, name, given);
      if (problem !== null) report(`${part}.${name}`, problem);
    }
  }
  return found;
}

/** Says what is wrong with a value; the same values come again and again. */
function valueCheck(families: Family[]): Check {
  const known = new Map<string, string | null>();
  return (part, name, given) => {
    const of = `${part} ${name} ${given}`;
    let problem = known.get(of);
    if (problem === undefined) {
      problem = problemOf(families, part, name, given);
      known.set(of, problem);
    }
    return problem;
  };
}

function problemOf(
  families: Family[],
  part: "conditions" | "software",
  name: string,
  given: string,
): string | null {
  let problem: string | null = null;
  for (const family of families) {
    // Of what it asks for this alone, so that no other value is missing.
    const conditions: Condition[] =
      part === "conditions" ? family.conditions.filter((each) => each.name === name) : [];
    const software = part === "software" ? family.software.filter((each) => each.name === name) : [];
    if (conditions.length + software.length === 0) continue;
    try {
      canonicalQuestion({ ...family, conditions, software }, { [part]: { [name]: given } });
      return null;
    } catch (error) {
      if (!(error instanceof DriftlineError)) throw error;
      problem ??= `${error.message} ${error.remedy ?? ""}`.trim();
    }
  }
  return (
    problem ??
    `no family here has ${part === "software" ? "software" : "a condition"} ${JSON.stringify(name.slice(0, 80))}`
  );
}

export function invalid(name: string, problems: Problem[]): DriftlineError {
  const lines = problems.slice(0, maxShown).map(({ line, message }) => `${name}:${line}: ${message}`);
  if (problems.length > maxShown) lines.push(`… and ${problems.length - maxShown} more.`);
  const count = problems.length === 1 ? "a problem" : `${problems.length} problems`;
  return fail("invalid_data", `Reading a table of runs: ${count}.\n${lines.join("\n")}`, {
    field: problems[0].field ?? name,
    remedy: "Mend the file; nothing of it was taken. docs/campaigns.md shows one.",
    data: { problems: problems.map((problem) => ({ file: name, ...problem })) },
  });
}
