// YAML with positions: reads a file as plain data and keeps where each value stands and how each number is written.

import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  visit,
  type YAMLParseError,
} from "yaml";

export type FieldPath = readonly (string | number)[];

export interface FamilyProblem {
  /** Line and column, from 1. */
  line: number;
  column: number;
  /** `conditions.drift_velocity.grid`, `inputs[2].unit`; empty for the file as a whole. */
  field: string;
  message: string;
  remedy: string;
}

export interface YamlFile {
  /** Plain data; undefined where the text is no YAML. */
  data: unknown;
  /** What is wrong with the text as YAML. */
  problems: FamilyProblem[];
  /** Where a field stands, or its nearest parent that is there; with `key`, where its name stands. */
  positionOf: (path: FieldPath, key?: boolean) => { line: number; column: number };
  /** A scalar as it is written in the file, without quotes; null where there is no scalar. */
  sourceOf: (path: FieldPath) => string | null;
}

/** A family.yaml is a page or two; more is a mistake or an attack. */
const maxCharacters = 100_000;
/** A value may be reused by an anchor, but not multiplied by anchors within anchors. */
const maxAliases = 100;
const nestingRemedy = "A family needs no more than ten levels.";

export function readYaml(text: string): YamlFile {
  const lines = new LineCounter();
  const broken = (message: string, remedy: string, offset = 0): YamlFile => ({
    data: undefined,
    problems: [{ ...place(lines, offset), field: "", message, remedy }],
    positionOf: () => ({ line: 1, column: 1 }),
    sourceOf: () => null,
  });
  if (text.length > maxCharacters)
    return broken("is longer than 100,000 characters", "Check that it is the right file.");
  let document: Document.Parsed;
  let data: unknown;
  try {
    document = parseDocument(text, { lineCounter: lines, prettyErrors: false, stringKeys: true });
    if (document.errors.length === 0) {
      data = document.toJS({ maxAliasCount: maxAliases });
      JSON.stringify(data);
    }
  } catch (error) {
    if (error instanceof RangeError) return broken("is nested too deeply", nestingRemedy);
    return broken(
      "has aliases that multiply or contain themselves",
      "Write the values out in place of the aliases.",
    );
  }
  return {
    data,
    problems:
      document.errors.length > 0
        ? yamlProblems(text, document.errors, lines)
        : protoProblems(document, lines),
    positionOf: (path, key = false) => place(lines, offsetOf(document, path, key)),
    sourceOf: (path) => {
      const node = find(document, path).node;
      return isScalar(node) && typeof node.source === "string" ? node.source : null;
    },
  };
}

/** Every duplicate key, but only the first break of the syntax: the rest are its consequences. */
function yamlProblems(text: string, errors: YAMLParseError[], lines: LineCounter): FamilyProblem[] {
  const first = errors.find(({ code }) => code !== "DUPLICATE_KEY");
  return errors
    .filter((error) => error === first || error.code === "DUPLICATE_KEY")
    .map(({ code, message, pos }) => {
      const at = { ...place(lines, pos[0]), field: "" };
      if (code === "DUPLICATE_KEY") {
        const [field] = /^[^\s:]*/.exec(text.slice(pos[0]))!;
        return { ...at, field, message: "is there twice", remedy: "Keep one of the two." };
      }
      // The parser reports its own exhausted stack as an error of the text.
      if (message.includes("call stack"))
        return { ...at, message: "is nested too deeply", remedy: nestingRemedy };
      return { ...at, message: `is no valid YAML: ${message}`, remedy: "Correct the YAML at this place." };
    });
}

/** JavaScript gives `__proto__` a meaning of its own; the schema would pass it over in silence. */
function protoProblems(document: Document.Parsed, lines: LineCounter): FamilyProblem[] {
  const problems: FamilyProblem[] = [];
  visit(document, {
    Scalar: (key, { value, range }) => {
      if (key !== "key" || value !== "__proto__") return;
      const at = place(lines, range?.[0] ?? 0);
      problems.push({ ...at, field: "__proto__", message: "is no name for a field", remedy: "Rename it." });
    },
  });
  return problems;
}

export function fieldName(path: FieldPath): string {
  return path
    .map((part, i) => (typeof part === "number" ? `[${part}]` : i === 0 ? part : `.${part}`))
    .join("");
}

function place(lines: LineCounter, offset: number): { line: number; column: number } {
  const { line, col } = lines.linePos(offset);
  return line === 0 ? { line: 1, column: 1 } : { line, column: col };
}

function offsetOf(document: Document.Parsed, path: FieldPath, key: boolean): number {
  const { node, keyNode } = find(document, path);
  return (key ? keyNode : node)?.range?.[0] ?? node?.range?.[0] ?? 0;
}

/** Follows a path through maps, sequences and aliases as far as it goes. */
function find(document: Document.Parsed, path: FieldPath): { node: Node | null; keyNode: Node | null } {
  let node: Node | null = document.contents;
  let keyNode: Node | null = null;
  for (const part of path) {
    if (isAlias(node)) node = node.resolve(document) ?? null;
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && key.value === part);
      if (!pair) break;
      keyNode = pair.key as Node;
      node = (pair.value as Node | null) ?? keyNode;
    } else if (isSeq(node) && typeof part === "number" && node.items[part] !== undefined) {
      node = node.items[part] as Node;
      keyNode = node;
    } else break;
  }
  return { node: isAlias(node) ? (node.resolve(document) ?? null) : node, keyNode };
}
