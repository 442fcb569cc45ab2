// The family that ships, with anything in it changed: it loads, or every problem has its file, line, field and remedy.

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import { parse, stringify } from "yaml";
import { DriftlineError } from "../errors/registry.ts";
import type { FamilyProblem } from "./familyYaml.ts";
import { loadFamily } from "./loadFamily.ts";

const shipped = readFileSync(new URL("../../../../families/mpd.tpc/family.yaml", import.meta.url), "utf8");
const directory = mkdtempSync(join(tmpdir(), "driftline-any-family-"));
after(() => rmSync(directory, { recursive: true }));
mkdirSync(join(directory, "mpd.tpc"));
const file = join(directory, "mpd.tpc", "family.yaml");

/** Null where the text is a family; else its problems. Anything but Driftline's own error fails the test. */
function problemsOf(text: string | Uint8Array): FamilyProblem[] | null {
  writeFileSync(file, text);
  try {
    loadFamily(file);
    return null;
  } catch (error) {
    assert.ok(error instanceof DriftlineError, (error as Error).stack);
    assert.equal(error.code, "invalid_family");
    assert.ok(error.field && error.remedy && error.message.includes(file), error.message);
    assert.doesNotMatch(error.message, /\[object|Invalid input|\n\s+at |Error\b/);
    const problems = (error.data?.problems ?? []) as FamilyProblem[];
    for (const { line, column, message, remedy } of problems) {
      assert.ok(line >= 1 && column >= 1 && message !== "" && remedy !== "", JSON.stringify(problems));
    }
    return problems;
  }
}

type Path = (string | number)[];

function pathsIn(value: unknown, at: Path = []): Path[] {
  if (typeof value !== "object" || value === null) return [at];
  const entries: [string | number, unknown][] = Array.isArray(value)
    ? [...value.entries()]
    : Object.entries(value);
  return [...(at.length > 0 ? [at] : []), ...entries.flatMap(([name, each]) => pathsIn(each, [...at, name]))];
}

const paths = fc.constantFrom(...pathsIn(parse(shipped)));
const odd = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    "",
    " ",
    true,
    -1,
    0,
    Number.POSITIVE_INFINITY,
    Number.NaN,
    1e-200,
    2 ** 60,
    [],
    {},
    [[]],
    { a: 1 },
    "9".repeat(300),
    "\0",
    "\ud800",
    "__proto__",
    "a".repeat(20_000),
  ),
  fc.string({ unit: "binary", maxLength: 12 }),
  fc.double(),
);

/** The shipped family with `change` made to the map or list that holds the place. */
function edited(
  path: Path,
  change: (holder: Record<string | number, unknown>, name: string | number) => void,
): string {
  const family = parse(shipped);
  change(
    path.slice(0, -1).reduce((at, name) => at[name], family),
    path.at(-1)!,
  );
  return stringify(family);
}

test("as it ships it is a family, also after a turn through the parser", () => {
  assert.equal(problemsOf(shipped), null);
  assert.equal(problemsOf(stringify(parse(shipped))), null);
});

test("any value at any place loads, or every problem is placed", () => {
  fc.assert(
    fc.property(paths, odd, (path, value) => {
      const problems = problemsOf(
        edited(path, (holder, name) => {
          holder[name] = value;
        }),
      );
      assert.ok(problems === null || problems.length > 0);
    }),
    { seed: 1, numRuns: 150 },
  );
});

test("a field more is named with its place, wherever it stands", () => {
  const name = fc.oneof(
    fc.constantFrom("__proto__", "constructor", "toString"),
    fc.stringMatching(/^[a-z]{9,12}$/),
  );
  const holders = fc.constantFrom(
    ...pathsIn(parse(shipped)).filter((path) => {
      const value = path.reduce((at, part) => at[part], parse(shipped));
      // Where any name may stand, another one is no mistake in itself.
      const free = ["conditions", "software", "hyperparameters", "inputs", "output"].includes(
        String(path.at(-1)),
      );
      return (
        typeof value === "object" &&
        value !== null &&
        !Array.isArray(value) &&
        !free &&
        !path.includes("hyperparameters")
      );
    }),
  );
  fc.assert(
    fc.property(holders, name, (path, more) => {
      const text = edited([...path, more], (holder) =>
        Object.defineProperty(holder, more, { value: 1, enumerable: true }),
      );
      const problems = problemsOf(text);
      assert.ok(
        problems?.some(({ field }) => field.endsWith(more)),
        `${path.join(".")}.${more}: ${JSON.stringify(problems)}`,
      );
    }),
    { seed: 1, numRuns: 80 },
  );
});

test("a field less is named, where it is needed", () => {
  fc.assert(
    fc.property(paths, (path) => {
      const problems = problemsOf(
        edited(path, (holder, name) => {
          if (Array.isArray(holder)) holder.splice(Number(name), 1);
          else delete holder[name];
        }),
      );
      assert.ok(problems === null || problems.length > 0);
    }),
    { seed: 1, numRuns: 80 },
  );
});

test("any change to the text loads or is refused with a line", () => {
  const lines = shipped.split("\n");
  const at = fc.nat(lines.length - 1);
  const change = fc.oneof(
    at.map((i) => lines.toSpliced(i, 1)),
    at.map((i) => lines.toSpliced(i, 0, lines[i])),
    fc.tuple(at, at).map(([i, j]) => lines.with(i, lines[j])),
    fc
      .tuple(
        at,
        fc.constantFrom(
          "\t",
          "  ",
          "- ",
          "& ",
          "*x ",
          "!!js ",
          "? ",
          "'",
          '"',
          "{",
          "]",
          "\0",
          "\u2028",
          "\ud800",
        ),
      )
      .map(([i, put]) => lines.with(i, put + lines[i])),
    fc.tuple(at, fc.nat(120)).map(([i, end]) => lines.with(i, lines[i].slice(0, end))),
    at.map((i) => lines.slice(0, i)),
  );
  fc.assert(
    fc.property(change, (changed) => {
      problemsOf(changed.join("\n"));
    }),
    { seed: 1, numRuns: 150 },
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
      assert.notEqual(problemsOf(bytes), null);
    }),
    { seed: 1, numRuns: 80 },
  );
});
