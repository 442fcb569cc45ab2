// Which columns are features: names and globs of a specification, matched against columns and definitions.

import type { Shape } from "@driftline/rootio";
import { type DriftlineError, fail } from "../../errors/registry.ts";
import { nearestName } from "../../family/nearestName.ts";
import type { ScaleKind } from "./scaling.ts";
import type { PadLength, Specification } from "./specification.ts";

export interface SelectedFeature {
  name: string;
  list: boolean;
  pad: PadLength;
  scale: ScaleKind;
}

export interface Selection {
  features: SelectedFeature[];
  /** Columns that a glob matches but that are no features, with the reason. */
  leftOut: { name: string; reason: string }[];
}

type Options = Pick<Specification, "features" | "exclude" | "pad" | "scale">;

/**
 * Features in the order of the specification; of a glob first the single values, then the lists, each in the order of
 * their names. A glob takes floating-point numbers alone: counters, flags and identifiers are features where they are
 * named. Throws `invalid_specification` naming the entry.
 */
export function selectFeatures(
  { features, exclude, pad, scale }: Options,
  shapes: ReadonlyMap<string, Shape>,
  defined: ReadonlySet<string>,
  problems: ReadonlyMap<string, string>,
): Selection {
  const selected = new Map<string, SelectedFeature>();
  const leftOut = new Map<string, string>();
  const excluded = exclude.map((text) =>
    isGlob(text) ? globPattern(text) : new RegExp(`^${escaped(text)}$`),
  );
  features.forEach((entry, i) => {
    const options = typeof entry === "string" ? { name: entry } : entry;
    const field = typeof entry === "string" ? `features[${i}]` : `features[${i}].name`;
    const add = (name: string, list: boolean) => {
      if (!selected.has(name))
        selected.set(name, { name, list, pad: options.pad ?? pad, scale: options.scale ?? scale });
    };
    const shape = shapes.get(options.name);
    if (shape) {
      const problem = problemOf(shape);
      if (problem) throw wrong(field, `${options.name} ${problem}`);
      add(options.name, shape.kind === "list");
      return;
    }
    const broken = problems.get(options.name);
    if (broken !== undefined) throw wrong(field, `${options.name} ${broken}`);
    if (!isGlob(options.name)) throw unknown(field, options.name, shapes);
    const pattern = globPattern(options.name);
    const isExcluded = (name: string) => excluded.some((one) => one.test(name));
    for (const [name, problem] of problems)
      if (pattern.test(name) && !isExcluded(name)) leftOut.set(name, problem);
    const matches: { name: string; list: boolean }[] = [];
    for (const [name, shape] of shapes) {
      if (!pattern.test(name) || isExcluded(name)) continue;
      const reason = problemOf(shape) ?? (defined.has(name) ? null : integerReason(shape));
      if (reason) leftOut.set(name, reason);
      else matches.push({ name, list: shape.kind === "list" });
    }
    if (matches.length === 0)
      throw wrong(field, `no column of floating-point numbers matches ${JSON.stringify(options.name)}`);
    matches.sort((a, b) => Number(a.list) - Number(b.list) || (a.name < b.name ? -1 : 1));
    for (const { name, list } of matches) add(name, list);
  });
  return {
    features: [...selected.values()],
    leftOut: [...leftOut].filter(([name]) => !selected.has(name)).map(([name, reason]) => ({ name, reason })),
  };
}

function problemOf(shape: Shape): string | null {
  const content = shape.kind === "list" ? shape.content : shape;
  if (content.kind === "number") return null;
  if (shape.kind === "list" && content.kind === "list") return "holds lists of lists; reduce it in `define`";
  return content.kind === "string" ? "holds text" : `holds ${content.kind}s, not numbers`;
}

function integerReason(shape: Shape): string | null {
  const content = shape.kind === "list" ? shape.content : shape;
  return content.kind === "number" && !content.type.startsWith("float") ? `is ${content.type}` : null;
}

export function isGlob(text: string): boolean {
  return /[*?]/.test(text);
}

/** `*` stands for any characters, `?` for one. */
export function globPattern(glob: string): RegExp {
  const source = glob.replace(/[*?]|[^*?]+/g, (part) =>
    part === "*" ? ".*" : part === "?" ? "." : escaped(part),
  );
  return new RegExp(`^${source}$`, "s");
}

function escaped(text: string): string {
  return text.replace(/[\\^$.|+()[\]{}*?]/g, "\\$&");
}

function unknown(field: string, name: string, shapes: ReadonlyMap<string, Shape>): DriftlineError {
  const nearest = nearestName(name, [...shapes.keys()]);
  return wrong(
    field,
    `there is no column ${JSON.stringify(name)}`,
    nearest ? `Did you mean ${nearest}?` : undefined,
  );
}

function wrong(
  field: string,
  problem: string,
  remedy = "Name columns, new columns of `define`, or globs of them.",
) {
  return fail("invalid_specification", `Choosing features: ${problem}.`, { field, remedy });
}
